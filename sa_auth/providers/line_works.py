"""LINE WORKS: an app's service account, whose key signs beside the app's secret.

Source: https://developers.worksmobile.com/en/docs/auth-jwt (service account, refusals of operations, life of the tokens);
github.com/lineworks/works-api-code-samples, `samples/python/bot-send-message/main.py`,
for the endpoint, the claims, RS256 and the form.
"""

from __future__ import annotations

from ..errors import ConfigError
from ..grants import GRANTS
from ..grants.authorization_code import AuthorizationCode
from ..grants.jwt_bearer import JWTBearer
from ..grants.refresh_token import RefreshToken
from ..settings import Settings
from .base import Known, Page, Provider

_SECRET = (
    "Pass client_auth=ClientSecretPost(client_id, client_secret), both as the Developer Console shows them for the app."  # noqa: S105 - advice
)


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    method, asked = settings.client_auth, settings.grant
    if method is None or method == "none":
        raise ConfigError("LINE WORKS wants the app's secret in every request.", code="no_client_auth", hint=_SECRET)
    if getattr(method, "name", None) != "client_secret_post":
        raise ConfigError(
            "LINE WORKS knows the client's id and secret as fields of the form alone.",
            code="bad_argument",
            hint=_SECRET,
        )
    client = getattr(method, "client_id", None)
    if settings.issuer is not None and client != settings.issuer:
        raise ConfigError(
            f"The issuer is {settings.issuer!r}, and the client {client!r}: at LINE WORKS both are the app's client id.",
            code="bad_argument", hint=_SECRET,
        )  # fmt: skip
    if asked is None or asked == "jwt_bearer" or (isinstance(asked, JWTBearer) and asked.assertion is None):
        return provider, settings
    if isinstance(asked, JWTBearer | RefreshToken | AuthorizationCode):
        return provider._replace(subject="optional", scope_needed=isinstance(asked, JWTBearer)), settings
    if isinstance(asked, str):
        GRANTS.find(asked)
    raise ConfigError(
        "LINE WORKS gives no token for this grant.", code="bad_argument",
        hint="Leave grant= out: the service account's key signs the assertion.",
    )  # fmt: skip


LINE_WORKS = Provider(
    name="line_works",
    page=Page(
        title="LINE WORKS",
        console="Developer Console, API, Client App: the app's client id and client secret; under Service Account, issue one, and "
        "its private key; under OAuth Scopes, what the app may ask for.",
        file="PEM of an RSA key, as the console gives it.",
        example="""from sa_auth import ServiceAccountCredentials
from sa_auth.client_auth import ClientSecretPost

creds = ServiceAccountCredentials.from_file(
    "robot.pem", provider="line_works", issuer="my-client-id", subject="x1y2.serviceaccount@acme", scope="bot",
    client_auth=ClientSecretPost("my-client-id", "my-secret"),
)""",
        limits="RS256; issuer= is the app's client id, subject= its service account; no audience. A scope has to be among those "
        "of the app. A token lives for an hour or a day, as the console is set. The answer brings a refresh token, by which "
        "the next one is asked for; where it is refused, the key signs again. A service account may not use every operation "
        "(mail, drives, notes, tasks and forms of users are closed to it).",
        proven="documentation only (the vendor's page and sample programs)",
        sources=(
            "https://developers.worksmobile.com/en/docs/auth-jwt",
            "https://developers.worksmobile.com/en/docs/auth-scope",
            "https://github.com/lineworks/works-api-code-samples",
        ),
        unknown="How long an assertion may live (the samples: an hour; others report that as the limit), what stands between "
        "several scopes (a space is sent, as RFC 6749 has it), whether a jti counts, where tokens are revoked, and the words of "
        "most refusals.",
    ),
    token_endpoint="https://auth.worksmobile.com/oauth2/v2.0/token",  # noqa: S106 - an address
    hosts=("auth.worksmobile.com",),
    audience="",
    subject="required",
    subject_hint="It is the service account, for example x1y2.serviceaccount@acme (Developer Console, the app).",
    algorithms=("RS256",),
    scope_claim="never",
    scope_needed=True,
    scope_hint="For example scope='bot'.",
    known=(
        Known(
            r"invalid_scope|scope is not valid", "The app {client_id} has not all of {scope}: Developer Console, API, Client App, "
            "OAuth Scopes; a scope that was just saved may take some minutes.",
        ),
        Known(
            r"invalid_client", "LINE WORKS does not know the app {client_id}, or its secret is another: copy both from the "
            "Developer Console, API, Client App.",
        ),
        Known(
            r"invalid_grant", "LINE WORKS did not take the assertion. Usual causes: {sub} is not the service account of the app "
            "{iss}; the private key is not the one that the console issued last; this machine's clock is off.",
        ),
    ),
    prepare=_prepare,
)  # fmt: skip
