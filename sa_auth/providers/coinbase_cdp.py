"""Coinbase Developer Platform: each JWT is itself the token, and for one call.

Source: cdp-sdk 1.51.0, `cdp.auth.utils.jwt` (header, claims, 120 s, both kinds of key);
https://docs.cdp.coinbase.com/get-started/authentication/overview (which key is for which product);
https://docs.cdp.coinbase.com/coinbase-app/authentication-authorization/api-key-authentication (where the file comes from).
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ..errors import ConfigError, KeyFileError
from ..grants.self_signed import Bound, SelfSigned
from ..settings import Settings
from .base import KeyFile, Page, Provider, text_field

# DER before the 32 bytes of an Ed25519 private key (RFC 8410 section 7).
_ED25519 = bytes.fromhex("302e020100300506032b657004220420")
_AGAIN = "Make a new key in the CDP portal, API keys, Secret API keys; its file is offered once."


def _bound(method: str, url: str, key_id: str | None) -> Bound:
    """The one call that a JWT is for, without the query, and a nonce of its own; the key's id as the subject."""
    parts = urlsplit(url)
    address = f"{parts.netloc.rpartition('@')[2]}{parts.path or '/'}"
    return Bound(
        {"sub": key_id, "uris": [f"{method.upper()} {address}"]}, {"nonce": f"{secrets.randbelow(10**16):016d}"}
    )


def _is_file(info: Mapping[str, Any]) -> bool:
    return "privateKey" in info and ("name" in info or "id" in info)


def _read(info: Mapping[str, Any]) -> dict[str, Any]:
    key_id = text_field(info, "name" if "name" in info else "id", _AGAIN)
    key = text_field(info, "privateKey", _AGAIN).replace("\\n", "\n")
    return {"key": key if "-----BEGIN" in key else _pem(key), "key_id": key_id}


def _pem(text: str) -> str:
    """An Ed25519 key as PEM: in the file it is the seed and the public half, 64 bytes in base64."""
    raw = b""
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        pass
    if len(raw) != 64:
        raise KeyFileError(
            "The key file's field 'privateKey' is neither PEM nor the base64 of an Ed25519 key's 64 bytes.",
            code="key_file_field", hint="Take the file as the CDP portal gave it; a key copied by hand may have been cut.",
        )  # fmt: skip
    return f"-----BEGIN PRIVATE KEY-----\n{base64.b64encode(_ED25519 + raw[:32]).decode()}\n-----END PRIVATE KEY-----\n"


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    if settings.grant is not None:
        raise ConfigError(
            "Coinbase exchanges no JWT: it takes the JWT itself, a new one for each call.", code="bad_argument",
            hint="Leave grant= out.",
        )  # fmt: skip
    if settings.scope:
        raise ConfigError(
            "Coinbase's JWT has no scope.", code="bad_argument",
            hint="Leave scope= out: the permissions of the API key decide, in the CDP portal.",
        )  # fmt: skip
    if settings.issuer not in {None, "cdp"}:
        raise ConfigError(
            "Coinbase's issuer is always 'cdp'.", code="bad_issuer",
            hint="Leave issuer= out; the id of the API key goes into key_id=.",
        )  # fmt: skip
    key_id = settings.signer.key_id if settings.signer is not None else None
    if settings.subject not in {None, key_id}:
        raise ConfigError(
            "Coinbase's subject is always the id of the API key.", code="bad_subject",
            hint="Leave subject= out; nobody else is acted for.",
        )  # fmt: skip
    for fields, name in ((settings.claims, "uris"), (settings.headers, "nonce")):
        if fields and name in fields:
            raise ConfigError(
                f"{name!r} is made for each call.",
                code="bad_argument",
                hint="Leave it out: the Session's call says it.",
            )
    return provider, settings._replace(issuer="cdp", subject=None)


COINBASE_CDP = Provider(
    name="coinbase_cdp",
    page=Page(
        title="Coinbase Developer Platform",
        console="CDP portal, API keys, Secret API keys: the id of the key and its secret, which are offered once, also as a "
        "file. Ed25519 is the default; the Coinbase App APIs want ECDSA.",
        file="JSON with `name` or `id`, and `privateKey`: PEM of an EC key, or 64 bytes of an Ed25519 key in base64. A PEM "
        "alone goes with `key_id=`.",
        example="""import requests
from sa_auth import ServiceAccountCredentials

creds = ServiceAccountCredentials.from_file(
    "ec.pem", provider="coinbase_cdp", key_id="organizations/0a1b/apiKeys/2c3d", allowed_hosts="api.cdp.coinbase.com"
)
with requests.Session() as session:
    session.auth = creds
    session.get("https://api.cdp.coinbase.com/platform/v2/evm/accounts")
elsewhere = creds.token_for("GET", "https://api.cdp.coinbase.com/platform/v2/evm/accounts").authorization""",
        limits="ES256 on P-256, or EdDSA; 120 s from nbf to exp. Every call has a JWT of its own, by the Session or by "
        "`token_for(method, url)`; `token()` refuses, and a call that was answered 401 is not sent again. It is not made for "
        "WebSockets (no `uris`), nor is the wallet's JWT (`X-Wallet-Auth`). A token that is redirected to another path is "
        "for the first one. Coinbase's no is in the response that you are handed.",
        proven="vendor's SDK (cdp-sdk 1.51.0)",
        sources=(
            "cdp-sdk: cdp.auth.utils.jwt",
            "https://docs.cdp.coinbase.com/get-started/authentication/overview",
            "https://docs.cdp.coinbase.com/coinbase-app/authentication-authorization/api-key-authentication",
        ),
        unknown="Whether an `iat` and a `jti` beside the rest are taken (RFC 7519 section 4 says that what is not understood is "
        "ignored); how strictly `uris` is held against the call; and what a nonce that comes twice is answered with. The field "
        "`id` in the file of an Ed25519 key is reported, not documented.",
    ),
    grant=SelfSigned(binds=_bound),
    audience="",
    subject="none",  # the key's id, which a call's JWT says
    algorithms=("ES256", "EdDSA"),
    key_id=True,
    key_id_hint="It is the id of the API key, which the portal shows, and its file as `name` or `id`.",
    lifetime=110,
    longest=120,
    claims={"nbf": True},
    scope_claim="never",
    scope_form=False,
    prepare=_prepare,
    key_file=KeyFile(_is_file, _read),
)  # fmt: skip
