"""AD FS, from Windows Server 2016: an application in its own name by its certificate, or for a user by that user's token.

Source: https://learn.microsoft.com/windows-server/identity/ad-fs/overview/ad-fs-openid-connect-oauth-flows-scenarios (form,
on-behalf-of); .../ad-fs/development/ad-fs-openid-connect-oauth-concepts; the discovery document shown there for the endpoint,
slash and all; msal's `application` and `authority` for aud (the endpoint of that document), RS256 and `x5t`.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from ..errors import ConfigError, InvalidTarget
from ..settings import Settings
from .base import Known, Page, Provider
from .microsoft import for_a_user

_PAGES = "https://learn.microsoft.com/windows-server/identity/ad-fs"


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    if settings.metadata is not None and urlsplit(settings.metadata.issuer).path.rstrip("/").lower() != "/adfs":
        raise ConfigError(
            "server= is no federation service of AD FS.", code="bad_endpoint",
            hint='Its address ends in "/adfs": server="https://sts.contoso.com/adfs".',
        )  # fmt: skip
    acting = for_a_user(provider, settings)
    return acting if acting is not None else provider, settings


ADFS = Provider(
    name="adfs",
    page=Page(
        title="AD FS",
        console="AD FS Management, Application Groups: a server application (its client identifier), under Configure "
        "Application Credentials the certificate (Register a key used to sign JSON Web Tokens), and a Web API with the "
        "permitted scopes.",
        file="PFX, or PEM with key and certificate (or `certificate=` beside the key). The key is RSA.",
        upload="certificate",
        example="""from pathlib import Path
from sa_auth import ServiceAccountCredentials
from sa_auth.grants import JWTBearer

app = {"provider": "adfs", "issuer": "11112222-bbbb-3333-cccc-4444dddd5555", "server": "https://sts.contoso.com/adfs"}
creds = ServiceAccountCredentials.from_file(
    "robot.pfx", password="...", scope="https://orders.contoso.com/openid", **app
)
# Windows Server 2016 takes the API's identifier apart from the scope.
older = ServiceAccountCredentials.from_file(
    "robot-and-certificate.pem", resource="https://orders.contoso.com", **app
)
for_the_user = ServiceAccountCredentials.from_file(
    "robot-and-certificate.pem", grant=JWTBearer(Path("token.jwt").read_text()),
    resource="https://orders.contoso.com", **app,
)""",
        limits="RSA keys with a certificate alone, by RS256 with `x5t` (`headers={'x5c': True}` adds the certificate). The "
        "endpoint, and `aud` with it, ends in a slash, as the server's own metadata have it; where a server differs, "
        "`token_endpoint=` says both.",
        proven="vendor's SDK (msal, captured live in the tests)",
        sources=(
            f"{_PAGES}/overview/ad-fs-openid-connect-oauth-flows-scenarios",
            f"{_PAGES}/development/ad-fs-openid-connect-oauth-concepts",
            "[MS-OAPX] OAuth 2.0 Protocol Extensions",
            "msal: msal.application, msal.authority",
        ),
        unknown="What AD FS allows an assertion's life to be (msal: 600 s), whether it takes an `aud` without the slash, and "
        "whether it takes PS256 or `x5t#S256`.",
    ),
    token_endpoint="{server}/oauth2/token/",  # noqa: S106 - an address
    grant="client_credentials",
    with_client_id=True,
    audience="{endpoint}",
    subject="issuer",
    subject_hint="An application acts for a user by the user's own token: grant=grants.JWTBearer(token).",
    typ="JWT",
    algorithms=("RS256",),
    certificate=True,
    headers={"x5t": True},
    scope_claim="never",
    known=(
        Known(
            r"MSIS9622\b", "AD FS could not check the proof of the client {client_id}: in its application group there has to be "
            "the certificate with the SHA-1 thumbprint {x5t} (here as base64url), trusted and not revoked, and {aud} has to be "
            "the token endpoint of its metadata to the last slash. The AD FS/Admin event log says more.", cause="unknown_key",
        ),
        Known(
            r"MSIS9607\b", "AD FS knows no client {client_id}: check issuer=, the client identifier of the server application.", cause="account",
        ),
        Known(
            r"MSIS9602\b", "AD FS knows no Web API of that identifier: check resource= and scope= ({scope}) down to their "
            "slashes.", error=InvalidTarget,
        ),
        Known(
            r"MSIS9605\b", "The client {client_id} may not use that Web API: permit it, with its scopes, under Client "
            "Permissions of the Web API (Grant-AdfsApplicationPermission).",
        ),
    ),
    prepare=_prepare,
)  # fmt: skip
