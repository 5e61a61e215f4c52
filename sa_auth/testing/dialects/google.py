"""Google's token endpoint for service accounts.

Source: https://developers.google.com/identity/protocols/oauth2/service-account (claims, RS256, one hour, error strings).
"""

from __future__ import annotations

from typing import Any

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import rule

from .base import Dialect, Refusal

_PAGE = "https://developers.google.com/identity/protocols/oauth2/service-account"


def _is_grant(case: Case) -> bool:
    return case.endpoint == "token" and case.grant_is_jwt


@rule(_PAGE, "Service accounts rely on the RSA SHA-256 algorithm", error="invalid_grant", when=_is_grant)
def google_rs256(case: Case) -> str:
    """The algorithm is RS256."""
    alg = case.grant_header.get("alg")
    return "" if alg == "RS256" else f"The alg is {alg}, not RS256."


@rule(_PAGE, "a maximum of 1 hour after the issued time", error="invalid_grant", when=_is_grant)
def google_one_hour(case: Case) -> str:
    """The end lies at most an hour after the issue."""
    claims = case.grant_claims
    issued, ends = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int) or not isinstance(ends, int):
        return "There is no iat or no exp."
    return "" if 0 < ends - issued <= 3600 else f"From iat to exp are {ends - issued} s."


@rule(
    _PAGE,
    "A space-delimited list of the permissions that the application requests",
    error="invalid_scope",
    when=_is_grant,
)
def google_scope(case: Case) -> str:
    """There is a scope, or the audience of an ID token."""
    claims = case.grant_claims
    return "" if claims.get("scope") or claims.get("target_audience") else "Neither scope nor target_audience."


def _answer(case: Case, token: str, lifetime: float) -> dict[str, Any]:
    if case.grant_claims.get("target_audience"):
        return {"id_token": token}
    return {"access_token": token, "expires_in": int(lifetime) - 1, "token_type": "Bearer"}


GOOGLE = Dialect(
    name="google",
    source=(_PAGE,),
    audiences=("https://oauth2.googleapis.com/token", "{endpoint}"),
    without=frozenset({"sub_present"}),
    rules=(google_rs256, google_one_hour, google_scope),
    refusals={
        "signature_valid": Refusal(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}),
        "google_rs256": Refusal(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}),
        "iss_registered": Refusal(
            400, {"error": "invalid_grant", "error_description": "Invalid grant: account not found"}
        ),
        **dict.fromkeys(
            ("google_one_hour", "exp_near", "exp_ahead", "iat_not_ahead", "iat_recent"),
            Refusal(400, {
                "error": "invalid_grant",
                "error_description": "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
                "timeframe. Check your iat and exp values in the JWT claim.",
            }),
        ),
        "aud_names_server": Refusal(
            400, {"error": "invalid_grant", "error_description": "Invalid JWT: Failed audience check. The right audience "
                  "is https://oauth2.googleapis.com/token"}),
        "google_scope": Refusal(
            400, {"error": "invalid_scope", "error_description": "Invalid OAuth scope or ID token audience provided."}
        ),
    },
    answer=_answer,
)  # fmt: skip
