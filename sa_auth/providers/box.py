"""Box: an app's service account, or a user it may act for, by the key file of the developer console.

Source: https://developer.box.com/guides/authentication/jwt/without-sdk (claims, algorithms, 60 s, jti of 16 to 128 characters,
form); https://developer.box.com/guides/authentication/jwt/with-sdk (the file); https://developer.box.com/guides/api-calls/
permissions-and-errors/common-errors and Box Support for the words; boxsdk 3.14 (`auth.jwt_auth`) and 10.x (`box.jwt_auth`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ..client_auth.client_secret import ClientSecretPost
from ..errors import ConfigError, InvalidClient, KeyFileError, UnauthorizedClient
from ..settings import Settings
from .base import KeyFile, Known, Page, Provider, text_field

_SUBJECT = re.compile(r"(?:(enterprise|user):)?([0-9]+)")
_AGAIN = (
    'Developer console, the app, Configuration, Add and Manage Public Keys: "Generate a Public/Private Keypair" downloads a '
    'whole file. "Download as JSON" alone leaves the key out.'
)


def _read(info: Mapping[str, Any]) -> dict[str, Any]:
    app = _object(info, "boxAppSettings", "boxAppSettings")
    key = _object(app, "appAuth", "boxAppSettings.appAuth")
    client_id = _text(app, "clientID", "boxAppSettings.clientID")
    kind = "user" if info.get("enterpriseID") in (None, "") else "enterprise"
    arguments = {
        "issuer": client_id,
        "client_auth": ClientSecretPost(client_id, _text(app, "clientSecret", "boxAppSettings.clientSecret")),
        "key": _text(key, "privateKey", "boxAppSettings.appAuth.privateKey"),
        "key_id": _text(key, "publicKeyID", "boxAppSettings.appAuth.publicKeyID"),
        "subject": f"{kind}:{_text(info, f'{kind}ID', 'enterpriseID')}",
    }
    return {**arguments, "password": key["passphrase"]} if key.get("passphrase") else arguments


def _object(info: Mapping[str, Any], name: str, path: str) -> Mapping[str, Any]:
    found = info.get(name)
    if not isinstance(found, Mapping):
        raise KeyFileError(
            f"The key file has no field {path!r}, or it is no object.", code="key_file_field", hint=_AGAIN
        )
    return found


def _text(info: Mapping[str, Any], name: str, path: str) -> str:
    return text_field(info, name, _AGAIN, path=path)


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    if settings.scope:
        raise ConfigError(
            "Box takes no scope with an assertion.", code="bad_argument",
            hint="Leave scope= out: the scopes are those of the app's configuration. A token of less is had by token exchange.",
        )  # fmt: skip
    _check_client(settings)
    if settings.subject is None:
        return provider, settings
    said = _SUBJECT.fullmatch(settings.subject)
    if said is None:
        raise ConfigError(
            "The subject is not an id of Box, which is a number.", code="bad_subject",
            hint="A user's id, '456', or 'enterprise:123' for the service account. A login or an e-mail address is no id.",
        )  # fmt: skip
    kind = said.group(1) or _claimed(settings) or "user"
    if _claimed(settings) not in (None, kind) or kind not in {"enterprise", "user"}:
        raise ConfigError(
            "box_sub_type in claims= and the subject say different things.", code="bad_argument",
            hint="Leave it out of claims=: subject='enterprise:123' or subject='user:456' says it.",
        )  # fmt: skip
    claims = MappingProxyType({"box_sub_type": kind})
    return provider._replace(claims=claims), settings._replace(subject=said.group(2))


def _claimed(settings: Settings) -> Any:
    claims: Any = settings.claims
    return claims.get("box_sub_type") if isinstance(claims, Mapping) else None


def _check_client(settings: Settings) -> None:
    method: Any = settings.client_auth
    in_form = {"client_id", "client_secret"} <= {name for name, _ in settings.form}
    if not (isinstance(method, ClientSecretPost) or (method is None and in_form)):
        raise ConfigError(
            "Box wants client_id and client_secret in the form, beside the assertion.", code="no_client_auth",
            hint="Open the app's key file by from_file(path), which has them; or pass "
            "client_auth=client_auth.ClientSecretPost(client_id, client_secret).",
        )  # fmt: skip
    if method is not None and settings.issuer not in {None, method.client_id}:
        raise ConfigError(
            "The issuer and the client of client_auth= are not the same.", code="bad_argument",
            hint="At Box both are the app's client id.",
        )  # fmt: skip


BOX = Provider(
    name="box",
    page=Page(
        title="Box",
        console='Developer console, a custom app with "Server Authentication (with JWT)": Configuration, Add and Manage Public '
        "Keys, Generate a Public/Private Keypair. An administrator authorizes the app: Admin console, Integrations, Platform "
        "Apps Manager; and anew after each change of its configuration.",
        file="JSON with `boxAppSettings`; the passphrase of its key stands in it.",
        upload="pem",
        example="""from sa_auth import ServiceAccountCredentials, client_auth

creds = ServiceAccountCredentials.from_file("box_config.json")
for_a_user = creds.replace(subject="456")
with_its_parts = ServiceAccountCredentials(
    "robot.pem", provider="box", issuer="CLIENT_ID", key_id="ab12cd34", subject="enterprise:123",
    client_auth=client_auth.ClientSecretPost("CLIENT_ID", "client-secret"),
)""",
        limits="RS256, RS384 or RS512; a `kid` is needed; at most 60 s from iat to exp. The subject is `enterprise:ID`, the app's "
        "service account, or a user's id; a file names its enterprise (or, without one, its user). No scope.",
        proven="vendor's SDK (boxsdk 10.18.0, and 3.14.0)",
        sources=(
            "https://developer.box.com/guides/authentication/jwt/without-sdk",
            "https://developer.box.com/guides/api-calls/permissions-and-errors/common-errors",
            "https://support.box.com: articles 360043691734, 360044192553",
            "boxsdk 3.14: boxsdk.auth.jwt_auth; boxsdk 10.18: box_sdk_gen.box.jwt_auth",
        ),
        unknown="The whole of its words about single claims; known is `Please check the '...' claim.`",
    ),
    token_endpoint="https://api.box.com/oauth2/token",  # noqa: S106 - an address
    hosts=("api.box.com",),
    revocation_endpoint="https://api.box.com/oauth2/revoke",
    # A constant in Box's own clients too, whatever address they are told to call.
    audience="https://api.box.com/oauth2/token",
    subject="required",
    subject_hint="'enterprise:123' for the app's service account, or a user's id.",
    algorithms=("RS256", "RS384", "RS512"),
    key_id=True,
    lifetime=45,
    longest=60,
    scope_claim="never",
    scope_form=False,
    known=(
        Known(
            r"check the 'exp' claim|'exp' claim", "Box wants exp at most 60 s ahead and not over, by its own clock: set this "
            "machine's clock right, or leave lifetime= out.",
        ),
        Known(
            r"'sub' claim|'sub' specified", "Box knows no such subject {sub} for this app: enterprise:ID takes the enterprise's "
            "id, a user the user's id, neither a login nor the service account's own id; and the app has to be authorized in "
            "that enterprise.",
        ),
        Known(r"'iss' claim", "There is no app with the client id {iss}: see the app's Configuration page."),
        Known(r"'aud' claim", "Box wants https://api.box.com/oauth2/token as aud, and got {aud}: leave audience= out."),
        Known(
            r"'jti' claim|unique 'jti'", "Box has seen this assertion before: look for something on the way, a proxy or gateway, "
            "that sends requests twice.",
        ),
        Known(
            r"'kid'|signature", "The key {kid} of the app {iss} is not registered, was removed, or is another: Configuration, Add "
            "and Manage Public Keys, and download the file anew.",
        ),
        Known(
            r"not authorized by the enterprise|unauthorized_client", "The app {iss} is not authorized in the enterprise: the "
            "administrator does it under Admin console, Integrations, Platform Apps Manager, and again after each change of the "
            "app.", error=UnauthorizedClient,
        ),
        Known(
            r"based on the enterprise configuration", 'The app may not act for the user {sub}: Configuration, "Generate user '
            'access tokens", and "App + Enterprise Access" for managed users; then the administrator authorizes it again. The '
            "service account itself is asked for by subject='enterprise:ID'.", error=UnauthorizedClient,
        ),
        Known(
            r"client credentials are invalid|invalid_client", "There is no app {client_id}, or its secret is another: copy both from the "
            "app's Configuration page, or download the file anew.", error=InvalidClient,
        ),
        Known(
            r"grant type is unauthorized", 'The app is none with "Server Authentication (with JWT)": that is chosen when an app '
            "is made.", error=UnauthorizedClient,
        ),
    ),
    prepare=_prepare,
    key_file=KeyFile(lambda info: "boxAppSettings" in info, _read),
)  # fmt: skip
