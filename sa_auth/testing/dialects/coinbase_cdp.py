"""Coinbase Developer Platform's API, where each JWT is itself the token of one call.

Source: cdp-sdk 1.51.0, `cdp.auth.utils.jwt`, whose documentation of its options says what a JWT has, and its
`openapi_client.models.error` for the shape of a refusal.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import rule

from .base import Dialect, Refusal

_PAGE = "cdp-sdk 1.51.0: cdp.auth.utils.jwt"
_ERRORS = "cdp-sdk 1.51.0: cdp.openapi_client.models.error"


def _is_token(case: Case) -> bool:
    return case.at_api and case.grant_is_jwt


@rule(_PAGE, "kid, typ JWT and a nonce of 16 digits in the header", error="invalid_token", when=_is_token)
def coinbase_header(case: Case) -> str:
    """The key is named, the type is JWT, and there is a nonce."""
    header = case.grant_header
    if not header.get("kid") or header.get("typ") != "JWT":
        return "There is no kid, or the typ is not JWT."
    return "" if re.fullmatch(r"\d{16}", str(header.get("nonce"))) else "The nonce is not 16 digits."


@rule(_PAGE, "It supports both EC (ES256) and Ed25519 (EdDSA) keys", error="invalid_token", when=_is_token)
def coinbase_algorithm(case: Case) -> str:
    """The algorithm is one of two."""
    alg = case.grant_header.get("alg")
    return "" if alg in {"ES256", "EdDSA"} else f"The alg is {alg}."


@rule(_PAGE, "iss is cdp, sub the id of the API key", error="invalid_token", when=_is_token)
def coinbase_subject(case: Case) -> str:
    """The subject is the key's id."""
    claims = case.grant_claims
    if claims.get("iss") != "cdp":
        return "The iss is not cdp."
    return "" if claims.get("sub") == case.grant_header.get("kid") else "The sub is not the id of the key."


@rule(_PAGE, "expires in 120 seconds", error="invalid_token", when=_is_token)
def coinbase_two_minutes(case: Case) -> str:
    """The end lies at most two minutes after nbf."""
    begins, ends = case.grant_claims.get("nbf"), case.grant_claims.get("exp")
    if not isinstance(begins, int) or not isinstance(ends, int):
        return "There is no nbf or no exp."
    return "" if 0 < ends - begins <= 120 else f"From nbf to exp are {ends - begins} s."


@rule(_PAGE, "uris: the method, host and path of the request", error="invalid_token", when=_is_token)
def coinbase_call(case: Case) -> str:
    """The JWT is for this call, without its query."""
    wanted = f"{case.method} {urlsplit(case.url).netloc}{case.path}"
    uris = case.grant_claims.get("uris")
    return "" if uris == [wanted] else f"The JWT is for {uris}, and the call is {wanted}."


COINBASE_CDP = Dialect(
    name="coinbase_cdp",
    source=(_PAGE, _ERRORS),
    self_signed=True,
    without=frozenset({"aud_present", "aud_names_server"}),
    rules=(coinbase_header, coinbase_algorithm, coinbase_subject, coinbase_two_minutes, coinbase_call),
    refusals={
        "": Refusal(401, {"errorType": "unauthorized", "errorMessage": "Unauthorized."}),
    },
)  # fmt: skip
