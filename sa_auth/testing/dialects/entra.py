"""Microsoft Entra ID's token endpoint, version 2.

Source: https://learn.microsoft.com/entra/identity-platform/certificate-credentials (header and claims),
.../v2-oauth2-client-creds-grant-flow and .../v2-oauth2-on-behalf-of-flow (form and answer), .../reference-error-codes.
"""

from __future__ import annotations

import re
from typing import Any

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.reading import Unjudged, is_text, is_whole
from sa_auth.testing.rules.rule import rule

from .base import Dialect, Refusal

_PAGES = "https://learn.microsoft.com/entra/identity-platform"
_ASSERTION = f"{_PAGES}/certificate-credentials"
_OWN = f"{_PAGES}/v2-oauth2-client-creds-grant-flow"
_OBO = f"{_PAGES}/v2-oauth2-on-behalf-of-flow"
_SIZES = {"x5t#S256": 43, "x5t": 27}
_FEDERATED = "api://AzureADTokenExchange"


def _own_proof(case: Case) -> bool:
    """Whether the client's own key proves it, and no token service."""
    try:
        return case.endpoint == "token" and case.client_is_jwt and case.client_jwt.registration.clients is None
    except Unjudged:
        return False


@rule(_ASSERTION, "alg: Should be PS256 (older pages: RS256)", error="invalid_client", when=_own_proof)
def entra_algorithm(case: Case) -> str:
    """The algorithm is PS256 or RS256."""
    alg = case.client_jwt.header.get("alg")
    return "" if alg in {"PS256", "RS256"} else f"The alg is {alg}, neither PS256 nor RS256."


@rule(_ASSERTION, "typ: Should be JWT", error="invalid_client", when=_own_proof)
def entra_typ(case: Case) -> str:
    """The type is JWT."""
    return "" if case.client_jwt.header.get("typ") == "JWT" else "The typ is not JWT."


@rule(_ASSERTION, "Base64url-encoded thumbprint of the X.509 certificate's DER encoding", error="invalid_client",
      when=_own_proof)  # fmt: skip
def entra_thumbprint(case: Case) -> str:
    """The header says which certificate, by its SHA-256 or its SHA-1."""
    header = case.client_jwt.header
    named = {name: str(header[name]) for name in _SIZES if name in header}
    if not named:
        return "There is neither x5t#S256 nor x5t."
    wrong = [name for name, text in named.items() if not re.fullmatch(rf"[\w-]{{{_SIZES[name]}}}=?", text)]
    return f"No thumbprint: {', '.join(wrong)}." if wrong else ""


@rule(_ASSERTION, "nbf, iat, exp, jti, iss, sub, aud", error="invalid_client", when=_own_proof)
def entra_claims(case: Case) -> str:
    """All claims of the page are there."""
    claims = case.client_jwt.claims
    lacking = [name for name in ("nbf", "iat", "exp") if not is_whole(claims.get(name))]
    lacking += [name for name in ("jti", "iss", "sub") if not is_text(claims.get(name))]
    return f"Missing: {', '.join(lacking)}." if lacking else ""


@rule(_OWN, "client_id: Required. The application ID that's assigned to your app.", error="invalid_request",
      when=lambda case: case.endpoint == "token")  # fmt: skip
def entra_client_id(case: Case) -> str:
    """The application names itself in the form."""
    return "" if case.has("client_id") else "There is no client_id."


@rule(_OWN, "the resource identifier (Application ID URI) of the resource you want, suffixed with .default",
      error="invalid_scope", when=lambda case: case.grants("client_credentials"))  # fmt: skip
def entra_default_scope(case: Case) -> str:
    """There is one scope, a resource's `.default`."""
    scope = case.has("scope").split()
    return "" if len(scope) == 1 and scope[0].endswith("/.default") else f"The scope is {case.has('scope')!r}."


@rule(_OBO, "requested_token_use: Required. In the OBO flow, the value must be set to on_behalf_of.",
      error="invalid_request", when=lambda case: case.endpoint == "token" and case.grant_is_jwt)  # fmt: skip
def entra_on_behalf_of(case: Case) -> str:
    """A grant by a JWT is on behalf of a user, and says so."""
    return "" if case.has("requested_token_use") == "on_behalf_of" else "There is no requested_token_use=on_behalf_of."


@rule(_OBO, "The token must have an audience (aud) claim of the app making this OBO request", error="invalid_grant",
      when=lambda case: case.endpoint == "token" and case.grant_is_jwt)  # fmt: skip
def entra_for_this_application(case: Case) -> str:
    """The user's token is meant for the application that asks."""
    client = case.has("client_id")
    names = {client, f"api://{client}"}
    return "" if names & set(case.grant_jwt.audiences) else "The assertion is for another application."


def _answer(case: Case, token: str, lifetime: float) -> dict[str, Any]:
    seconds = int(lifetime) - 1
    answer = {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token}
    # On behalf of somebody the granted scopes are told.
    return {**answer, "scope": case.has("scope")} if case.grant_is_jwt else answer


def _no(status: int, error: str, code: int, words: str) -> Refusal:
    trace = "Trace ID: 0000aaaa-11bb-cccc-dd22-eeeeee333333 Correlation ID: aaaa0000-bb11-2222-33cc-444444dddddd"
    return Refusal(status, {
        "error": error,
        "error_description": f"AADSTS{code}: {words} {trace} Timestamp: 2026-11-24 02:02:12Z",
        "error_codes": [code],
        "timestamp": "2026-11-24 02:02:12Z",
        "trace_id": "0000aaaa-11bb-cccc-dd22-eeeeee333333",
        "correlation_id": "aaaa0000-bb11-2222-33cc-444444dddddd",
        "error_uri": f"https://login.microsoftonline.com/error?code={code}",
    })  # fmt: skip


_SIGNATURE = "Client assertion contains an invalid signature. [Reason - The key was not found.]"
_TIME = "Client assertion is not within its valid time range."
_RECORD = "No matching federated identity record found for presented assertion"

ENTRA = Dialect(
    name="entra",
    source=(_ASSERTION, _OWN, _OBO, f"{_PAGES}/reference-error-codes"),
    path=r"/[^/]+/oauth2/v2\.0/token",
    audiences=("{endpoint}", _FEDERATED),
    # No limit to the life of an assertion is set, a repeated one is taken, and a user's token is meant for the application.
    max_lifetime=float("inf"),
    without=frozenset({"aud_names_server", "client_jti_fresh", "client_jti_present", "jti_fresh"}),
    rules=(entra_algorithm, entra_typ, entra_thumbprint, entra_claims, entra_client_id, entra_default_scope, entra_on_behalf_of,
           entra_for_this_application),
    refusals={
        **dict.fromkeys(("client_signature_valid", "client_alg_fits_key", "client_kid_known"),
                        _no(401, "invalid_client", 700027, _SIGNATURE)),
        "entra_algorithm": _no(401, "invalid_client", 700027, "Invalid JWT token. Unsupported asymmetric signing algorithm."),
        "entra_thumbprint": _no(401, "invalid_client", 5002723, "Invalid JWT token. No certificate SHA-1 thumbprint, "
                                "certificate SHA-256 thumbprint, nor keyId specified in token header."),
        **dict.fromkeys(("client_exp_ahead", "client_nbf_passed", "client_iat_not_ahead"),
                        _no(401, "invalid_client", 700024, _TIME)),
        "client_aud_names_server": _no(401, "invalid_client", 700212, f"{_RECORD} audience."),
        "client_sub_is_client": _no(401, "invalid_client", 700213, f"{_RECORD} subject."),
        "client_iss_registered": _no(400, "unauthorized_client", 700016, "Application with identifier was not found in the "
                                     "directory."),
        "entra_default_scope": _no(400, "invalid_scope", 1002012, "The provided value for scope is not valid. Client "
                                   "credential flows must have a scope value with /.default suffixed to the resource identifier "
                                   "(application ID URI)."),
        "exp_ahead": _no(400, "invalid_grant", 500133, "Assertion is not within its valid time range."),
        **dict.fromkeys(("signature_valid", "iss_registered", "entra_for_this_application"),
                        _no(400, "invalid_grant", 50013, "Assertion failed signature validation.")),
    },
    answer=_answer,
)  # fmt: skip
