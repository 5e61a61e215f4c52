"""The token endpoint of Google Distributed Cloud (GDCH).

Source: google-auth's `google.oauth2.gdch_credentials`, which is all that is public of it. The words of its refusals are not
known: they are RFC 6749's here.
"""

from __future__ import annotations

from typing import Any

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import rule

from .base import Dialect

_PAGE = "google.oauth2.gdch_credentials"
_FIXED = {
    "grant_type": "urn:ietf:params:oauth:token-type:token-exchange",
    "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
    "subject_token_type": "urn:k8s:params:oauth:token-type:serviceaccount",
}


def _asked(case: Case) -> bool:
    return case.endpoint == "exchange"


@rule(
    _PAGE,
    "TOKEN_EXCHANGE_TYPE, ACCESS_TOKEN_TOKEN_TYPE, SERVICE_ACCOUNT_TOKEN_TYPE",
    error="invalid_request",
    when=_asked,
)
def gdch_fields(case: Case) -> str:
    """The three fixed fields are there."""
    wrong = [name for name, value in _FIXED.items() if case.json.get(name) != value]
    return f"Missing or another: {', '.join(wrong)}." if wrong else ""


@rule(_PAGE, "The audience for the final token.", error="invalid_request", when=_asked)
def gdch_audience(case: Case) -> str:
    """The token is for somebody."""
    given = case.json.get("audience")
    return "" if isinstance(given, str) and given else "There is no audience."


@rule(_PAGE, "It uses the `name` value as the `iss` and `sub` claim", error="invalid_grant", when=_asked)
def gdch_identity(case: Case) -> str:
    """Issuer and subject are the service identity."""
    claims = case.grant_claims
    named = str(claims.get("iss", "")).startswith("system:serviceaccount:")
    return "" if named and claims.get("sub") == claims.get("iss") else "iss and sub are no service identity."


@rule(_PAGE, "use_rsa_signer=False", error="invalid_grant", when=_asked)
def gdch_elliptic(case: Case) -> str:
    """The key is elliptic, and named."""
    header = case.grant_header
    return "" if header.get("kid") and header.get("alg") in {"ES256", "ES384"} else "The alg or kid is none of GDCH's."


def _answer(case: Case, token: str, lifetime: float) -> dict[str, Any]:  # noqa: ARG001 - the port's signature
    kind = _FIXED["requested_token_type"]
    return {"access_token": token, "issued_token_type": kind, "token_type": "Bearer", "expires_in": int(lifetime)}


GOOGLE_GDCH = Dialect(
    name="google_gdch",
    source=(_PAGE,),
    path="/authenticate",
    rest=True,
    audiences=("{endpoint}",),
    rules=(gdch_fields, gdch_audience, gdch_identity, gdch_elliptic),
    answer=_answer,
)
