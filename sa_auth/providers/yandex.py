"""Yandex Cloud: an IAM token for a service account's authorized key.

Source: https://yandex.cloud/en/docs/iam/operations/iam-token/create-for-sa (JWT, PS256, one hour, request);
https://yandex.cloud/en/docs/iam/api-ref/IamToken/create (answer); yandexcloud's `_auth_fabric` for what its own client
signs, and `yandex.cloud.iam.v1.iam_token_service_pb2` for the answer's `expires_at`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import ConfigError, InvalidGrant
from ..grants.rest_exchange import RestExchange
from ..settings import Settings
from .base import KeyFile, Known, Page, Provider, text_field

_FIELDS = {"service_account_id": "issuer", "private_key": "key", "id": "key_id"}
_AGAIN = "Make a new one: yc iam key create --service-account-name NAME -o authorized_key.json. The private half is shown once."


def _read(info: Mapping[str, Any]) -> dict[str, Any]:
    return {argument: text_field(info, name, _AGAIN) for name, argument in _FIELDS.items()}


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    if settings.scope:
        raise ConfigError(
            "Yandex Cloud's IAM tokens have no scope.", code="bad_argument",
            hint="Leave scope= out: the roles of the service account decide what it may do.",
        )  # fmt: skip
    if settings.grant is None or settings.grant == "rest_exchange":
        return provider, settings._replace(grant=None)
    if isinstance(settings.grant, RestExchange):
        return provider, settings
    raise ConfigError(
        "Yandex Cloud's IAM takes a service account's JWT alone.", code="bad_argument",
        hint="Leave grant= out: the authorized key signs the JWT.",
    )  # fmt: skip


YANDEX = Provider(
    name="yandex",
    page=Page(
        title="Yandex Cloud",
        console="Management console, the folder, Identity and Access Management, Service accounts: the account, then Create "
        "new key, Create authorized key.",
        file="JSON with `service_account_id` and `key_algorithm` (`authorized_key.json`).",
        example="""from sa_auth import ServiceAccountCredentials

creds = ServiceAccountCredentials.from_file("authorized_key.json")
in_kazakhstan = ServiceAccountCredentials.from_file(
    "authorized_key.json", token_endpoint="https://iam.api.yandexcloud.kz/iam/v1/tokens"
)
with_its_parts = ServiceAccountCredentials(
    "robot.pem", provider="yandex", issuer="ajepg0mjt06siua65usm", key_id="lfkoe35hsk58aks301nl"
)""",
        limits="PS256 alone; a `kid` is needed; at most 3600 s from iat to exp. No scope and no subject. An IAM token lives for "
        "at most 12 hours; the answer says until when.",
        proven="vendor's SDK (yandexcloud 0.413.0: its JWT; it sends that by gRPC, the REST request is the documentation's)",
        sources=(
            "https://yandex.cloud/en/docs/iam/operations/iam-token/create-for-sa",
            "https://yandex.cloud/en/docs/iam/api-ref/IamToken/create",
            "yandexcloud: _auth_fabric; yandex.cloud.iam.v1.iam_token_service_pb2",
        ),
        unknown="The words of most of its refusals: the documentation lists none. Known is that of a JWT without a kid.",
    ),
    token_endpoint="https://iam.api.cloud.yandex.net/iam/v1/tokens",  # noqa: S106 - an address
    hosts=("iam.api.cloud.yandex.net", "iam.api.yandexcloud.kz"),
    grant=RestExchange(field="jwt", token="iamToken", expires_at="expiresAt"),  # noqa: S106 - a name
    audience="{endpoint}",
    subject="none",
    subject_hint="A service account acts for nobody else: leave subject= out.",
    algorithms=("PS256",),
    key_id=True,
    key_id_hint="It is the `id` in the file of the authorized key.",
    longest=3600,
    scope_claim="never",
    scope_form=False,
    known=(
        Known(
            r"'kid'", "The JWT has to name the authorized key: pass key_id=, the `id` of the key file.", error=InvalidGrant,
        ),
        Known(
            r"answered 401", "Yandex Cloud wants three things: the service account {iss} and its key {kid} exist, the key "
            "belongs to that account, and the signature (PS256) is of that key. Look under Authorized keys of the account; "
            "and see that this machine's clock is right.", error=InvalidGrant, cause="unknown_key",
        ),
    ),
    prepare=_prepare,
    key_file=KeyFile(lambda info: "service_account_id" in info and "key_algorithm" in info, _read),
)  # fmt: skip
