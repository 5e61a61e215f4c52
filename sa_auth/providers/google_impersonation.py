"""Google: a token of a service account, given to who may act for it, by that one's own token.

Source: https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken (path,
scope, delegates, lifetime, answer) and .../generateIdToken; google-auth's `google.auth.impersonated_credentials` and
`google.auth.iam` for what its own client sends; refusals as they were reported in github.com/google-github-actions/auth,
issues 58, 340 and 526, and github.com/fluent/fluent-bit, issue 5410.
"""

from __future__ import annotations

import re

from ..errors import ConfigError, InvalidGrant, InvalidRequest, UnauthorizedClient
from ..grants.rest_exchange import RestExchange
from ..settings import Settings
from ..token import AnswerNames
from .base import Known, Page, Provider

_PAGES = "https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts"
_LONGEST = 43_200
_ACCOUNT = re.compile(r"[\w.-]+@[\w.-]+|\d+", re.ASCII)  # an e-mail, or the account's unique id


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    grant = settings.grant
    if not isinstance(grant, RestExchange) or grant.assertion is None or grant.field is not None:
        raise ConfigError(
            "Google impersonation wants the token of the one who acts for the service account.", code="no_source",
            hint="Pass grant=RestExchange(source), where source are other credentials, with the scope "
            "https://www.googleapis.com/auth/cloud-platform.",
        )  # fmt: skip
    if settings.subject is not None and not _ACCOUNT.fullmatch(settings.subject):
        raise ConfigError(
            "The subject is no service account's e-mail or unique id.", code="bad_subject", hint=provider.subject_hint
        )
    if settings.audience is not None:
        return _for_an_id_token(provider, settings, grant)
    lifetime = provider.lifetime if settings.lifetime is None else settings.lifetime
    if lifetime > _LONGEST:
        raise ConfigError(
            f"Google gives a service account's token for at most {_LONGEST} s.", code="bad_lifetime",
            hint="Up to 3600 s anybody may ask for; more wants the organization policy "
            "iam.allowServiceAccountCredentialLifetimeExtension.",
        )  # fmt: skip
    asked = grant.with_body({"scope": list(settings.scope), "lifetime": f"{lifetime}s"})
    return provider, settings._replace(grant=asked, lifetime=None)


def _for_an_id_token(
    provider: Provider, settings: Settings, grant: RestExchange
) -> tuple[Provider, Settings]:  # fmt: skip
    if settings.scope or settings.lifetime is not None:
        raise ConfigError(
            "Google gives an ID token without a scope, and for an hour.", code="bad_argument",
            hint="With audience= leave scope= and lifetime= out; without it there is an access token.",
        )  # fmt: skip
    asked = grant.with_body({"audience": settings.audience, "includeEmail": True})
    endpoint = (provider.token_endpoint or "").replace(":generateAccessToken", ":generateIdToken")
    wanted = provider._replace(
        token_endpoint=endpoint, scope_needed=False, names=AnswerNames(token="token", own_end=True)  # noqa: S106 - a name
    )  # fmt: skip
    return wanted, settings._replace(grant=asked, audience=None)


GOOGLE_IMPERSONATION = Provider(
    name="google_impersonation",
    page=Page(
        title="Google service account impersonation",
        console="Google Cloud console, IAM & Admin, Service Accounts: the account acted for, then Principals with access: the "
        "caller gets the role Service Account Token Creator (for an ID token alone: OpenID Connect Identity Token Creator). "
        "The API IAM Service Account Credentials is enabled in the caller's project.",
        file="None of its own: the caller's credentials may come from any.",
        example="""from sa_auth import ServiceAccountCredentials
from sa_auth.grants import RestExchange

caller = ServiceAccountCredentials.from_file("key.json", scope="https://www.googleapis.com/auth/cloud-platform")
target = "target@demo.iam.gserviceaccount.com"
creds = ServiceAccountCredentials(
    provider="google_impersonation", grant=RestExchange(caller), subject=target,
    scope="https://www.googleapis.com/auth/drive",
)
id_token = ServiceAccountCredentials(
    provider="google_impersonation", grant=RestExchange(caller), subject=target,
    audience="https://service.example.run.app",
)
# By way of another account, which may act for the target, and for which the caller may act.
between = "projects/-/serviceAccounts/between@demo.iam.gserviceaccount.com"
in_two_steps = ServiceAccountCredentials(
    provider="google_impersonation", grant=RestExchange(caller, body={"delegates": [between]}), subject=target,
    scope="https://www.googleapis.com/auth/drive", lifetime=600,
)""",
        limits="A scope, or an audience for an ID token. `lifetime=` is the token's: 3600 s by default, and at most, unless "
        "the organization policy `iam.allowServiceAccountCredentialLifetimeExtension` allows up to 43,200 s. In another "
        'universe: `server="https://iamcredentials.UNIVERSE"`.',
        proven="vendor's SDK (google-auth, captured live in the tests)",
        sources=(
            f"{_PAGES}/generateAccessToken",
            f"{_PAGES}/generateIdToken",
            "google-auth: google.auth.impersonated_credentials, google.auth.iam",
        ),
        unknown="Whether Google's revocation endpoint takes such a token: none is set.",
    ),
    token_endpoint="{server}/v1/projects/-/serviceAccounts/{subject}:generateAccessToken",  # noqa: S106 - an address
    server="https://iamcredentials.googleapis.com",
    hosts=("iamcredentials.googleapis.com",),
    grant="rest_exchange",
    audience="",
    subject="address",
    subject_hint="It is the e-mail of the service account acted for: robot@PROJECT.iam.gserviceaccount.com.",
    lifetime=3600,
    scope_claim="never",
    scope_form=False,
    scope_needed=True,
    scope_hint="For example scope='https://www.googleapis.com/auth/drive'; or audience=, for an ID token.",
    names=AnswerNames(token="accessToken", expires_at="expireTime"),  # noqa: S106 - a name
    known=(
        Known(
            r"insufficient authentication scopes", "The caller's token was asked for without a scope for this: give the "
            "credentials in grant=RestExchange(...) scope='https://www.googleapis.com/auth/cloud-platform' (or .../auth/iam).",
            error=UnauthorizedClient,
        ),
        Known(
            r"has not been used in project|it is disabled|SERVICE_DISABLED", "The API IAM Service Account Credentials "
            "(iamcredentials.googleapis.com) is not enabled in the caller's project: enable it, and wait a few minutes.",
            error=UnauthorizedClient,
        ),
        Known(
            r"PERMISSION_DENIED", "The caller may not act for this service account, or there is none of that name: grant it the "
            "role Service Account Token Creator on that very account (an owner's role does not hold it), and check subject=. A new "
            "grant takes a few minutes.", error=UnauthorizedClient,
        ),
        Known(
            r"NOT_FOUND", "There is no such service account, or it was deleted: check subject= and the delegates.",
            error=InvalidGrant,
        ),
        Known(
            r"UNAUTHENTICATED", "Google did not take the caller's token: it is over, or revoked, or was issued for another "
            "universe. Check the credentials in grant=RestExchange(...).", error=InvalidGrant,
        ),
        Known(
            r"INVALID_ARGUMENT", "Google could not use the request: check that every scope is spelt out in full, that lifetime= is "
            "at most 3600 s unless the organization policy allows more, and that delegates are written "
            "projects/-/serviceAccounts/EMAIL.", error=InvalidRequest,
        ),
    ),
    prepare=_prepare,
)  # fmt: skip
