"""NHS England's API platform: application-restricted APIs by a signed JWT.

Source: https://digital.nhs.uk/developer/guides-and-documentation/security-and-authorisation/
application-restricted-restful-apis-signed-jwt-authentication (header, claims, five minutes, and the table of errors).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from ..errors import ConfigError, InvalidClient
from ..settings import Settings
from .base import Known, Page, Provider


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    if settings.scope:
        raise ConfigError(
            "NHS England takes no scope: what an application may do is said in its registration.", code="bad_scope",
            hint="Leave scope= out.",
        )  # fmt: skip
    server = settings.metadata.issuer if settings.metadata is not None else None
    if server is not None and urlsplit(server).path not in {"", "/"}:
        raise ConfigError(
            f"{server} is no environment of NHS England: it has a path.", code="bad_server",
            hint="Pass server='https://int.api.service.nhs.uk', or token_endpoint= in full.",
        )  # fmt: skip
    return provider, settings


NHS_ENGLAND = Provider(
    name="nhs_england",
    page=Page(
        title="NHS England",
        console="Digital onboarding, Environment access: the application of that environment, with its API key, and the URL "
        "of its JWKS, or the JWKS itself, with the public key and its kid.",
        file="PEM of an RSA key; the guide makes one of 4096 bits.",
        upload="jwks",
        example="""from sa_auth import ServiceAccountCredentials

creds = ServiceAccountCredentials.from_file(
    "robot.pem", provider="nhs_england", issuer="my-api-key", key_id="prod-1"
)
in_test = ServiceAccountCredentials.from_file(
    "robot.pem", provider="nhs_england", issuer="my-api-key", key_id="int-1", server="https://int.api.service.nhs.uk"
)""",
        limits="RS512 alone, typ JWT, kid as in the JWKS; exp at most 300 s ahead; every jti once; aud is the token endpoint of "
        "that environment. server= is the environment: https://api.service.nhs.uk (the default), https://int.api..., "
        "https://dev.api... No scope, no subject.",
        proven="documentation only",
        sources=(
            (
                "https://digital.nhs.uk/developer/guides-and-documentation/security-and-authorisation/"
                "application-restricted-restful-apis-signed-jwt-authentication"
            ),
        ),
    ),
    token_endpoint="{server}/oauth2/token",  # noqa: S106 - an address
    server="https://api.service.nhs.uk",
    hosts=("api.service.nhs.uk", "*.api.service.nhs.uk"),
    grant="client_credentials",
    audience="{endpoint}",
    typ="JWT",
    algorithms=("RS512",),
    key_id=True,
    # A minute less than is allowed: the limit counts from the server's own clock.
    lifetime=240,
    longest=300,
    scope_claim="never",
    known=(
        Known(
            r"Non-unique 'jti'", "NHS England takes a jti once, and has seen this one before: look for something on the way, a "
            "proxy or gateway, that sends requests twice.", again=True, error=InvalidClient,
        ),
        Known(
            r"'typ' header", "NHS England takes typ JWT alone: leave typ out of headers= and of client_auth=.",
            error=InvalidClient,
        ),
        Known(
            r"Missing 'kid' header", "Pass key_id=: the kid of the key in the JWKS of the application.", error=InvalidClient,
        ),
        Known(
            r"'kid' header.*no matching public key", "The JWKS of the application {iss} has no key {kid}: publish it there, or set "
            "key_id= to its kid.", error=InvalidClient,
        ),
        Known(
            r"unsupported JWT algorithm|'alg' header", "NHS England takes RS512 alone, and got {alg}: leave algorithm= out.",
            error=InvalidClient,
        ),
        Known(
            r"'aud' claim", "NHS England wants the token endpoint of that environment as aud, to the last character, and got "
            "{aud}: set server= to the environment, and leave the audience out.", error=InvalidClient,
        ),
        Known(
            r"iss'?/'?sub'? claims", "{iss} is not the API key of an application of this environment: see Environment access, "
            "the application, Active API keys; server= names the environment.", error=InvalidClient,
        ),
        Known(
            r"'exp' claim.*(expired|5 minutes)", "NHS England takes an exp of at most five minutes ahead, by its own clock: set "
            "this machine's clock right, or leave lifetime= out.", error=InvalidClient,
        ),
        Known(r"'(exp|jti)' claim", "exp has to be a whole number and jti a text: leave both out of claims=.", error=InvalidClient),
        Known(
            r"JWT signature verification failed", "The key {kid} in the JWKS of the application {iss} is not this one: publish "
            "this key's public half under another kid.", error=InvalidClient,
        ),
        Known(
            r"need to register a public key", "The application {iss} has no JWKS: register its URL, or upload it, and wait until "
            "it was taken.", error=InvalidClient,
        ),
        Known(
            r"JWKS endpoint.*(can't|can ?not) be reached", "NHS England could not fetch the JWKS of the application {iss}: its "
            "URL has to answer over https from the internet.", error=InvalidClient,
        ),
        Known(
            r"client_assertion", "NHS England could not read the assertion: something on the way changed it.",
            error=InvalidClient,
        ),
    ),
    prepare=_prepare,
)  # fmt: skip
