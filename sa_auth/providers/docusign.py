"""Docusign: a token for a user who consented, for the RSA key of an integration.

Source: https://developers.docusign.com/platform/auth/jwt-get-token (claims, RS256, addresses, consent);
https://support.docusign.com/en/articles/DocuSign-Developer-FAQs-General-Administration-and-Authentication (what each
refusal means, the least scope); docusign-esign's `ApiClient.request_jwt_user_token` for what is sent.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from ..errors import ConfigError, InvalidGrant, InvalidScope
from ..grants.jwt_bearer import JWTBearer
from ..settings import Settings
from .base import Known, Page, Provider

_GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_NO_ACCOUNT_SERVER = re.compile(r"[\w.-]+\.docusign\.net|(apps(-d)?|www|developers)\.docusign\.com")
_SERVERS = "Pass server='https://account-d.docusign.com' for the demo environment, or leave it out for production."


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    _check_server(settings)
    asked = settings.grant
    signs = asked is None or asked == "jwt_bearer" or (isinstance(asked, JWTBearer) and asked.assertion is None)
    # As the user's browser takes it; what is consented to there is what may be asked for here.
    consent = quote(" ".join(dict.fromkeys((*settings.scope, "impersonation"))))
    host = urlsplit(
        settings.token_endpoint or (settings.metadata.issuer if settings.metadata is not None else "")
    ).hostname
    filled = (
        (one, one.hint.replace("SCOPES", consent).replace("HOST", host or "account.docusign.com"))
        for one in provider.known
    )
    known = tuple(one._replace(hint=hint) for one, hint in filled)
    provider = provider._replace(known=known)
    if not signs:
        return provider._replace(subject="optional", scope_needed=False), settings
    if settings.subject is not None and not _GUID.fullmatch(settings.subject):
        raise ConfigError(
            "The subject is not the GUID of a Docusign user.", code="bad_subject",
            hint="Settings, Apps and Keys shows one's own as \"User ID\"; of another, Settings, Users shows it as \"API "
            "Username\". It is no e-mail address, and not the account's id.",
        )  # fmt: skip
    return provider, settings


def _check_server(settings: Settings) -> None:
    parts = urlsplit(settings.token_endpoint or (settings.metadata.issuer if settings.metadata is not None else ""))
    if _NO_ACCOUNT_SERVER.fullmatch(parts.hostname or ""):
        raise ConfigError(
            f"{parts.hostname} serves the API or the pages of Docusign, and no token endpoint.", code="bad_argument",
            hint=_SERVERS,
        )  # fmt: skip
    if settings.token_endpoint is None and parts.path not in {"", "/"}:
        raise ConfigError("server= has a path, and Docusign's has none.", code="bad_argument", hint=_SERVERS)


DOCUSIGN = Provider(
    name="docusign",
    page=Page(
        title="Docusign",
        console="Settings, Apps and Keys: Add App and Integration Key; of the app, Generate RSA, and a redirect URI. The user "
        "consents once: https://account.docusign.com/oauth/auth?response_type=code&scope=signature%20impersonation&"
        "client_id=INTEGRATION_KEY&redirect_uri=REDIRECT_URI (demo: account-d.docusign.com); or an administrator for all.",
        file="A key as PEM, shown once.",
        example="""from sa_auth import ServiceAccountCredentials

creds = ServiceAccountCredentials(
    "robot.pem", provider="docusign", issuer="0a1b2c3d-0000-4000-8000-0123456789ab",
    subject="9f8e7d6c-0000-4000-8000-ba9876543210", scope="signature impersonation",
)
demo = ServiceAccountCredentials(
    "robot.pem", provider="docusign", issuer="0a1b2c3d-0000-4000-8000-0123456789ab",
    subject="9f8e7d6c-0000-4000-8000-ba9876543210", scope="signature impersonation",
    server="https://account-d.docusign.com",
)""",
        limits="RS256 alone; the user's GUID is needed, and a scope: `signature impersonation` as a rule. Demo and production "
        "are two worlds: `server=` says which, and is the audience by its host alone. A token lives for an hour. Where an "
        "account's API is, `/oauth/userinfo` at the server says as `base_uri`.",
        proven="vendor's SDK (docusign-esign 6.1.0)",
        sources=(
            "https://developers.docusign.com/platform/auth/jwt-get-token",
            "https://support.docusign.com/en/articles/DocuSign-Developer-FAQs-General-Administration-and-Authentication",
            "docusign-esign: docusign_esign.client.api_client, docusign_esign.client.auth.oauth",
        ),
        unknown="How long an assertion may live: the documentation speaks of the token's hour alone, which a longer assertion "
        "does not lengthen. The default is 300 s. The SDK's sign-in without a user (for parts of the Admin API) is not made.",
    ),
    token_endpoint="{server}/oauth/token",  # noqa: S106 - an address
    server="https://account.docusign.com",
    hosts=("account.docusign.com", "account-d.docusign.com"),
    audience="{host}",
    subject="required",
    subject_hint="It is the GUID of the user who consented.",
    algorithms=("RS256",),
    scope_claim="always",
    scope_form=False,
    scope_needed=True,
    scope_hint="For example scope='signature impersonation'.",
    known=(
        Known(
            r"consent_required", "The user {sub} has not consented to the app {iss}, or not to all of the scopes asked for ({scope}): once, logged in "
            "as that user, open "
            "https://HOST/oauth/auth?response_type=code&scope=SCOPES&client_id={iss}&redirect_uri=REDIRECT_URI with one of "
            "the app's redirect URIs, to the last character; or an administrator of the organisation consents for all.",
            error=InvalidGrant,
        ),
        Known(
            r"no_valid_keys_or_signatures", "Docusign knows no such key of the app {iss} at {aud}: add this key's public half under "
            "Apps and Keys, that app, RSA Keypairs (demo and production have keys of their own). If it is there, aud has to be "
            "exactly the host, account.docusign.com or account-d.docusign.com; and a clock that is off is answered so too.",
            error=InvalidGrant,
        ),
        Known(
            r"issuer_not_found", "There is no integration key {iss} at {aud}: copy it from Apps and Keys again; an app of the demo environment is asked by "
            "server='https://account-d.docusign.com', one of production without it.", error=InvalidGrant,
        ),
        Known(
            r"user_not_found|invalid_subject", "There is no active user {sub} at {aud}: pass subject=, the user's GUID (\"User "
            "ID\"), not the account's; a user of the demo environment is none of production.", error=InvalidGrant, cause="account",
        ),
        Known(
            r"expired_grant", "The assertion had ended when it came: set this machine's clock right, or leave lifetime= out.",
            error=InvalidGrant,
        ),
        Known(
            r"invalid_scope", "A scope of {scope} is none that the app {iss} may ask for.", error=InvalidScope,
        ),
    ),
    prepare=_prepare,
)  # fmt: skip
