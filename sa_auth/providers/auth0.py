"""Auth0: a machine-to-machine application that proves itself with its key, for one API.

Source: https://auth0.com/docs/get-started/authentication-and-authorization-flow/authenticate-with-private-key-jwt (claims,
algorithms, five minutes, 64 characters of jti); auth0-python's `auth0.authentication.client_authentication` for what its
own client sends.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from ..errors import ConfigError, InvalidTarget, UnauthorizedClient
from ..settings import Settings
from .base import Known, Page, Provider


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    server = settings.metadata.issuer if settings.metadata is not None else None
    if server is not None and urlsplit(server).path not in {"", "/"}:
        raise ConfigError(
            f"{server} is no Auth0 tenant: it has a path.", code="bad_server",
            hint="Pass the tenant's or the custom domain's address as server=, for example https://demo.eu.auth0.com.",
        )  # fmt: skip
    return provider, settings


AUTH0 = Provider(
    name="auth0",
    page=Page(
        title="Auth0",
        console="Dashboard, Applications: an application of type Machine to Machine; under Credentials, Private Key JWT, with "
        "the public key; under APIs, the APIs and scopes that it is authorized for.",
        file="PEM of an RSA key; the kid that Auth0 made for it stands under Credentials, and may be left out.",
        upload="pem",
        example="""from sa_auth import ServiceAccountCredentials

creds = ServiceAccountCredentials.from_file(
    "robot.pem", provider="auth0", issuer="my-client-id", server="https://demo.eu.auth0.com",
    audience="https://orders.example/", scope="read:orders"
)""",
        limits="server= is the tenant, or its custom domain; audience= is the API's identifier and goes into the form. "
        "RS256, RS384 or PS256, as registered for the key; at most 300 s from iat to exp, 60 s advised. An organization: "
        "form={'organization': ...}.",
        proven="vendor's SDK (auth0-python 6.8.0)",
        sources=(
            "https://auth0.com/docs/get-started/authentication-and-authorization-flow/authenticate-with-private-key-jwt",
            "https://auth0.com/docs/get-started/applications/configure-private-key-jwt",
            "auth0-python: auth0.authentication.client_authentication, auth0.authentication.get_token",
        ),
        unknown="The words by which Auth0 refuses an assertion are not documented; only those about the API are known here.",
    ),
    token_endpoint="{server}/oauth/token",  # noqa: S106 - an address
    grant="client_credentials",
    # With the slash, whatever server= ends with.
    audience="{server}/",
    audience_field="audience",
    typ="JWT",
    algorithms=("RS256", "RS384", "PS256"),
    lifetime=60,
    longest=300,
    scope_claim="never",
    known=(
        Known(
            r"Service not found", "There is no API of that identifier in the tenant: audience= is compared with the API's "
            "identifier (Applications, APIs) to the last character.", error=InvalidTarget,
        ),
        Known(
            r"not authorized to access|client-grant", "Authorize the application {client_id} for this API: Applications, APIs, "
            "the API, Machine to Machine Applications.", error=UnauthorizedClient,
        ),
        Known(
            r"Non-global clients|No audience parameter", "Auth0 wants to know the API: pass audience=, its identifier, or set a "
            "default audience for the tenant.", error=InvalidTarget,
        ),
    ),
    prepare=_prepare,
)  # fmt: skip
