"""Keycloak's token endpoint: clients with a signed JWT, and the JWT authorization grant.

Source: https://www.keycloak.org/securing-apps/oidc-layers; Keycloak's source, AbstractBaseJWTValidator (times, audience,
reuse), AbstractJWTClientValidator and JWTAuthorizationGrantType (words and statuses).
"""

from __future__ import annotations

from typing import Any

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import rule

from .base import Dialect, Refusal

_SOURCE = "keycloak: org.keycloak.authentication.authenticators.client.AbstractBaseJWTValidator"
_GRANT = "keycloak: org.keycloak.protocol.oidc.grants.JWTAuthorizationGrantType"
_PATH = "/protocol/openid-connect/token"
_CLIENT_LIFE, _GRANT_LIFE = 60, 300


def _is_client(case: Case) -> bool:
    return case.endpoint == "token" and case.client_is_jwt


def _is_grant(case: Case) -> bool:
    return case.endpoint == "token" and case.grant_is_jwt


def _audience(case: Case, claims: dict[str, Any]) -> str:
    realm = case.url.removesuffix(_PATH)
    return "" if claims.get("aud") == realm else f"The aud is {claims.get('aud')}, the realm is {realm}."


def _age(case: Case, claims: dict[str, Any], longest: int) -> str:
    issued = claims.get("iat")
    if not isinstance(issued, int):
        return "" if claims.get("exp", 0) - case.now <= longest else "There is no iat, and exp is far."
    return "" if case.now <= issued + longest else f"The iat is {case.now - issued:.0f} s ago."


@rule(_SOURCE, "Invalid token audience", error="invalid_client", when=_is_client)
def keycloak_client_audience(case: Case) -> str:
    """A client's assertion names the realm's issuer alone."""
    return _audience(case, case.client_claims)


@rule(_SOURCE, "Token was issued too far in the past to be used now", error="invalid_client", when=_is_client)
def keycloak_client_age(case: Case) -> str:
    """A client's assertion is taken for 60 s from iat."""
    return _age(case, case.client_claims, _CLIENT_LIFE)


@rule(_SOURCE, "Invalid token audience", error="invalid_grant", when=_is_grant)
def keycloak_grant_audience(case: Case) -> str:
    """An identity provider's assertion names the realm's issuer alone."""
    return _audience(case, case.grant_claims)


@rule(_SOURCE, "Token was issued too far in the past to be used now", error="invalid_grant", when=_is_grant)
def keycloak_grant_age(case: Case) -> str:
    """An identity provider's assertion is taken for 300 s from iat, and never before its iat."""
    return _age(case, case.grant_claims, _GRANT_LIFE)


@rule(_GRANT, "client must be confidential", error="invalid_client", when=_is_grant)
def keycloak_grant_client(case: Case) -> str:
    """The client proves itself beside the assertion."""
    caller = case.caller
    return "" if caller is not None and caller.method != "none" else "No client proved itself."


@rule(_SOURCE, "Token jti claim is required", error="invalid_grant", when=_is_grant)
def keycloak_grant_jti(case: Case) -> str:
    """The assertion has an id, and a subject."""
    claims = case.grant_claims
    return "" if claims.get("jti") and claims.get("sub") else "There is no jti or no sub."


def _answer(case: Case, token: str, lifetime: float) -> dict[str, Any]:
    return {
        "access_token": token, "expires_in": int(lifetime), "refresh_expires_in": 0, "token_type": "Bearer",
        "not-before-policy": 0, "scope": case.has("scope"),
    }  # fmt: skip


def _no(error: str, words: str, status: int = 400) -> Refusal:
    return Refusal(status, {"error": error, "error_description": words})


_UNKNOWN = _no("invalid_client", "Invalid client or Invalid client credentials", 401)
_SIGNED = _no(
    "invalid_client", "Client authentication with signed JWT failed: Signature on JWT token failed validation"
)

KEYCLOAK = Dialect(
    name="keycloak",
    source=("https://www.keycloak.org/securing-apps/oidc-layers", _SOURCE, _GRANT),
    path=rf"/realms/[^/]+{_PATH}",
    without=frozenset({"client_aud_names_server", "aud_names_server"}),
    rules=(
        keycloak_client_audience, keycloak_client_age, keycloak_grant_client, keycloak_grant_audience, keycloak_grant_age,
        keycloak_grant_jti,
    ),
    refusals={
        "client_iss_registered": _UNKNOWN,
        "client_authenticated": _UNKNOWN,
        "keycloak_grant_client": _UNKNOWN,
        "client_kid_known": _no("invalid_client", "Unable to load public key"),
        "client_signature_valid": _SIGNED,
        "client_alg_fits_key": _no("invalid_client", "Invalid signature algorithm"),
        "keycloak_client_audience": _no("invalid_client", "Invalid token audience"),
        "client_exp_ahead": _no("invalid_client", "Token is not active"),
        "client_iat_not_ahead": _no("invalid_client", "Token was issued in the future"),
        "keycloak_client_age": _no("invalid_client", "Token was issued too far in the past to be used now"),
        "client_jti_fresh": _no("invalid_client", "Token reuse detected"),
        "iss_registered": _no("invalid_grant", "No Identity Provider for provided issuer"),
        "sub_allowed": _no("invalid_grant", "User not found"),
        "keycloak_grant_audience": _no("invalid_grant", "Invalid token audience"),
        "exp_ahead": _no("invalid_grant", "Token is not active"),
        "iat_not_ahead": _no("invalid_grant", "Token was issued in the future"),
        "keycloak_grant_age": _no("invalid_grant", "Token was issued too far in the past to be used now"),
        "keycloak_grant_jti": _no("invalid_grant", "Token jti claim is required"),
        "jti_fresh": _no("invalid_grant", "Token reuse detected"),
    },
    answer=_answer,
)  # fmt: skip
