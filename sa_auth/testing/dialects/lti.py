"""A learning platform's token endpoint for LTI Advantage services.

Source: https://www.imsglobal.org/spec/security/v1p1 section 4.1. Platforms differ in their words for a no; those are the
RFC's here.
"""

from __future__ import annotations

from typing import Any

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import rule

from .base import Dialect

_PAGE = "https://www.imsglobal.org/spec/security/v1p1 section 4.1"
_CLAIMS = ("iss", "sub", "aud", "iat", "exp", "jti")


def _is_client(case: Case) -> bool:
    return case.endpoint == "token" and case.client_is_jwt


@rule(_PAGE, "iss, sub, aud, iat, exp, jti", error="invalid_client", when=_is_client)
def lti_claims(case: Case) -> str:
    """All six claims are there."""
    missing = [name for name in _CLAIMS if name not in case.client_claims]
    return f"There is no {missing[0]}." if missing else ""


@rule(_PAGE, "RS256", error="invalid_client", when=_is_client)
def lti_algorithm(case: Case) -> str:
    """The algorithm is RS256."""
    alg = case.client_jwt.header.get("alg")
    return "" if alg == "RS256" else f"The alg is {alg}."


@rule(_PAGE, "scope: a list of scopes, separated by spaces", error="invalid_scope", when=_is_client)
def lti_scope(case: Case) -> str:
    """The form asks for scopes."""
    return "" if case.has("scope") else "There is no scope."


def _answer(case: Case, token: str, lifetime: float) -> dict[str, Any]:
    return {
        "access_token": token, "token_type": "Bearer", "expires_in": int(lifetime), "scope": case.has("scope"),
    }  # fmt: skip


LTI = Dialect(
    name="lti",
    source=(_PAGE,),
    # Each platform has its own: /login/oauth2/token, /mod/lti/token.php, /core/connect/token.
    path=r"(/[\w.-]+)*/token(\.php)?",
    audiences=("{endpoint}",),
    rules=(lti_claims, lti_algorithm, lti_scope),
    answer=_answer,
)
