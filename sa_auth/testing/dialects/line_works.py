"""LINE WORKS' token endpoint, for the assertion of a service account.

Register an app by its client id, with a key and a secret; `subjects=` is its service account. Refusals other than of a scope
are worded by the RFCs: LINE WORKS' own words are not known.
Source: https://developers.worksmobile.com/en/docs/auth-jwt; github.com/lineworks/works-api-code-samples (form, claims, RS256).
"""

from __future__ import annotations

from typing import Any

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import rule

from .base import Dialect, Refusal

_PAGE = "https://developers.worksmobile.com/en/docs/auth-jwt"
_SAMPLE = "github.com/lineworks/works-api-code-samples samples/python/bot-send-message/main.py"


def _asked(case: Case) -> bool:
    return case.at_token and case.grant_is_jwt


@rule(_SAMPLE, "algorithm RS256", error="invalid_grant", when=_asked)
def line_works_rs256(case: Case) -> str:
    """The algorithm is RS256."""
    alg = case.grant_header.get("alg")
    return "" if alg == "RS256" else f"The alg is {alg}, not RS256."


@rule(_SAMPLE, "client_id and client_secret are fields of the form", error="invalid_client", when=_asked)
def line_works_secret(case: Case) -> str:
    """The app proves itself in the form."""
    return "" if case.form.get("client_id") and case.form.get("client_secret") else "No id and secret in the form."


@rule(_SAMPLE, "iss is the client id", error="invalid_grant", when=_asked)
def line_works_issuer(case: Case) -> str:
    """The assertion is the app's own."""
    issuer, client = case.grant_claims.get("iss"), case.form.get("client_id")
    return "" if issuer == client else f"The iss is {issuer}, the client {client}."


@rule(_SAMPLE, "scope is a field of the form", error="invalid_scope", when=_asked)
def line_works_scope(case: Case) -> str:
    """A scope is asked for."""
    return "" if case.form.get("scope") else "There is no scope."


def _answer(case: Case, token: str, lifetime: float) -> dict[str, Any]:
    # The end comes as text.
    return {
        "access_token": token,
        "scope": case.form["scope"],
        "token_type": "Bearer",
        "expires_in": str(int(lifetime)),
    }


_SCOPE = Refusal(400, {"error": "invalid_scope", "error_description": "Request scope is not valid."})

LINE_WORKS = Dialect(
    name="line_works",
    source=(_PAGE, _SAMPLE),
    path="/oauth2/v2.0/token",
    without=frozenset({"aud_present", "aud_names_server"}),
    rules=(line_works_rs256, line_works_secret, line_works_issuer, line_works_scope),
    refusals={"line_works_scope": _SCOPE, "scope_allowed": _SCOPE},
    answer=_answer,
)
