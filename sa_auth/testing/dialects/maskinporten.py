"""Maskinporten's token endpoint.

Source: https://docs.digdir.no/docs/Maskinporten/maskinporten_protocol_jwtgrant (header and claims),
https://docs.digdir.no/docs/Maskinporten/maskinporten_feilsoking (codes and words).
"""

from __future__ import annotations

from typing import Any

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import rule

from .base import Dialect, Refusal

_PAGE = "https://docs.digdir.no/docs/Maskinporten/maskinporten_protocol_jwtgrant"


def _is_grant(case: Case) -> bool:
    return case.endpoint == "token" and case.grant_is_jwt


@rule(_PAGE, "RS256, RS384 and RS512 are supported by Maskinporten", error="invalid_grant", when=_is_grant)
def maskinporten_algorithm(case: Case) -> str:
    """The algorithm is one of the three."""
    alg = case.grant_header.get("alg")
    return "" if alg in {"RS256", "RS384", "RS512"} else f"The alg is {alg}."


@rule(_PAGE, "Either 'kid' or 'x5c' must be present", error="invalid_grant", when=_is_grant)
def maskinporten_key_named(case: Case) -> str:
    """The header names the key or holds its certificate, as an array of texts."""
    header = case.grant_header
    chain = header.get("x5c")
    if chain is None:
        return "" if header.get("kid") else "There is neither kid nor x5c."
    return (
        ""
        if isinstance(chain, list) and all(isinstance(one, str) for one in chain)
        else "The x5c is no array of texts."
    )


@rule(_PAGE, "Maximum 120 seconds allowed. (exp - iat <= 120)", error="invalid_grant", when=_is_grant)
def maskinporten_two_minutes(case: Case) -> str:
    """The end lies at most 120 s after the issue."""
    claims = case.grant_claims
    issued, ends = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int) or not isinstance(ends, int):
        return "There is no iat or no exp."
    return "" if 0 < ends - issued <= 120 else f"From iat to exp are {ends - issued} s."


@rule(_PAGE, "iat is less than 10 seconds ahead/after our clock", error="invalid_grant", when=_is_grant)
def maskinporten_ten_seconds(case: Case) -> str:
    """The issue lies less than ten seconds from now, to either side."""
    issued = case.grant_claims.get("iat")
    if not isinstance(issued, int):
        return "There is no iat."
    return "" if abs(case.now - issued) < 10 else f"The iat is {case.now - issued:.0f} s ago."


@rule(_PAGE, "must only contain a single value", error="invalid_grant", when=_is_grant)
def maskinporten_one_audience(case: Case) -> str:
    """The audience is one text."""
    return "" if isinstance(case.grant_claims.get("aud"), str) else "The aud is not one text."


@rule(_PAGE, "scope: Required", error="invalid_scope", when=_is_grant)
def maskinporten_scope(case: Case) -> str:
    """There is a scope among the claims."""
    return "" if case.grant_claims.get("scope") else "There is no scope."


@rule(_PAGE, "Currently only array supported", error="invalid_request", when=_is_grant)
def maskinporten_resource(case: Case) -> str:
    """A resource is an array among the claims."""
    resource = case.grant_claims.get("resource", [])
    return "" if isinstance(resource, list) else "The resource is no array."


def _answer(case: Case, token: str, lifetime: float) -> dict[str, Any]:
    scope = case.grant_claims.get("scope")
    return {"access_token": token, "token_type": "Bearer", "expires_in": int(lifetime) - 1, "scope": scope}


def _no(words: str, error: str = "invalid_grant", status: int = 400) -> Refusal:
    uri = "https://docs.digdir.no/maskinporten_feilsoking.html"
    return Refusal(status, {"error": error, "error_description": words, "error_uri": uri})


_INVALID = "Invalid assertion. Client authentication failed."

MASKINPORTEN = Dialect(
    name="maskinporten",
    source=(_PAGE, "https://docs.digdir.no/docs/Maskinporten/maskinporten_feilsoking"),
    audiences=("{home}/",),
    max_lifetime=120,
    without=frozenset({"sub_present"}),
    rules=(
        maskinporten_algorithm, maskinporten_key_named, maskinporten_two_minutes, maskinporten_ten_seconds,
        maskinporten_one_audience, maskinporten_scope, maskinporten_resource,
    ),
    refusals={
        "iss_registered": _no(f"MP-100: {_INVALID}"),
        "kid_known": _no("MP-124: Invalid JWT signature"),
        "signature_valid": _no("MP-124: Invalid JWT signature"),
        "aud_names_server": _no(f"MP-110: {_INVALID} Invalid JWT claim aud"),
        "maskinporten_one_audience": _no(f"MP-110: {_INVALID} Invalid JWT claim aud"),
        "maskinporten_key_named": _no("MP-123: Invalid JWT header x5c"),
        "exp_ahead": _no("MP-130: JWT is expired"),
        "exp_near": _no("MP-130: JWT is expired"),
        "iat_not_ahead": _no("Issue time is after now"),
        "maskinporten_two_minutes": _no("MP-130: JWT is expired"),
        "maskinporten_ten_seconds": _no("MP-130: JWT is expired"),
        "jti_fresh": _no("MP-012: Grant is used before"),
        "scope_allowed": _no("MP-200: Invalid scope - Token request contains invalid scopes for client", "invalid_scope"),
        "maskinporten_scope": _no("MP-200: Invalid scope - Token request contains invalid scopes for client", "invalid_scope"),
        "maskinporten_resource": _no(f"MP-011: {_INVALID} Invalid parameter value", "invalid_request"),
    },
    answer=_answer,
)  # fmt: skip
