"""A fake of Azure Key Vault over HTTPS: its challenge, real keys with versions, ECDSA as a JWS has it."""

from __future__ import annotations

import base64
import contextlib
import re
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
from unittest.mock import patch

import jwt
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.contract.key_services import cloud
from tests.contract.key_services.cloud import HASHES, Asked, Reply

HOST = "robot-keys.vault.azure.net"
VERSION, DISABLED = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
PATH = re.compile(r"/keys/(\w+)/(\w*)(/sign)?\?api-version=[\w.-]+")
TOKEN = "token-of-the-robot"


def said(status: int, code: str, inner: str = "", headers: Mapping[str, str] = {}) -> Reply:
    """A refusal."""
    error: dict[str, Any] = {"code": code, "message": cloud.CANARY}
    if inner:
        error["innererror"] = {"code": inner}
    return Reply(status, {"error": error}, headers)


class Login:
    """A TokenCredential of Azure's."""

    def get_token(self, *scopes: str, **_: Any) -> Any:
        """For the vault alone."""
        from azure.core.credentials import AccessToken

        assert all("vault.azure.net" in scope for scope in scopes)
        return AccessToken(TOKEN, int(time.time()) + 3600)


class World(cloud.Cloud):
    """A vault by its own name, which leads to this machine."""

    scheme: ClassVar[str] = "azurekv"
    algorithms: ClassVar[tuple[str, ...]] = ("RS256", "PS256", "ES256", "ES384", "ES512")
    library: ClassVar[str | None] = "azure.keyvault.keys"
    permission: ClassVar[str] = "keys/sign"
    names: ClassVar[tuple[str, ...]] = (HOST,)
    resource: ClassVar[str] = ""  # that the challenge names; empty: this vault's, whose host has a port here
    faults: ClassVar[Mapping[str, Reply]] = {
        "throttled": said(429, "Throttled", headers={"Retry-After": "7"}),
        "denied": said(403, "Forbidden", "ForbiddenByRbac"),
        "not_found": said(404, "KeyNotFound"),
        "wrong_version": said(403, "Forbidden", "KeyDisabled"),
    }

    def uri(self, algorithm: str, version: str = VERSION) -> str:
        """By name, and one without its version."""
        version = "" if algorithm == "ES384" else f"/{version}"
        return f"azurekv://{HOST}:{self.server.port}/keys/{algorithm}{version}"

    def public_pem(self, algorithm: str) -> str:
        """Of the real key."""
        return cloud.pair(algorithm)[1]

    @contextlib.contextmanager
    def environment(self) -> Iterator[None]:
        """The vault's name leads here, and there is a login."""
        from sa_auth.signers import azure_key_vault

        real = socket.getaddrinfo

        def here(host: Any, *rest: Any, **more: Any) -> Any:
            return real("127.0.0.1" if host == HOST else host, *rest, **more)

        with (
            super().environment(),
            patch.object(socket, "getaddrinfo", here),
            patch.object(azure_key_vault, "DefaultAzureCredential", Login),
        ):
            yield

    def answer(self, asked: Asked) -> Reply:
        """As the service does."""
        if asked.headers.get("Authorization") != f"Bearer {TOKEN}":
            challenge = (
                'Bearer authorization="https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000", '
                f'resource="{self.resource or f"https://vault.azure.net:{self.server.port}"}"'
            )
            return said(401, "Unauthorized", headers={"WWW-Authenticate": challenge})
        named = PATH.fullmatch(asked.path)
        if named is None or named[1] not in self.algorithms or named[2] not in {"", VERSION, DISABLED}:
            return said(404, "KeyNotFound")
        if named[2] == DISABLED and named[3]:
            return said(403, "Forbidden", "KeyDisabled")
        return self._signed(named[1], asked.json()) if named[3] else self._told(named[1], named[2] or VERSION)

    def _told(self, algorithm: str, version: str) -> Reply:
        public = cloud.pair(algorithm)[0].public_key()
        jwk = jwt.get_algorithm_by_name(algorithm).to_jwk(public, as_dict=True)
        kid = f"https://{HOST}:{self.server.port}/keys/{algorithm}/{version}"
        return Reply(200, {"key": {**jwk, "kid": kid, "key_ops": ["sign", "verify"]}, "attributes": {"enabled": True}})

    def _signed(self, name: str, body: dict[str, Any]) -> Reply:
        algorithm = body["alg"]
        if algorithm not in self.algorithms or name[:2] != algorithm[:2] and name[:1] == "E":
            return said(400, "BadParameter")
        digest = base64.urlsafe_b64decode(body["value"] + "==")
        if len(digest) != HASHES[algorithm[2:]].digest_size:
            return said(400, "BadParameter")
        key = cloud.pair(name)[0]
        made = cloud.signature(key, algorithm, bytes(each ^ 1 for each in digest) if self.garbling else digest)
        if algorithm.startswith("E"):
            width = (key.curve.key_size + 7) // 8
            made = b"".join(number.to_bytes(width, "big") for number in decode_dss_signature(made))
        kid = f"https://{HOST}:{self.server.port}/keys/{name}/{VERSION}"
        return Reply(200, {"kid": kid, "value": base64.urlsafe_b64encode(made).rstrip(b"=").decode()})
