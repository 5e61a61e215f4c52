"""SMART on FHIR backend services: a client asks in its own name, and proves itself by its key.

`token_endpoint=` has to be given: it is the `aud`, and an address that a server's configuration names is never one
(docs/adr/0008). Source: https://hl7.org/fhir/smart-app-launch/backend-services.html (grant, scopes);
https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html (header, claims, five minutes).
"""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import ConfigError
from ..settings import Settings
from .base import Known, Page, Provider

_OF_PEOPLE = ("patient/", "user/")


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    if settings.token_endpoint is None:
        raise ConfigError(
            "SMART on FHIR wants the token endpoint as aud, and none is given.", code="no_token_endpoint",
            hint="Pass token_endpoint=. GET {FHIR base}/.well-known/smart-configuration shows it as `token_endpoint`: see "
            "once that it is the server that you registered at, and write it down; looked up at every start it would let "
            "the FHIR server choose whom the assertion is for.",
        )  # fmt: skip
    wrong = next((scope for scope in settings.scope if scope.startswith(_OF_PEOPLE)), None)
    if wrong is not None:
        raise ConfigError(
            f"The scope {wrong[:60]!r} is for an app with a person in front of it.", code="bad_scope",
            hint="Backend services ask for system scopes: scope='system/Patient.rs'.",
        )  # fmt: skip
    address = settings.headers.get("jku") if isinstance(settings.headers, Mapping) else None
    if address is not None and not (isinstance(address, str) and address.startswith("https://")):
        raise ConfigError(
            "The header field jku is no https address.", code="bad_argument",
            hint="It is the JWK Set URL that the client was registered with, to the last character; or leave it out.",
        )  # fmt: skip
    return provider, settings


SMART = Provider(
    name="smart",
    page=Page(
        title="SMART on FHIR backend services",
        console="At the server's registration: the client id, and the JWK Set, by its URL or itself; the `kid` in it is "
        "`key_id=`. Epic: fhir.epic.com, Build Apps, backend system. Oracle Health: code console, system app.",
        file="JWK with its `kid` and `alg`, or PEM.",
        upload="jwks",
        example="""from sa_auth import ServiceAccountCredentials

# GET https://fhir.example/r4/.well-known/smart-configuration names the token endpoint; see once that it is the right one.
creds = ServiceAccountCredentials.from_file(
    "robot.pem", provider="smart", issuer="my-client-id", key_id="my-kid", scope="system/Patient.rs system/Observation.rs",
    token_endpoint="https://auth.example/r4/token",
)
with_its_keys_address = ServiceAccountCredentials.from_file(
    "robot.pem", provider="smart", issuer="my-client-id", key_id="my-kid", scope="system/*.rs",
    token_endpoint="https://auth.example/r4/token", headers={"jku": "https://client.example/jwks.json"},
)""",
        limits="RS384 (RSA keys) or ES384 (P-384 keys); exp at most 300 s ahead; a new `jti` each time; `typ` is JWT. A scope is "
        "needed, and of `system/...` alone. Where a server wants another `aud` than its token endpoint (VA Lighthouse), say "
        'client_auth=client_auth.PrivateKeyJWT(audience=..., typ="JWT").',
        proven="documentation only (the specification's worked request, field by field)",
        sources=(
            "https://hl7.org/fhir/smart-app-launch/backend-services.html",
            "https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html",
            "https://hl7.org/fhir/smart-app-launch/example-backend-services.html",
        ),
        unknown="What single servers do beyond the specification: Epic is said to answer any fault of the assertion with "
        "invalid_client and no description, and to take minutes until a new key is known.",
    ),
    grant="client_credentials",
    audience="{endpoint}",
    subject="issuer",
    subject_hint="Backend services act for nobody: leave subject= out.",
    typ="JWT",
    algorithms=("RS384", "ES384"),
    key_id=True,
    # Five minutes by the server's clock, which may be behind ours.
    lifetime=240,
    longest=300,
    scope_claim="never",
    scope_needed=True,
    scope_hint="For example scope='system/Patient.rs'.",
    known=(
        Known(
            r"invalid_client\.$", "The server refused the client {client_id} and does not say why: see that the public key with the "
            "kid {kid} is known there (Epic takes minutes after a change, so try later), that the client id is of this "
            "environment, that the aud {aud} is its token endpoint, and that this machine's clock is right.",
        ),
        Known(
            r"invalid_scope", "The server does not grant {scope} to this client: compare it with `scopes_supported` in "
            ".well-known/smart-configuration, and with what the client was registered for; version 1 servers write "
            "system/Patient.read where version 2 has system/Patient.rs.",
        ),
    ),
    prepare=_prepare,
)  # fmt: skip
