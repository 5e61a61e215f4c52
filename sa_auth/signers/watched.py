"""A local key whose file may be replaced while the process runs.

Rule: the file is looked at before an exchange and after a refusal, never by a timer; a new file that cannot be used
leaves the old key in use. Stands where a local signer stands.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

from ..errors import SaAuthError
from .base import Signer
from .delegating import Delegating

_log = logging.getLogger("sa_auth")


class WatchedSigner(Delegating):
    """Signs with the newest usable key of a file.

    Args:
        path: The key file.
        first: The signer made from it at the start.
        load: Makes a signer from the file as it is now. Raises SaAuthError where it is unreadable, or of another
            issuer or endpoint.
    """

    __slots__ = ("_load", "_path", "_refused", "_seen", "current")

    current: Signer

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


def _look(path: str) -> tuple[int, ...] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev)
