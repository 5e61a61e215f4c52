"""Salesforce: a session for a user of an org, for the key of a connected or external client app.

Source: https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_jwt_flow.htm (claims, RS256, pre-approval);
.../remoteaccess_oauth_SAML_bearer_flow.htm (the same by SAML); the official CLI's `SfdcUrl.getJwtAudienceUrl` in
@salesforce/core for the audience of a My Domain; simple-salesforce's `login` for what is sent.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from ..errors import ConfigError, InvalidClient, InvalidGrant, UnauthorizedClient
from ..grants.jwt_bearer import JWTBearer
from ..settings import Settings
from .base import Known, Page, Provider

_PATH = "/services/oauth2/token"
_MY_DOMAIN = ".my.salesforce.com"


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    if settings.scope:
        raise ConfigError(
            "Salesforce takes no scope with an assertion.", code="bad_argument",
            hint="Leave scope= out: the scopes are those that the user or the administrator has approved for the app.",
        )  # fmt: skip
    server = settings.metadata.issuer if settings.metadata is not None else ""
    base = server.rstrip("/")
    if settings.token_endpoint is not None and base == provider.server:  # nobody named another
        base = settings.token_endpoint.removesuffix(_PATH)
    host = urlsplit(base).hostname or ""
    if host.endswith((".lightning.force.com", ".my.salesforce-setup.com")):
        raise ConfigError(
            f"{host} serves pages of Salesforce, and no token endpoint.", code="bad_argument",
            hint=f"Pass server= with the org's My Domain: https://NAME{_MY_DOMAIN}.",
        )  # fmt: skip
    asked = settings.grant
    signs = asked is None or asked == "jwt_bearer" or (isinstance(asked, JWTBearer) and asked.assertion is None)
    return provider._replace(audience=_audience(base), subject="required" if signs else "optional"), settings


def _audience(base: str) -> str:
    """The login address of the kind of org that a My Domain is of; any other address is its own audience."""
    host = urlsplit(base).hostname or ""
    if not host.endswith(_MY_DOMAIN):
        return base.replace("{", "{{").replace("}", "}}")  # it is filled in as a template
    name = host.removesuffix(_MY_DOMAIN)
    if name == "gs1" or name.endswith(".gs1"):  # an instance with a login of its own
        return "https://gs1.salesforce.com"
    trial = "--" in name or name.endswith((".sandbox", ".scratch"))
    return f"https://{'test' if trial else 'login'}.salesforce.com"


SALESFORCE = Provider(
    name="salesforce",
    page=Page(
        title="Salesforce",
        console='Setup, App Manager (or External Client App Manager): an app with OAuth, "Use digital signatures" and the '
        "key's certificate; its consumer key is the issuer. Under its policies: \"Admin approved users are "
        "pre-authorized\", and the user's profile or permission set.",
        file="A key as PEM, whose certificate was uploaded.",
        upload="certificate",
        example="""from sa_auth import ServiceAccountCredentials, grants

production = ServiceAccountCredentials(
    "robot.pem", provider="salesforce", issuer="CONSUMER_KEY", subject="robot@acme.example"
)
sandbox = ServiceAccountCredentials(
    "robot.pem", provider="salesforce", issuer="CONSUMER_KEY", subject="robot@acme.example.dev",
    server="https://acme--dev.sandbox.my.salesforce.com",  # or https://test.salesforce.com
)
site = ServiceAccountCredentials(
    "robot.pem", provider="salesforce", issuer="CONSUMER_KEY", subject="customer@acme.example",
    server="https://acme.my.site.com/customers",
)
by_saml = ServiceAccountCredentials(
    provider="salesforce", grant=grants.SAML2Bearer('<Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion"/>')
)
# Where the API is: production.token().extra["instance_url"]""",
        limits="RS256 alone; a user is always named, by username; no scope. The answer says no end of the token: 900 s are "
        "assumed, the shortest session time-out that an org can set (the longest is 24 hours, the usual one 2: say "
        "refresh=RefreshPolicy(default_life=7200)). A session that ends earlier is renewed when the API answers 401.",
        proven="vendor's SDK (simple-salesforce, captured live in the tests)",
        sources=(
            "https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_jwt_flow.htm",
            "https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_SAML_bearer_flow.htm",
            "@salesforce/core: util/sfdcUrl",
            "simple-salesforce: simple_salesforce.login",
        ),
        unknown="How long an assertion may live: no limit is documented, and 180 s is what the official clients use. The "
        "audience of orgs on other domains than my.salesforce.com (government, China), and of a sandbox or scratch org whose name "
        "does not show it (the official CLI asks the DNS): pass audience=. Its words for a wrong key: no page lists them.",
    ),
    token_endpoint="{server}" + _PATH,
    server="https://login.salesforce.com",
    hosts=("*.salesforce.com",),
    revocation_endpoint="{server}/services/oauth2/revoke",
    audience="{server}",
    subject="required",
    subject_hint="It is the username of the user, which looks like an e-mail address and need not be one.",
    algorithms=("RS256",),
    lifetime=180,
    scope_claim="never",
    scope_form=False,
    default_life=900.0,
    known=(
        Known(
            r"hasn.t approved this consumer", "The app {iss} was never approved for the user {sub}. Either the administrator "
            "sets it to \"Admin approved users are pre-authorized\" and adds the user's profile or permission set; or the user "
            "opens {aud}/services/oauth2/authorize?response_type=code&client_id={iss}&redirect_uri=CALLBACK once, of an app "
            "that has the scopes api and refresh_token. See also that subject= is the username to the last character.",
            error=InvalidGrant,
        ),
        Known(
            r"not admin approved|invalid_app_access", "The app {iss} is for users that the administrator approved, and {sub} is "
            "none: Setup, the app, Manage: add the user's profile or permission set.", error=UnauthorizedClient,
        ),
        Known(
            r"Audience validation failed|audience is invalid", "The audience {aud} is not that of this kind of org: pass "
            "server='https://login.salesforce.com' for production, 'https://test.salesforce.com' for a sandbox, or the site's "
            "address for its users; or audience= beside a My Domain.", error=InvalidGrant,
        ),
        Known(
            r"invalid_client_id|client identifier invalid", "No app has the consumer key {iss}: copy it from the app's consumer "
            "details; ask at the org's own kind of login (server=), where the app is known; one made minutes ago may not be yet.", error=InvalidClient,
        ),
        Known(
            r"invalid assertion", "Salesforce could not check the assertion: the certificate uploaded to the app {iss} is of "
            "another key, or this machine's clock is off.", error=InvalidGrant, cause="unknown_key",
        ),
        Known(
            r"inactive_user|inactive user", "The user {sub} is deactivated or frozen: Setup, Users.", error=InvalidGrant, cause="account",
        ),
    ),
    prepare=_prepare,
)  # fmt: skip
