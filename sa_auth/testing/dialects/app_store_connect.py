"""Apple's App Store Connect API, where the JWT is itself the token.

Source: https://developer.apple.com/documentation/appstoreconnectapi/generating-tokens-for-api-requests (header, claims, 20
minutes, scope); https://developer.apple.com/documentation/appstoreconnectapi/parsing-the-error-response-code (shape).
"""

from __future__ import annotations

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import rule

from .base import Dialect, Refusal

_PAGE = "https://developer.apple.com/documentation/appstoreconnectapi/generating-tokens-for-api-requests"
_ERRORS = "https://developer.apple.com/documentation/appstoreconnectapi/parsing-the-error-response-code"


def _is_token(case: Case) -> bool:
    return case.at_api and case.grant_is_jwt


@rule(
    _PAGE,
    "All JWTs for App Store Connect API must be signed with ES256 encryption.",
    error="invalid_token",
    when=_is_token,
)
def apple_es256(case: Case) -> str:
    """The algorithm is ES256."""
    alg = case.grant_header.get("alg")
    return "" if alg == "ES256" else f"The alg is {alg}, not ES256."


@rule(_PAGE, "kid: Your private key ID from App Store Connect; typ: JWT", error="invalid_token", when=_is_token)
def apple_header(case: Case) -> str:
    """The key is named, and the type is JWT."""
    header = case.grant_header
    return "" if header.get("kid") and header.get("typ") == "JWT" else "There is no kid, or the typ is not JWT."


@rule(
    _PAGE,
    "Tokens that expire more than 20 minutes into the future are not valid",
    error="invalid_token",
    when=_is_token,
)
def apple_twenty_minutes(case: Case) -> str:
    """The token has an iat, and ends within twenty minutes."""
    claims = case.grant_claims
    if not isinstance(claims.get("iat"), int):
        return "There is no iat."
    ahead = claims.get("exp", 0) - case.now
    return "" if ahead <= 1200 else f"The exp is {ahead:.0f} s ahead."


@rule(_PAGE, "scope: A list of operations you want to allow for the token", error="invalid_token", when=_is_token)
def apple_scope(case: Case) -> str:
    """A scope is a list of texts."""
    scope = case.grant_claims.get("scope", [])
    return "" if isinstance(scope, list) and all(isinstance(one, str) for one in scope) else "The scope is no list."


APP_STORE_CONNECT = Dialect(
    name="app_store_connect",
    source=(_PAGE, _ERRORS),
    self_signed=True,
    audiences=("appstoreconnect-v1",),
    without=frozenset({"sub_present"}),
    rules=(apple_es256, apple_header, apple_twenty_minutes, apple_scope),
    refusals={
        "": Refusal(401, {
            "errors": [{
                "status": "401",
                "code": "NOT_AUTHORIZED",
                "title": "Authentication credentials are missing or invalid.",
                "detail": "Provide a properly configured and signed bearer token, and make sure that it has not expired.",
            }],
        }),
    },
)  # fmt: skip
