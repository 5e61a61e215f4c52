"""Microsoft Entra ID: an application in its own name by its certificate, or for a user by that user's token.

Source: https://learn.microsoft.com/entra/identity-platform/certificate-credentials (header, claims, aud, no limit of the
lifetime); .../v2-oauth2-client-creds-grant-flow (form, one `.default` scope, the tenant by name); .../v2-oauth2-on-behalf-of-flow;
.../reference-error-codes; msal's `application` and `authority` for what its own client sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from ..errors import ConfigError, InvalidTarget
from ..grants.client_credentials import ClientCredentials
from ..settings import Settings
from .base import Known, Page, Provider
from .microsoft import for_a_user

_PAGES = "https://learn.microsoft.com/entra/identity-platform"
_NO_TENANT = frozenset({"common", "organizations", "consumers"})
_OPENID = frozenset({"openid", "profile", "email", "offline_access"})
_TENANT = 'Pass server="https://login.microsoftonline.com/TENANT/v2.0", with the tenant\'s id or domain.'


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    address = settings.token_endpoint
    if settings.metadata is not None:
        # With a region's endpoint beside it, `aud` stays the global one: msal has it so.
        address = _endpoint_of(settings.metadata.issuer)
        literal = address.replace("{", "{{").replace("}", "}}")
        provider = provider._replace(token_endpoint=literal, audience=literal)
    if address is None:
        raise ConfigError("Entra ID wants the tenant.", code="no_token_endpoint", hint=_TENANT)
    _check_version(settings.token_endpoint or address)
    if isinstance(settings.headers, Mapping) and "x5t" in settings.headers:
        provider = provider._replace(headers={})
    acting = for_a_user(provider, settings)
    if acting is not None:
        _check_one_resource(settings.scope)
        return acting, settings
    if (
        settings.grant is None
        or settings.grant == "client_credentials"
        or isinstance(settings.grant, ClientCredentials)
    ):
        _check_own_name(urlsplit(address).path.strip("/").partition("/")[0], settings.scope)
    return provider, settings


def _endpoint_of(server: str) -> str:
    parts = urlsplit(server)
    tenant, *more = parts.path.strip("/").split("/")
    if parts.hostname == "sts.windows.net":
        raise ConfigError(
            "server= is the issuer of Entra's old tokens, and no address.", code="bad_endpoint", hint=_TENANT
        )
    if not tenant or tenant == "v2.0" or more not in ([], ["v2.0"]):
        raise ConfigError("server= names no tenant of Entra ID.", code="bad_endpoint", hint=_TENANT)
    return f"{parts.scheme}://{parts.netloc}/{tenant}/oauth2/v2.0/token"


def _check_version(address: str) -> None:
    if address.endswith("/oauth2/token"):
        raise ConfigError(
            "The token endpoint is that of Entra's version 1, which knows no scope.", code="bad_endpoint",
            hint="Version 2 is at https://login.microsoftonline.com/TENANT/oauth2/v2.0/token.",
        )  # fmt: skip


def _check_own_name(tenant: str, scope: tuple[str, ...]) -> None:
    if tenant.lower() in _NO_TENANT:
        raise ConfigError(
            f"An application in its own name signs in to one tenant, and {tenant!r} is none.", code="bad_endpoint",
            hint=_TENANT,
        )  # fmt: skip
    if len(scope) > 1 or not all(one.endswith("/.default") for one in scope):
        raise ConfigError(
            "An application in its own name asks Entra ID for the scope `RESOURCE/.default` of one resource.",
            code="bad_scope", hint='For example scope="https://graph.microsoft.com/.default": what it may do there was '
            "granted in the portal. For another resource use other credentials: creds.replace(scope=...).",
        )  # fmt: skip


def _check_one_resource(scope: tuple[str, ...]) -> None:
    resources = {one.rpartition("/")[0] or "https://graph.microsoft.com" for one in scope if one not in _OPENID}
    if len(resources) > 1:
        raise ConfigError(
            f"Entra ID gives a token for one resource, and these scopes are of {len(resources)}.", code="bad_scope",
            hint=f"They are of {', '.join(sorted(resources))}: use creds.replace(scope=...) for each.",
        )  # fmt: skip


ENTRA = Provider(
    name="entra",
    page=Page(
        title="Microsoft Entra ID",
        console="Entra admin center, App registrations: the application (client) id and the tenant id stand under Overview; "
        "the certificate goes to Certificates & secrets; what it may do to API permissions, with the admin's consent.",
        file="PFX, or PEM with key and certificate (or `certificate=` beside the key). The key is RSA.",
        upload="certificate",
        example="""import os
from pathlib import Path
from sa_auth import ServiceAccountCredentials
from sa_auth.client_auth import ClientAssertion
from sa_auth.grants import JWTBearer

app = {
    "provider": "entra", "issuer": "11112222-bbbb-3333-cccc-4444dddd5555",
    "server": "https://login.microsoftonline.com/contoso.onmicrosoft.com/v2.0",
}
creds = ServiceAccountCredentials.from_file(
    "robot.pfx", password="...", scope="https://graph.microsoft.com/.default", **app
)
storage = creds.replace(scope="https://storage.azure.com/.default")
# A tenant, or a proxy before it, that knows only the SHA-1 thumbprint; and one that trusts the certificate's issuer (SNI).
older = ServiceAccountCredentials.from_file(
    "robot-and-certificate.pem", scope="https://graph.microsoft.com/.default",
    headers={"x5t": True}, algorithm="RS256", **app,
)
by_name = ServiceAccountCredentials.from_file(
    "robot-and-certificate.pem", scope="https://graph.microsoft.com/.default", headers={"x5c": True}, **app
)
# On behalf of the user whose token came in.
for_the_user = ServiceAccountCredentials.from_file(
    "robot-and-certificate.pem", grant=JWTBearer(Path("token.jwt").read_text()),
    scope="https://graph.microsoft.com/User.Read", **app,
)
# Without a key: by the token that a cluster, or another service that the application trusts, gives.
host = os.environ.get("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com/").rstrip("/")
federated = ServiceAccountCredentials(
    provider="entra", client_auth=ClientAssertion("azure_workload_identity"),
    issuer=os.environ.get("AZURE_CLIENT_ID", app["issuer"]),
    server=f"{host}/{os.environ.get('AZURE_TENANT_ID', 'contoso.onmicrosoft.com')}/v2.0",
    scope="https://graph.microsoft.com/.default",
)""",
        limits="RSA keys with a certificate alone: PS256 with `x5t#S256`, or RS256 with `x5t` where that is asked for. In its "
        "own name an application asks for one scope, `RESOURCE/.default`, in one tenant (not `common`). Entra sets no limit "
        "to the assertion's life and advises 300 to 600 s. National clouds have hosts of their own: "
        "`login.microsoftonline.us`, `login.partner.microsoftonline.cn`. A region's endpoint goes into `token_endpoint=` "
        "beside `server=`, which then says `aud`. The line end of a federated token's file is left out (azure-identity sends it).",
        proven="vendor's SDKs (msal, captured live in the tests; azure-identity, compared field by field)",
        sources=(
            f"{_PAGES}/certificate-credentials",
            f"{_PAGES}/v2-oauth2-client-creds-grant-flow",
            f"{_PAGES}/v2-oauth2-on-behalf-of-flow",
            f"{_PAGES}/reference-error-codes",
            "https://learn.microsoft.com/entra/workload-id/workload-identity-federation",
            "msal: msal.application, msal.authority, msal.oauth2cli.assertion",
            "Microsoft.Identity.Web: Constants (the codes after which a certificate is loaded again)",
        ),
        unknown="Whether `x5t` and `x5t#S256` may stand side by side: only one is sent. Microsoft's sources disagree on "
        "AADSTS7000274 (a signature that does not hold, or a certificate outside its validity).",
    ),
    hosts=("login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn",
           "login.chinacloudapi.cn", "*.login.microsoft.com", "*.ciamlogin.com"),
    grant="client_credentials",
    with_client_id=True,
    audience="{endpoint}",
    subject="issuer",
    subject_hint="An application acts for a user by the user's own token: grant=grants.JWTBearer(token).",
    typ="JWT",
    algorithms=("PS256", "RS256"),
    certificate=True,
    claims={"nbf": True},
    headers={"x5t#S256": True},
    scope_claim="never",
    scope_needed=True,
    scope_hint="For an API in general: scope='https://graph.microsoft.com/.default'.",
    known=(
        Known(
            r"AADSTS700027\b.*unsupported asymmetric", "Entra ID takes RSA certificates alone, by PS256 or RS256, and got "
            "{alg}: make an RSA key and certificate, and upload that one.", cause="algorithm",
        ),
        Known(
            r"AADSTS700027\b", "Entra ID could not check the signature by any certificate of {iss}: under Certificates & secrets "
            "there has to be the one with thumbprint {x5t} (SHA-1) or {x5t_s256} (SHA-256), both here as base64url. Upload "
            "it to that application in that tenant, or use the key of one that is there.",
        ),
        Known(
            r"AADSTS700024\b", "By Entra ID's clock the client's assertion is over or not valid yet: set this machine's clock "
            "right, or, where a token service hands it over, have it make a fresh one.", cause="clock",
        ),
        Known(
            r"AADSTS(7000214|7000277)\b", "The certificate {x5t} (SHA-1; {x5t_s256} by SHA-256) was revoked: make another key "
            "and certificate, and upload that one to {iss}.",
        ),
        Known(
            r"AADSTS(1000502|7000274)\b", "The certificate {x5t} (SHA-1; {x5t_s256} by SHA-256) is not within its validity, or "
            "is not the key's: renew it, upload it to {iss}, and replace the file here.",
        ),
        Known(
            r"AADSTS7002138\b", "The federated credential of {client_id} has this subject in other capitals, and they count: "
            "write it there exactly as the token service does.", cause="account",
        ),
        Known(
            r"AADSTS70021\d{0,2}\b", "No federated credential of {client_id} has the issuer, subject and audience of the token "
            "that was sent: compare all three with what the token service says (audience: api://AzureADTokenExchange), to "
            "the last character and capital. GitHub's subject of a newer repository holds numeric ids.", cause="account",
        ),
        Known(
            r"AADSTS500133\b", "The user's token that was exchanged is over: have the user's program send a fresh one. To ask "
            "again with the same changes nothing.", cause="clock",
        ),
        Known(
            r"AADSTS50013\b", "Entra ID does not accept the user's token for on-behalf-of: it has to be an access token (no ID "
            "token) that Entra ID issued for {client_id} itself as audience, unchanged and of the same tenant's kind.",
        ),
        Known(
            r"AADSTS700016\b", "There is no application {client_id} in this tenant: check issuer= (the application's id, not the "
            "object's) and the tenant in server=; or the tenant's admin has not consented yet.",
        ),
        Known(
            r"AADSTS65001\b", "Nobody consented to {scope} for {client_id}: an admin grants it under API permissions, or the "
            "user agrees in a browser.",
        ),
        Known(
            r"AADSTS500011\b", "The tenant knows no resource of this name: check {scope} down to its slashes, and that the API's "
            "application was added to this tenant.", error=InvalidTarget,
        ),
        Known(
            r"AADSTS90002\b", "There is no such tenant in this cloud: check the tenant in server=, and the host: national clouds "
            "have their own.",
        ),
        Known(
            r"AADSTS1002012\b", "In its own name an application asks for RESOURCE/.default, and asked for {scope}: set scope=.",
        ),
        Known(
            r"AADSTS70011\b", "Entra ID does not know the scope {scope}: it is the resource's Application ID URI, a slash, and "
            ".default or a permission.",
        ),
        Known(
            r"AADSTS(7000215|7000222)\b", "The client secret is wrong (its id in place of its value?) or over: make another under "
            "Certificates & secrets; a certificate does without.",
        ),
    ),
    prepare=_prepare,
)  # fmt: skip
