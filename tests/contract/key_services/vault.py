"""Vault by hvac, against a fake of it that holds real keys."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any, ClassVar
from unittest import mock

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.contract.key_services import base
from tests.contract.key_services.local import pair
from tests.contract.key_services.vault_server import TOKEN, VaultServer


class World(base.World):
    """A Vault with a key for each algorithm."""

    scheme: ClassVar[str] = "vault"
    algorithms: ClassVar[tuple[str, ...]] = ("RS256", "PS256", "ES256", "ES384", "ES512")
    library: ClassVar[str | None] = "hvac"
    permission: ClassVar[str] = 'path "transit/sign/key-rs256" { capabilities = ["update"] }'

    def __enter__(self) -> World:
        self.server = VaultServer()
        for algorithm in self.algorithms:
            key = load_pem_private_key(pair(algorithm)[0].encode(), None)
            self.server.keys[f"key-{algorithm.lower()}"] = [load_pem_private_key(pair("old")[0].encode(), None), key]
        return self

    def __exit__(self, *_: object) -> None:
        self.server.close()

    def uri(self, algorithm: str) -> str:
        """By name."""
        return f"vault:key-{algorithm.lower()}"

    def public_pem(self, algorithm: str) -> str:
        """Of the newest version."""
        return pair(algorithm)[1]

    @contextlib.contextmanager
    def environment(self) -> Iterator[None]:
        """As Vault's own command has it."""
        with mock.patch.dict(os.environ, {"VAULT_ADDR": self.server.url, "VAULT_TOKEN": TOKEN}):
            yield

    @contextlib.contextmanager
    def _set(self, **fields: Any) -> Iterator[None]:
        before = {name: getattr(self.server, name) for name in fields}
        vars(self.server).update(fields)
        try:
            yield
        finally:
            vars(self.server).update(before)

    @contextlib.contextmanager
    def slow(self) -> Iterator[None]:
        """No answer comes."""
        self.server.over.clear()
        yield
        self.server.over.set()

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """Nobody listens."""
        with mock.patch.dict(os.environ, {"VAULT_ADDR": "http://127.0.0.1:9"}):
            yield

    def throttled(self) -> Any:
        """Its quota is used up."""
        return self._set(refuse=(429, 'request path "transit/sign": rate limit quota exceeded'))

    def denied(self) -> Any:
        """The policy says no."""
        return self._set(refuse=(403, "1 error occurred:\n\t* permission denied\n\n"))

    def not_found(self) -> Any:
        """The key is deleted."""
        return self._set(keys={})

    def wrong_version(self) -> Any:
        """The version is below the least that signs, and so is the newest."""
        return self._set(least=9)

    def garbled(self) -> Any:
        """It signs something else."""
        return self._set(garbled=True)
