"""A signer that stands for another, which may change: what all such signers do.

Rule: every act is the current signer's. Stands under those that follow a file or choose an algorithm.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from .base import Signer


class _Following(Protocol):
    @property
    def current(self) -> Signer:
        """The signer as it is now."""
        ...


class Delegating:
    """Acts as its `current` signer does. A subclass says which that is."""

    __slots__ = ()

    @property
    def algorithm(self: _Following) -> str:
        """JOSE name of the current key's algorithm."""
        return self.current.algorithm

    @property
    def key(self: _Following) -> Any:
        """The current key itself, for mutual TLS; None where it is elsewhere."""
        return getattr(self.current, "key", None)

    @property
    def key_id(self: _Following) -> str | None:
        """`kid` of the current key."""
        return self.current.key_id

    @property
    def thumbprint(self: _Following) -> str:
        """RFC 7638 thumbprint of the current key."""
        return self.current.thumbprint

    def sign(self: _Following, data: bytes) -> bytes:
        """Signs with the current key."""
        return self.current.sign(data)

    def secret(self: _Following) -> bytes | None:
        """The current key's own bytes, for sealing."""
        return self.current.secret()

    def certificate_field(self: _Following, name: str) -> Any:
        """A header field of the current key's certificate."""
        return self.current.certificate_field(name)

    def public_jwk(self: _Following) -> Mapping[str, Any]:
        """The current key's public half."""
        return self.current.public_jwk()
