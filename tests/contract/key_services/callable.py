"""A key behind a function."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from sa_auth.errors import SigningError
from sa_auth.keys import from_pem
from sa_auth.signers import FromCallable, LocalSigner, Signer
from tests.contract.key_services import base
from tests.contract.key_services.local import pair


class World(base.World):
    """A function that signs by a local key, and does what it is told instead."""

    scheme: ClassVar[str] = "callable"
    algorithms: ClassVar[tuple[str, ...]] = ("RS256", "PS256", "ES256", "ES384")
    permission: ClassVar[str] = "the right to sign"
    without: ClassVar[dict[str, str]] = {"wrong_version": "a function has no versions"}

    def __init__(self) -> None:
        self.instead: Callable[[], bytes] | None = None

    def public_pem(self, algorithm: str) -> str:
        """As the key has it."""
        return pair(algorithm)[1]

    def signer(self, algorithm: str, **arguments: Any) -> Signer:
        """Signs by the function."""
        local = LocalSigner(from_pem(pair(algorithm)[0]), algorithm=algorithm)

        def sign(data: bytes) -> bytes:
            return local.sign(data) if self.instead is None else self.instead()

        return FromCallable(sign, self.public_pem(algorithm), algorithm=algorithm, **arguments)

    @contextlib.contextmanager
    def _doing(self, instead: Callable[[], bytes]) -> Iterator[None]:
        self.instead = instead
        try:
            yield
        finally:
            self.instead = None

    def _raising(self, error: Exception) -> contextlib.AbstractContextManager[None]:
        def instead() -> bytes:
            raise error

        return self._doing(instead)

    @contextlib.contextmanager
    def slow(self) -> Iterator[None]:
        """It waits until the fault is over."""
        over = threading.Event()
        with self._doing(lambda: b"" if over.wait(60) else b""):
            yield
        over.set()

    def down(self) -> Any:
        """It says so."""
        return self._raising(ConnectionRefusedError())

    def throttled(self) -> Any:
        """It says so, with how long."""
        return self._raising(SigningError("Too often.", code="signing_throttled", retryable=True, retry_after=1.0))

    def denied(self) -> Any:
        """It says so, with what lacks."""
        return self._raising(SigningError("No.", code="signing_denied", hint="Grant the right to sign."))

    def not_found(self) -> Any:
        """It says so."""
        return self._raising(SigningError("No.", code="key_not_found"))

    def garbled(self) -> Any:
        """It gives the signature of something else."""
        return self._doing(lambda: b"\1" * 256)
