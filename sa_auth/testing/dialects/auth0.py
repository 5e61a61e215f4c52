"""Auth0's token endpoint for machine-to-machine applications with a private key.

Source: https://auth0.com/docs/get-started/authentication-and-authorization-flow/authenticate-with-private-key-jwt. How it
words its refusals of an assertion is not documented; those are the RFC's here.
"""

from __future__ import annotations

from typing import Any

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import rule

from .base import Dialect, Refusal

_PAGE = "https://auth0.com/docs/get-started/authentication-and-authorization-flow/authenticate-with-private-key-jwt"
_LONGEST = {"iss": 64, "sub": 64, "jti": 64}


def _is_client(case: Case) -> bool:
    return case.endpoint == "token" and case.client_is_jwt


@rule(_PAGE, "Must be either RS256, RS384, or PS256", error="invalid_client", when=_is_client)
def auth0_algorithm(case: Case) -> str:
    """The algorithm is one of the three."""
    alg = case.client_jwt.header.get("alg")
    return "" if alg in {"RS256", "RS384", "PS256"} else f"The alg is {alg}."


@rule(
    _PAGE, "Auth0 supports a maximum of 5 minutes for the lifetime of a token", error="invalid_client", when=_is_client
)
def auth0_five_minutes(case: Case) -> str:
    """The assertion lives for five minutes at most."""
    claims = case.client_claims
    life = claims.get("exp", 0) - claims.get("iat", case.now)
    return "" if 0 < life <= 300 else f"It lives for {life:.0f} s."


@rule(_PAGE, "jti: 64 characters", error="invalid_client", when=_is_client)
def auth0_short(case: Case) -> str:
    """No claim is longer than is allowed."""
    claims = case.client_claims
    long = [name for name, most in _LONGEST.items() if len(str(claims.get(name, ""))) > most]
    return f"Too long: {', '.join(long)}." if long else ""


@rule(_PAGE, "audience: $resource_server_identifier", error="access_denied", when=_is_client)
def auth0_api(case: Case) -> str:
    """The form names an API that the tenant has."""
    api, known = case.has("audience"), case.settings.resources
    if not api:
        return "There is no audience."
    return "" if known is None or api in known else api


def _answer(case: Case, token: str, lifetime: float) -> dict[str, Any]:
    told = {"access_token": token, "expires_in": int(lifetime), "token_type": "Bearer"}
    return {**told, "scope": case.has("scope")} if case.has("scope") else told


AUTH0 = Dialect(
    name="auth0",
    source=(_PAGE,),
    path="/oauth/token",
    audiences=("{home}/",),
    max_lifetime=300,
    without=frozenset({"resource_known"}),
    rules=(auth0_algorithm, auth0_five_minutes, auth0_short, auth0_api),
    refusals={
        "auth0_api": Refusal(403, {"error": "access_denied", "error_description": "Service not found: {detail}"}),
    },
    answer=_answer,
)
