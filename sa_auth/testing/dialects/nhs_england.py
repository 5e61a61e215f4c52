"""NHS England's token endpoint for application-restricted APIs.

Source: https://digital.nhs.uk/developer/guides-and-documentation/security-and-authorisation/
application-restricted-restful-apis-signed-jwt-authentication (header, claims, table of errors with their statuses).
"""

from __future__ import annotations

from typing import Any

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import rule

from .base import Dialect, Refusal

_PAGE = (
    "https://digital.nhs.uk/developer/guides-and-documentation/security-and-authorisation/"
    "application-restricted-restful-apis-signed-jwt-authentication"
)


def _is_client(case: Case) -> bool:
    return case.endpoint == "token" and case.client_is_jwt


@rule(_PAGE, "Invalid 'alg' header", error="invalid_request", when=_is_client)
def nhs_rs512(case: Case) -> str:
    """The algorithm is RS512."""
    alg = case.client_jwt.header.get("alg")
    return "" if alg == "RS512" else f"The alg is {alg}."


@rule(_PAGE, "Missing 'kid' header", error="invalid_request", when=_is_client)
def nhs_kid(case: Case) -> str:
    """The header names the key."""
    return "" if case.client_jwt.header.get("kid") else "There is no kid."


@rule(_PAGE, "Invalid 'typ' header", error="invalid_request", when=_is_client)
def nhs_typ(case: Case) -> str:
    """The type is JWT and no other."""
    typ = case.client_jwt.header.get("typ")
    return "" if typ == "JWT" else f"The typ is {typ}."


@rule(_PAGE, "more than 5 minutes in future", error="invalid_request", when=_is_client)
def nhs_five_minutes(case: Case) -> str:
    """The end is at most five minutes ahead."""
    ahead = case.client_jwt.date("exp") - case.now
    return "" if ahead <= 300 else f"The exp is {ahead:.0f} s ahead."


def _answer(case: Case, token: str, lifetime: float) -> dict[str, Any]:
    issued = str(int(case.now * 1000))
    return {"access_token": token, "expires_in": str(int(lifetime) - 1), "token_type": "Bearer", "issued_at": issued}


def _no(words: str, status: int = 400, error: str = "invalid_request") -> Refusal:
    told = {"error": error, "error_description": words, "message_id": "rrt-1-a-geu2-1-1-1"}
    return Refusal(status, told)


_IN = "in client_assertion JWT"

NHS_ENGLAND = Dialect(
    name="nhs_england",
    source=(_PAGE,),
    path="/oauth2/token",
    audiences=("{endpoint}",),
    max_lifetime=300,
    rules=(nhs_rs512, nhs_kid, nhs_typ, nhs_five_minutes),
    refusals={
        "client_kid_known": _no(f"Invalid 'kid' header {_IN} - no matching public key", 401),
        "client_iss_registered": _no(f"Invalid 'iss'/'sub' claims {_IN}", 401),
        "client_sub_present": _no(f"Missing or non-matching 'iss'/'sub' claims {_IN}"),
        "client_sub_is_client": _no(f"Missing or non-matching 'iss'/'sub' claims {_IN}"),
        "client_jti_present": _no(f"Missing 'jti' claim {_IN}"),
        "client_jti_fresh": _no(f"Non-unique 'jti' claim {_IN}"),
        "client_aud_present": _no(f"Missing or invalid 'aud' claim {_IN}", 401),
        "client_aud_alone": _no(f"Missing or invalid 'aud' claim {_IN}", 401),
        "client_aud_names_server": _no(f"Missing or invalid 'aud' claim {_IN}", 401),
        "client_exp_present": _no(f"Missing 'exp' claim {_IN}"),
        "client_exp_ahead": _no(f"Invalid 'exp' claim {_IN} - JWT has expired"),
        "client_exp_near": _no(f"Invalid 'exp' claim {_IN} - more than 5 minutes in future"),
        "client_signature_valid": _no("JWT signature verification failed", 401, "public_key error"),
        "nhs_rs512": _no(f"Invalid 'alg' header {_IN} - unsupported JWT algorithm - must be 'RS512'"),
        "nhs_kid": _no(f"Missing 'kid' header {_IN}"),
        "nhs_typ": _no(f"Invalid 'typ' header {_IN} - must be 'JWT'"),
        "nhs_five_minutes": _no(f"Invalid 'exp' claim {_IN} - more than 5 minutes in future"),
    },
    answer=_answer,
)
