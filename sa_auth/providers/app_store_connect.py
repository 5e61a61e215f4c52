"""App Store Connect API and App Store Server API: the signed JWT is itself the token.

Source: https://developer.apple.com/documentation/appstoreconnectapi/generating-tokens-for-api-requests (header, claims, 20
minutes, scope); https://developer.apple.com/documentation/appstoreserverapi/generating-json-web-tokens-for-api-requests
(`bid`); app-store-server-library's `appstoreserverlibrary.api_client` for what Apple's own client signs.
"""

from __future__ import annotations

import re

from ..errors import ConfigError
from ..settings import Settings
from .base import Known, Page, Provider

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    if settings.grant not in (None, "self_signed"):
        raise ConfigError(
            "Apple exchanges no JWT for these APIs: it takes the JWT itself.", code="bad_argument",
            hint="Leave grant= out.",
        )  # fmt: skip
    if settings.issuer is not None and not _UUID.fullmatch(settings.issuer):
        raise ConfigError(
            f"{settings.issuer[:60]!r} is no issuer ID of App Store Connect, which is a UUID.", code="bad_issuer",
            hint="Pass issuer=, as Users and Access, Integrations shows it above the keys. The key's id goes into key_id=; the "
            "team id has no place here.",
        )  # fmt: skip
    if settings.scope:
        raise ConfigError(
            "App Store Connect's scope is a list of operations, no text of scopes.", code="bad_argument",
            hint="Pass claims={'scope': ['GET /v1/apps?filter[platform]=IOS']}, or nothing for whatever the key's role allows.",
        )  # fmt: skip
    if settings.audience not in {None, provider.audience}:
        raise ConfigError(
            f"App Store Connect's audience is always {provider.audience!r}.", code="bad_argument",
            hint="Leave audience= out; it is the same for the App Store Server API.",
        )  # fmt: skip
    return provider, settings


APP_STORE_CONNECT = Provider(
    name="app_store_connect",
    page=Page(
        title="App Store Connect",
        console="App Store Connect, Users and Access, Integrations: the issuer ID above the list, and a team key, whose file "
        "is offered once. For the App Store Server API the key is one of In-App Purchase, in the same place.",
        file="PEM (`AuthKey_2X9R4HXF34.p8`); the id of the key is read from the file's name.",
        example="""import requests
from sa_auth import ServiceAccountCredentials

creds = ServiceAccountCredentials.from_file(
    "AuthKey_2X9R4HXF34.p8", provider="app_store_connect", issuer="57246542-96fe-1a63-e053-0824d011072a",
    allowed_hosts="api.appstoreconnect.apple.com",
)
reading_apps = creds.replace(claims={"scope": ["GET /v1/apps?filter[platform]=IOS"]})
server_api = ServiceAccountCredentials.from_file(
    "AuthKey_2X9R4HXF34.p8", provider="app_store_connect", issuer="57246542-96fe-1a63-e053-0824d011072a",
    claims={"bid": "com.example.app"}, allowed_hosts="api.storekit.apple.com",
)
with requests.Session() as session:
    session.auth = creds
    session.get("https://api.appstoreconnect.apple.com/v1/apps")""",
        limits="ES256 alone; a `kid` and a UUID as issuer are needed; at most 1200 s from iat to exp. No subject. The scope is a "
        "list, `claims={'scope': [...]}`, and optional; the App Store Server API wants `claims={'bid': BUNDLE_ID}`, and its "
        "page advises a new JWT for every request, where this one serves until it ends. Individual keys (`sub` `user`, no "
        "`iss`) and tokens of up to six months are not made. Apple's no comes from the API, in the response that you "
        "are handed (HTTP 401 or 403): what it means is said below.",
        proven="vendor's SDK (app-store-server-library 3.1.2)",
        sources=(
            "https://developer.apple.com/documentation/appstoreconnectapi/generating-tokens-for-api-requests",
            "https://developer.apple.com/documentation/appstoreserverapi/generating-json-web-tokens-for-api-requests",
            "app-store-server-library: appstoreserverlibrary.api_client",
        ),
    ),
    grant="self_signed",
    audience="appstoreconnect-v1",
    subject="none",
    subject_hint="A team key acts for nobody else: leave subject= out.",
    algorithms=("ES256",),
    key_id=True,
    # Twenty minutes are counted by Apple's clock: a clock that is five minutes fast is forgiven.
    lifetime=900,
    longest=1200,
    scope_claim="never",
    scope_form=False,
    known=(
        Known(
            r"NOT_AUTHORIZED|credentials are missing or invalid", "Apple does not know the key {kid} of {iss}, or it was "
            "revoked; or the exp lies more than 20 minutes ahead by Apple's clock: compare key id and issuer ID under Users and "
            "Access, Integrations, and set this machine's clock right.", cause="unknown_key",
        ),
        Known(
            r"FORBIDDEN_ERROR|FORBIDDEN\b", "The key's role does not allow this call: give the key another role, or make "
            "another key.",
        ),
    ),
    prepare=_prepare,
)  # fmt: skip
