"""A transport whose certificate follows a key file that is replaced.

Rule: whoever sends presents the certificate of the key that signs now. Stands around a transport that can present one.
Source: RFC 8705 section 2; FAULTS line 20 in docs/faults.md for keys that change on disk.
"""

from __future__ import annotations

from typing import Any, NoReturn, Protocol

from .._clock import Deadline
from ..wire import Request, Response, Transport
from .certificate import stays_here, thumbprint_of


class CanPresent(Protocol):
    """A transport that gives another one which presents a certificate."""

    def presenting(self, certificate: Any) -> Transport:
        """The same settings with that certificate."""
        ...


class FollowingTransport:
    """Presents the certificate of a signer's current key.

    Args:
        carrier: Gives the transports that present it.
        signer: Whose `key` it is.

    Raises:
        ConfigError: the key has no certificate.
    """

    def __init__(self, carrier: CanPresent, signer: Any) -> None:
        self._carrier, self._signer = carrier, signer
        self.certificate_thumbprint = thumbprint_of(signer.key)
        self._current: tuple[Any, Transport] = (signer.key, carrier.presenting(signer.key))

    @property
    def certificate(self) -> Any:
        """The key whose certificate is presented: the one that signs, or the last before it that had a certificate."""
        newest = self._signer.key
        return newest if newest.certificates else self._current[0]

    def send(self, request: Request, deadline: Deadline) -> Response:
        """Sends once; see `wire.Transport`."""
        key, current = self._current
        newest = self.certificate
        if newest is not key:
            current = self._carrier.presenting(newest)
            self._current = (newest, current)
        return current.send(request, deadline)

    def close(self) -> None:
        """Closes idle connections."""
        close = getattr(self._current[1], "close", None)
        if close is not None:
            close()

    def __repr__(self) -> str:
        return f"FollowingTransport({self._carrier!r})"

    def __reduce__(self) -> NoReturn:
        raise stays_here("A transport")
