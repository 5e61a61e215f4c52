"""Google service accounts: an access token, an ID token, or a self-signed token, for a key file of the console.

Source: https://developers.google.com/identity/protocols/oauth2/service-account (format, RS256, at most one hour from
iat to exp, error strings); google-auth's `google.oauth2._client` and `google.oauth2.service_account` for what its own
client sends, and that it keeps the public audience whatever endpoint a file names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import ConfigError, InvalidGrant, KeyFileError
from ..settings import Settings
from ..token import AnswerNames
from .base import KeyFile, Known, Page, Provider, text_field

_FIELDS = {"client_email": "issuer", "private_key": "key", "private_key_id": "key_id", "token_uri": "token_endpoint"}
_NEEDED = ("client_email", "private_key")
_AGAIN = "Download a new key: Google Cloud console, IAM, Service Accounts, Keys, Add key, JSON."


def _read(info: Mapping[str, Any]) -> dict[str, Any]:
    for name in _NEEDED:
        if name not in info:
            raise KeyFileError(f"The key file has no field {name!r}.", code="key_file_field", hint=_AGAIN)
    for name in _FIELDS:
        if name in info and (not isinstance(info[name], str) or not info[name].strip()):
            raise KeyFileError(
                f"The key file's field {name!r} is no text, or empty.", code="key_file_field",
                hint="The file was changed by hand, or filled in by a template: download it again.",
            )  # fmt: skip
    arguments = {argument: info[name] for name, argument in _FIELDS.items() if name in info}
    universe = info.get("universe_domain")
    if universe is not None and text_field(info, "universe_domain", _AGAIN) != "googleapis.com":
        # A sovereign cloud exchanges no assertions: google-auth sends the JWT itself there.
        arguments["grant"] = "self_signed"
    return arguments


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    target = (settings.claims or {}).get("target_audience")
    if target is not None and settings.grant == "self_signed":
        raise ConfigError(
            "Google gives an ID token by exchange alone, and this sign-in makes none.", code="bad_argument",
            hint="Leave grant= out. In another universe than googleapis.com an ID token comes by "
            'provider="google_impersonation".',
        )  # fmt: skip
    if target is not None:
        if settings.scope or settings.subject is not None:
            raise ConfigError(
                "Google gives an ID token without a scope and for nobody else.", code="bad_argument",
                hint="With claims={'target_audience': ...} leave scope= and subject= out.",
            )  # fmt: skip
        return provider._replace(scope_claim="never", names=AnswerNames(token="id_token", own_end=True)), settings  # noqa: S106 - a name
    if settings.grant != "self_signed":
        return provider, settings
    if settings.subject not in {None, settings.issuer}:
        raise ConfigError(
            "A self-signed Google token acts for nobody else.", code="bad_subject",
            hint="Leave subject= out, or leave grant= out: domain-wide delegation needs the exchange.",
        )  # fmt: skip
    # One of the two says what it is for: the API's address, or scopes.
    wanted = provider._replace(
        scope_claim="given", audience="" if settings.audience is None else None, algorithms=("RS256", "ES256"),
        revocation_endpoint=None,
    )  # fmt: skip
    if settings.audience is None and not settings.scope:
        raise ConfigError(
            "A self-signed Google token needs an audience or a scope.", code="no_audience",
            hint="Pass audience='https://SERVICE.googleapis.com/', or scope=.",
        )  # fmt: skip
    return wanted, settings


GOOGLE = Provider(
    name="google",
    page=Page(
        title="Google service accounts",
        console="Google Cloud console, IAM & Admin, Service Accounts: the account, then Keys, Add key, JSON. To act for "
        "users: Google Workspace admin console, Security, API controls, Domain-wide delegation: the account's numeric "
        "client id and the scopes.",
        file='JSON of type `service_account`; `from_env("GOOGLE_APPLICATION_CREDENTIALS")` opens the one that this variable '
        'names. The old `.p12` opens with `provider="google"`, `password="notasecret"` and the e-mail as `issuer=`.',
        upload="certificate",
        example="""import requests
from sa_auth import ServiceAccountCredentials

creds = ServiceAccountCredentials.from_file("key.json", scope="https://www.googleapis.com/auth/drive")
for_a_user = creds.replace(subject="ada@example.com")
id_token = ServiceAccountCredentials.from_file("key.json", claims={"target_audience": "https://service.example.run.app"})
itself = ServiceAccountCredentials.from_file("key.json", grant="self_signed", audience="https://pubsub.googleapis.com/")
with requests.Session() as session:
    session.auth = creds
    session.headers["x-goog-user-project"] = "demo"  # the project that pays, where it is another
    session.get("https://www.googleapis.com/drive/v3/files")""",
        limits="RS256 alone (a self-signed token: ES256 too); at most 3600 s from iat to exp. An ID token takes no scope and no subject, a self-signed token "
        "no subject. In another universe than googleapis.com (`universe_domain` of the file) "
        "only the self-signed token is made.",
        proven="vendor's SDK (google-auth, captured live in the tests)",
        sources=(
            "https://developers.google.com/identity/protocols/oauth2/service-account",
            "https://google.aip.dev/auth/4111 (the self-signed token)",
            "google-auth: google.oauth2.service_account, google.oauth2._client, google.auth.jwt",
        ),
    ),
    token_endpoint="https://oauth2.googleapis.com/token",  # noqa: S106 - an address
    hosts=("oauth2.googleapis.com", "accounts.google.com", "www.googleapis.com"),
    # https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke
    revocation_endpoint="https://oauth2.googleapis.com/revoke",
    # Google counts one hour from iat, and iat lies ten seconds back.
    lifetime=3590,
    longest=3600,
    # The claim stands there even without a scope: google-auth sends it so.
    scope_claim="always",
    scope_hint="Google's server takes no request without one, but for an ID token (claims={'target_audience': ...}).",
    scope_form=False,
    algorithms=("RS256",),
    known=(
        Known(
            r"Invalid JWT Signature", "Google does not know the key {kid} of {iss}: it was deleted or disabled, or belongs "
            "to another account. Look under Service Accounts, Keys, and download a new one.",
        ),
        Known(
            r"account not found", "Google knows no service account {iss}, or not the user {sub} that it is to act for: see under "
            "Service Accounts whether it was deleted or is of another project, and download a new key of the right one; a user "
            "has to be of a domain that delegated to it.", error=InvalidGrant,
        ),
        Known(
            r"short-lived token|reasonable timeframe", "Google wants exp at most an hour after iat, and both near its own "
            "clock: set this machine's clock right, or leave lifetime= out.",
        ),
        Known(r"audience check", "Google wants its token endpoint as aud, and got {aud}: leave audience= out."),
        Known(
            r"Invalid OAuth scope or ID token audience", "No scope that Google knows was asked for ({scope}): pass scope= with "
            "at least one of Google's, or claims={{'target_audience': ...}} for an ID token.",
        ),
        Known(
            r"unauthorized_client", "The service account may not act for {sub} with these scopes: the Workspace administrator "
            "adds its numeric client id and exactly {scope} under Domain-wide delegation.",
        ),
        # google-auth asks again after these words, whatever the status.
        Known(
            r"internal_failure|server_error|temporarily_unavailable", "Google failed for the moment: the same call may succeed "
            "later.", again=True,
        ),
        Known(
            r"invalid_request.*Bad Request", "Google could not read the assertion, which something on the way changed: look for a "
            "proxy or gateway that rewrites requests, or try from another network.",
        ),
    ),
    prepare=_prepare,
    key_file=KeyFile(lambda info: info.get("type") == "service_account", _read),
)  # fmt: skip
