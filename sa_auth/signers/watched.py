"""A local key whose file may be replaced while the process runs.

Rule: the file is looked at before an exchange and after a refusal, never by a timer; a new file that cannot be used
leaves the old key in use. Stands where a local signer stands.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import SaAuthError
from .base import Signer

_log = logging.getLogger("sa_auth")


class WatchedSigner:
    """Signs with the newest usable key of a file.

    Args:
        path: The key file.
        first: The signer made from it at the start.
        load: Makes a signer from the file as it is now. Raises SaAuthError where it is unreadable, or of another
            issuer or endpoint.
    """

    __slots__ = ("_load", "_path", "_refused", "_seen", "current")

    def __init__(self, path: str, first: Signer, load: Callable[[], Signer]) -> None:
        self._path, self._load = path, load
        self.current = first
        self._seen = _look(path)
        self._refused: object = None

    def reload(self, force: bool) -> bool:  # noqa: FBT001 - the exchange's own signature
        """Reads the file again if it changed.

        Args:
            force: Read it even if it seems unchanged: a refusal may be the first sign of a new key.

        Returns:
            Whether another key is in use now.
        """
        seen = _look(self._path)
        if seen is None or (seen == self._seen and not force):
            return False
        fresh: Signer | None = None
        try:
            fresh = self._load()
        except SaAuthError as error:
            if self._refused != seen:
                _log.warning("the changed key file is not used, the old key stays: %s", error)
            self._refused = seen
        if fresh is None:
            return False
        before, self.current, self._seen = self.current, fresh, seen
        changed = (before.thumbprint, before.key_id) != (fresh.thumbprint, fresh.key_id)
        if changed:
            _log.info("the key file was replaced; key id %r is in use", fresh.key_id)
        return changed

    @property
    def algorithm(self) -> str:
        """JOSE name of the current key's algorithm."""
        return self.current.algorithm

    @property
    def key(self) -> Any:
        """The current key itself, for mutual TLS; None where it is elsewhere."""
        return getattr(self.current, "key", None)

    @property
    def key_id(self) -> str | None:
        """`kid` of the current key."""
        return self.current.key_id

    @property
    def thumbprint(self) -> str:
        """RFC 7638 thumbprint of the current key."""
        return self.current.thumbprint

    def sign(self, data: bytes) -> bytes:
        """Signs with the current key."""
        return self.current.sign(data)

    def secret(self) -> bytes | None:
        """The current key's own bytes, for sealing."""
        return self.current.secret()

    def certificate_field(self, name: str) -> Any:
        """A header field of the current key's certificate."""
        return self.current.certificate_field(name)

    def public_jwk(self) -> Mapping[str, Any]:
        """The current key's public half."""
        return self.current.public_jwk()


def _look(path: str) -> tuple[int, ...] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev)
