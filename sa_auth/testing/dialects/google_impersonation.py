"""Google's IAM Service Account Credentials API, and a plain token endpoint for the one who calls it.

Source: https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken and
.../generateIdToken (path, fields, answer); the words of the refusals are those reported at
github.com/google-github-actions/auth, issues 58 and 340, and github.com/fluent/fluent-bit, issue 5410.
"""

from __future__ import annotations

import re
import time
from typing import Any

from sa_auth._encoding import b64url, compact_json
from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import rule

from .base import Dialect, Refusal

_PAGE = "https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken"
_ID_PAGE = "https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateIdToken"
_PLATFORM = {"https://www.googleapis.com/auth/cloud-platform", "https://www.googleapis.com/auth/iam"}


def _asked(case: Case) -> bool:
    return case.endpoint == "exchange"


def _access(case: Case) -> bool:
    return _asked(case) and case.path.endswith(":generateAccessToken")


def _identity(case: Case) -> bool:
    return _asked(case) and case.path.endswith(":generateIdToken")


@rule(_PAGE, "Requires one of the following OAuth scopes", error="UNAUTHENTICATED", when=_asked)
def impersonation_caller(case: Case) -> str:
    """The caller is known by a token that is out."""
    return "" if case.scheme == "bearer" and case.issued is not None else "The caller has no token that is alive."


@rule(
    _PAGE,
    "Requires one of the following OAuth scopes",
    error="PERMISSION_DENIED",
    when=_asked,
)
def impersonation_caller_scope(case: Case) -> str:
    """The caller's token is for this API."""
    issued = case.issued
    return "" if issued is None or _PLATFORM & set(issued.scope.split()) else "The caller's scope is another."


@rule(
    _PAGE,
    "Code to identify the scopes to be included in the OAuth 2.0 access token.",
    error="INVALID_ARGUMENT",
    when=_access,
)
def impersonation_scope(case: Case) -> str:
    """There is a list of scopes."""
    given = case.json.get("scope")
    listed = isinstance(given, list) and given and all(isinstance(one, str) and one for one in given)
    return "" if listed else "There is no list of scopes."


@rule(
    _PAGE,
    "The desired lifetime duration of the access token in seconds.",
    error="INVALID_ARGUMENT",
    when=_access,
)
def impersonation_lifetime(case: Case) -> str:
    """The life is a duration of at most an hour."""
    given = case.json.get("lifetime", "3600s")
    fits = isinstance(given, str) and re.fullmatch(r"\d+(\.\d{1,9})?s", given) and float(given[:-1]) <= 3600
    return "" if fits else "The lifetime is no duration of at most 3600s."


@rule(
    _PAGE,
    "The delegates must have the following format: projects/-/serviceAccounts/{ACCOUNT_EMAIL_OR_UNIQUEID}.",
    error="INVALID_ARGUMENT",
    when=_asked,
)
def impersonation_delegates(case: Case) -> str:
    """Delegates are full names."""
    given = case.json.get("delegates") or []
    named = isinstance(given, list) and all(
        isinstance(one, str) and re.fullmatch(r"projects/-/serviceAccounts/[^/]+", one) for one in given
    )
    return "" if named else "A delegate is not of the form projects/-/serviceAccounts/EMAIL."


@rule(_ID_PAGE, "Required. The audience for the token", error="INVALID_ARGUMENT", when=_identity)
def impersonation_audience(case: Case) -> str:
    """An ID token is for somebody."""
    given = case.json.get("audience")
    return "" if isinstance(given, str) and given else "There is no audience."


def _answer(case: Case, token: str, lifetime: float) -> dict[str, Any]:
    if not _asked(case):
        return {"access_token": token, "expires_in": int(lifetime), "token_type": "Bearer"}
    if _identity(case):
        claims = {"aud": case.json["audience"], "exp": int(case.now + 3600), "iat": int(case.now)}
        return {"token": f"{b64url(compact_json({'alg': 'none'}))}.{b64url(compact_json(claims))}.AA"}
    life = float(case.json.get("lifetime", "3600s")[:-1])
    return {
        "accessToken": token,
        "expireTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(case.now + life)),
    }


def _no(status: int, word: str, message: str) -> Refusal:
    return Refusal(status, {"error": {"code": status, "message": message, "status": word}})


GOOGLE_IMPERSONATION = Dialect(
    name="google_impersonation",
    source=(_PAGE, _ID_PAGE),
    path=r"/v1/projects/-/serviceAccounts/[^/:]+:generate(Access|Id)Token",
    rest=True,
    own_bearer=True,
    rules=(
        impersonation_caller, impersonation_caller_scope, impersonation_scope, impersonation_lifetime,
        impersonation_delegates, impersonation_audience,
    ),
    refusals={
        "impersonation_caller": _no(
            401, "UNAUTHENTICATED", "Request had invalid authentication credentials. Expected OAuth 2 access token, login "
            "cookie or other valid authentication credential."),
        "impersonation_caller_scope": _no(
            403, "PERMISSION_DENIED", "Request had insufficient authentication scopes."),
        **dict.fromkeys(
            ("impersonation_scope", "impersonation_lifetime", "impersonation_delegates", "impersonation_audience"),
            _no(400, "INVALID_ARGUMENT", "Request contains an invalid argument. {detail}")),
    },
    answer=_answer,
)  # fmt: skip
