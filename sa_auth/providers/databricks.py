"""Databricks, OAuth token federation: a Databricks token for the JWT of an issuer that a federation policy trusts.

`server=` is the workspace; an account's endpoint goes into `token_endpoint=`; `issuer=` beside a JWT that is handed over
is the service principal's client id. Source: https://docs.databricks.com/aws/en/dev-tools/auth/oauth-federation-exchange
(request, RS256 and ES256); databricks-sdk's `databricks.sdk.oidc` and `databricks.sdk.credentials_provider` (fields, default
scope) and `databricks.sdk.service.oauth2.OidcFederationPolicy` (what a policy compares).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from ..errors import ConfigError
from ..grants import GRANTS
from ..grants.base import Grant
from ..grants.jwt_bearer import JWTBearer
from ..grants.token_exchange import TokenExchange
from ..settings import Settings
from .base import Known, Page, Provider

_DEFAULT_SCOPE = "all-apis"


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    _check_address(settings)
    grant = _grant(settings)
    signs = isinstance(grant, TokenExchange) and grant.subject_token is None
    if settings.signer is not None and not signs:
        raise ConfigError(
            "Databricks takes a key's signature on a federated JWT alone, and this sign-in has none.", code="bad_argument",
            hint="Leave the key out: a JWT that is handed over stands for itself, a client secret goes into client_auth=. Or "
            "leave grant= out, and the key signs the JWT.",
        )  # fmt: skip
    if signs and settings.audience is None:
        raise ConfigError(
            "A federated JWT has to name the audience of its federation policy.", code="no_audience",
            hint="Pass audience=: one of the policy's `audiences`; where it lists none, it is the account id.",
        )  # fmt: skip
    return provider, settings._replace(grant=grant, scope=settings.scope or (_DEFAULT_SCOPE,))


def _grant(settings: Settings) -> str | Grant | None:
    """Token exchange, of whichever grant the JWT was handed over by; another grant stays what it is."""
    given = settings.grant
    if given is None or (isinstance(given, str) and given in {"token_exchange", "jwt_bearer"}):
        return TokenExchange()
    if isinstance(given, JWTBearer):
        return TokenExchange() if given.assertion is None else TokenExchange(given.assertion)
    if isinstance(given, str):
        GRANTS.find(given)
    return given


def _check_address(settings: Settings) -> None:
    if settings.token_endpoint is not None:
        return
    account = (
        "For an account pass token_endpoint='https://accounts.cloud.databricks.com/oidc/accounts/ACCOUNT_ID/v1/token'."
    )
    if settings.metadata is None:
        raise ConfigError(
            "The Databricks workspace is not known.", code="no_token_endpoint",
            hint=f"Pass server='https://WORKSPACE.cloud.databricks.com' (DATABRICKS_HOST). {account}",
        )  # fmt: skip
    if urlsplit(settings.metadata.issuer).path not in {"", "/"}:
        raise ConfigError(
            "server= is the workspace's address alone, without a path.", code="bad_server",
            hint=f"For example server='https://dbc-a1b2c3d4-e5f6.cloud.databricks.com'. {account}",
        )  # fmt: skip


DATABRICKS = Provider(
    name="databricks",
    page=Page(
        title="Databricks token federation",
        console="Account console, Settings, Security, Federation policies (account wide), or the service principal's Federation "
        "policies: issuer, audiences, and for a service principal the subject. The service principal's application id is "
        "the client id.",
        file="None where a token service hands the JWT over; else PEM, PFX or JWK.",
        upload="jwks",
        example="""from sa_auth import ServiceAccountCredentials
from sa_auth.assertions import FromEnvironment, FromFile, GitHubActions
from sa_auth.grants import TokenExchange

workspace = "https://dbc-a1b2c3d4-e5f6.cloud.databricks.com"
creds = ServiceAccountCredentials(
    provider="databricks", server=workspace, issuer="11112222-bbbb-3333-cccc-4444dddd5555",
    grant=TokenExchange(FromFile("token.jwt")),
)
in_a_workflow = ServiceAccountCredentials(
    provider="databricks", server=workspace, issuer="11112222-bbbb-3333-cccc-4444dddd5555",
    grant=TokenExchange(GitHubActions("the-policys-audience")),
)
# An account-wide policy names no client; the endpoint is the account's.
for_the_account = ServiceAccountCredentials(
    provider="databricks", grant=TokenExchange(FromEnvironment("DATABRICKS_OIDC_TOKEN")),
    token_endpoint="https://accounts.cloud.databricks.com/oidc/accounts/aaaa1111-bb22-cc33-dd44-eeee5555ffff/v1/token",
)
# An issuer of one's own, whose keys the policy has.
self_signed = ServiceAccountCredentials.from_file(
    "robot.pem", provider="databricks", server=workspace, issuer="https://issuer.example", subject="robot",
    audience="the-policys-audience", form={"client_id": "11112222-bbbb-3333-cccc-4444dddd5555"},
)""",
        limits="The federated JWT is signed by RS256 or ES256, and the token lives about as long as it does. The scope is "
        "`all-apis` unless another is given. A client id is sent for a service principal's policy, and none for an "
        "account-wide one. A group's rights: `form={'assume_group': ...}`. Nothing is looked up: the endpoint is "
        "`{server}/oidc/v1/token`.",
        proven="vendor's SDK (databricks-sdk 0.162.0: its exchange with a token from the environment)",
        sources=(
            "https://docs.databricks.com/aws/en/dev-tools/auth/oauth-federation-exchange",
            "https://docs.databricks.com/en/dev-tools/auth/oauth-federation-howto.html",
            "databricks-sdk: databricks.sdk.oidc, databricks.sdk.credentials_provider, databricks.sdk.service.oauth2",
        ),
        unknown="The audience by default: the policy's documentation says the account id, while the SDK asks a token service "
        "for one with the token endpoint as aud; so `audience=` has to be given where the key signs. The words of its "
        "refusals, and whether a JWT is taken twice.",
    ),
    token_endpoint="{server}/oidc/v1/token",  # noqa: S106 - an address
    grant=TokenExchange(),
    subject="default",
    algorithms=("RS256", "ES256"),
    # The token lives as long as the JWT it was exchanged for.
    lifetime=3600,
    scope_claim="never",
    known=(
        Known(
            r": invalid_(?:grant|request|token)\b", "Databricks compares the JWT with its federation policies: iss, aud and sub "
            "have to be those of one policy, to the last character, and the signature (RS256 or ES256) is checked with the "
            "keys that the issuer publishes. With a client id only the policies of that service principal count, without one "
            "those of the account.",
        ),
        Known(
            r": (?:invalid_client|unauthorized_client)\b", "The client id is that of no service principal of this "
            "account, or of one without access to this workspace: it is the application id, not the numeric id.",
        ),
    ),
    prepare=_prepare,
)  # fmt: skip
