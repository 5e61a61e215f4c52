"""The token endpoint of a SMART on FHIR server, for backend services.

Source: https://hl7.org/fhir/smart-app-launch/backend-services.html (grant, scope) and
https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html (header, claims, invalid_client). That a no has
a null for its description is Epic's way, which is the hardest to read.
"""

from __future__ import annotations

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import rule

from .base import Dialect, Refusal

_BACKEND = "https://hl7.org/fhir/smart-app-launch/backend-services.html"
_CLIENT = "https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html"


def _at_token(case: Case) -> bool:
    return case.at_token


def _proves(case: Case) -> bool:
    return case.client_is_jwt


@rule(_BACKEND, "grant_type: Fixed value: client_credentials", error="unsupported_grant_type", when=_at_token)
def smart_grant(case: Case) -> str:
    """The client asks in its own name."""
    return "" if case.form.get("grant_type") == "client_credentials" else "The grant is not client_credentials."


@rule(_CLIENT, "client_assertion: required. Signed authentication JWT value", error="invalid_client", when=_at_token)
def smart_assertion(case: Case) -> str:
    """The client proves itself by its key."""
    return "" if case.client_is_jwt else "There is no client_assertion."


@rule(_CLIENT, "typ: required. Fixed value: JWT.", error="invalid_client", when=_proves)
def smart_typ(case: Case) -> str:
    """The type is JWT."""
    typ = case.client_jwt.header.get("typ")
    return "" if typ == "JWT" else f"The typ is {typ}, not JWT."


@rule(_CLIENT, "The JWA algorithm (e.g., RS384, ES384)", error="invalid_client", when=_proves)
def smart_alg(case: Case) -> str:
    """The algorithm is RS384 or ES384."""
    alg = case.client_jwt.header.get("alg")
    return "" if alg in {"RS384", "ES384"} else f"The alg is {alg}, neither RS384 nor ES384."


@rule(
    _CLIENT,
    "kid: required. The identifier of the key-pair used to sign this JWT.",
    error="invalid_client",
    when=_proves,
)
def smart_kid(case: Case) -> str:
    """The key is named."""
    return "" if case.client_jwt.header.get("kid") else "There is no kid."


@rule(_CLIENT, "The TLS-protected URL to the JWK Set", error="invalid_client", when=_proves)
def smart_jku(case: Case) -> str:
    """An address of the keys is one by TLS."""
    jku = case.client_jwt.header.get("jku")
    return "" if jku is None or str(jku).startswith("https://") else "The jku is no https URL."


@rule(_BACKEND, "scope: required. The scope of access requested. The client requests system scopes", error="invalid_scope",
      when=_at_token)  # fmt: skip
def smart_scope(case: Case) -> str:
    """There is a scope, of the system."""
    scopes = case.form.get("scope", "").split()
    wrong = [scope for scope in scopes if not scope.startswith("system/")]
    return "" if scopes and not wrong else f"Not of the system: {' '.join(wrong) or 'no scope'}."


SMART = Dialect(
    name="smart",
    source=(_BACKEND, _CLIENT),
    path="(?:/[^/]+)*/token",
    audiences=("{endpoint}",),
    max_lifetime=300,
    rules=(smart_grant, smart_assertion, smart_typ, smart_alg, smart_kid, smart_jku, smart_scope),
    refusals={
        "smart_scope": Refusal(400, {"error": "invalid_scope", "error_description": "{detail}"}),
        "smart_grant": Refusal(400, {"error": "unsupported_grant_type", "error_description": "{detail}"}),
        "": Refusal(400, {"error": "invalid_client", "error_description": None}),
    },
)
