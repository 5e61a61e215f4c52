"""Okta's token endpoint, of the org and of a custom authorization server.

Source: https://developer.okta.com/docs/api/openapi/okta-oauth/guides/client-auth/ and .../docs/guides/build-self-signed-jwt
(claims), .../docs/guides/implement-oauth-for-okta-serviceapp (scopes), .../docs/guides/dpop (nonce).
"""

from __future__ import annotations

from typing import Any

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import rule

from .base import Dialect, Refusal

_AUTH = "https://developer.okta.com/docs/api/openapi/okta-oauth/guides/client-auth/"
_SERVICE = "https://developer.okta.com/docs/guides/implement-oauth-for-okta-serviceapp/main/"
_DPOP = "https://developer.okta.com/docs/guides/dpop/oktaresourceserver/main/"
_TAKEN = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")


def _has_proof(case: Case) -> bool:
    return case.endpoint == "token" and case.client_is_jwt


@rule(_AUTH, "the private key that you use to sign the JWT: RSA or EC", error="invalid_client", when=_has_proof)
def okta_algorithm(case: Case) -> str:
    """The algorithm is RS or ES with 256, 384 or 512."""
    alg = case.client_jwt.header.get("alg")
    return "" if alg in _TAKEN else f"The alg is {alg}."


@rule(_SERVICE, "scope: the scopes that you want to include in the access token", error="invalid_scope",
      when=lambda case: case.grants("client_credentials"))  # fmt: skip
def okta_scope(case: Case) -> str:
    """At the org's server there is a scope; a custom one may have default scopes."""
    org = case.path.endswith("/oauth2/v1/token")
    return "The request has no scope." if org and not case.has("scope") else ""


def _answer(case: Case, token: str, lifetime: float) -> dict[str, Any]:
    kind = "DPoP" if case.has_proof else "Bearer"
    return {"token_type": kind, "expires_in": int(lifetime), "access_token": token, "scope": case.has("scope")}


def _no(words: str, status: int = 401, error: str = "invalid_client") -> Refusal:
    return Refusal(status, {"error": error, "error_description": words})


OKTA = Dialect(
    name="okta",
    source=(_AUTH, _SERVICE, _DPOP),
    path=r"/oauth2/(?:[^/]+/)?v1/token",
    audiences=("{endpoint}",),
    max_lifetime=3600,
    # Optional there; one that is there goes once, whatever the answer is.
    without=frozenset({"client_jti_present"}),
    rules=(okta_algorithm, okta_scope),
    refusals={
        "client_jti_fresh": _no("The client_assertion token has already been used."),
        "client_aud_names_server": _no("The audience claim for client_assertion must be the endpoint invoked for the request."),
        "client_exp_near": _no("The client_assertion token has an expiration too far into the future."),
        "client_exp_ahead": _no("The client_assertion token is expired."),
        "client_kid_known": _no("The client_assertion JWT kid is invalid."),
        **dict.fromkeys(("client_signature_valid", "client_alg_fits_key", "okta_algorithm"),
                        _no("The client_assertion signature is invalid.")),
        # Okta's older form of an error.
        "client_iss_registered": Refusal(400, {
            "errorCode": "invalid_client", "errorSummary": "Invalid value for 'client_id' parameter.",
            "errorLink": "invalid_client", "errorId": "oaemGhVTXgCRDqr9AwJjIaT3g", "errorCauses": [],
        }),
        "dpop_demanded": _no("The DPoP proof JWT header is missing.", 400, "invalid_dpop_proof"),
        "okta_scope": _no("The request is missing the scope.", 400, "invalid_scope"),
        "scope_allowed": _no("One or more scopes are not configured for the authorization server resource.", 400,
                             "invalid_scope"),
        "grant_type_allowed": _no("Policy evaluation failed for this request, please check the policy configurations.", 400,
                                  "access_denied"),
    },
    answer=_answer,
)  # fmt: skip
