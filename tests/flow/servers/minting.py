"""Who asks Authlib's server, how, and assertions as they should not be.

Rule: what the library can make bad by its own arguments stands in the tests; here is what it takes another's hand for.
"""

from __future__ import annotations

import secrets
import time
from typing import Any

import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from sa_auth.client_auth import Client, ClientSecretJWT, PrivateKeyJWT, TokenRequest
from sa_auth.keys import from_pem
from sa_auth.signers import LocalSigner
from sa_auth.testing import new_key
from tests.flow.servers.both_halves import USER, BothHalves, Known

KEYS = {"k1": new_key("p256"), "k2": new_key("rsa2048"), "stranger": new_key("p256")}
SECRET = "s:e+c%r/e t&=?#" + "x" * 64


def known() -> list[Known]:
    """Whom the server knows."""
    keys = KeySet([ECKey.import_key(KEYS["k1"][1], {"kid": "k1"}), RSAKey.import_key(KEYS["k2"][1], {"kid": "k2"})])
    secret = OctKey.import_key(SECRET)
    both = Known("robot-both", keys, proves=True)
    return [Known("app", keys), Known("app-secret", secret), Known("robot", keys), both]


def ways(server: BothHalves) -> dict[str, dict[str, Any]]:
    """How one may ask: as a client by its key or its secret, by a grant, or by a grant as a client."""
    client = {"server": server.url, "grant": "client_credentials"}
    robot = {"key": KEYS["k1"][0], "key_id": "k1", "subject": USER}
    return {
        "client": {**client, "key": KEYS["k1"][0], "key_id": "k1", "issuer": "app"},
        "secret": {**client, "client_auth": ClientSecretJWT("app-secret", SECRET)},
        "grant": {**robot, "issuer": "robot"},
        "both": {**robot, "issuer": "robot-both", "server": server.url, "client_auth": PrivateKeyJWT(client_id="app")},
    }


def signer(key: str = "k1", **changes: Any) -> LocalSigner:
    """The key that is registered, or another."""
    return LocalSigner(from_pem(KEYS[key][0]), **{"key_id": key, **changes})


def signed(key: str | None = "k1", *, typ: str = "client-authentication+jwt", **claims: Any) -> str:
    """An assertion that somebody else minted; without a key by the secret."""
    now = int(time.time())
    whole = {"iat": now, "exp": now + 60, "jti": secrets.token_hex(), **claims}
    if key is None:
        return jwt.encode(whole, SECRET, "HS256", {"typ": typ})
    return jwt.encode(whole, KEYS[key][0], "ES256", {"kid": key, "typ": typ})


class Late:
    """An assertion, or a client's proof, that was minted ten minutes ago."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def completed(self, client: Client) -> Late:
        return Late(self.inner.completed(client))

    def mint(self, now: float) -> str:
        return str(self.inner.mint(now - 600))

    def apply(self, request: TokenRequest, now: float) -> TokenRequest:
        done: TokenRequest = self.inner.apply(request, now - 600)
        return done

    def fingerprint(self) -> tuple[str, ...]:
        told: tuple[str, ...] = self.inner.fingerprint()
        return told

    def describe(self) -> str:
        return str(self.inner.describe())
