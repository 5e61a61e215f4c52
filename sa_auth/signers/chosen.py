"""A local key that signs by another of its algorithms than its usual one.

Rule: the key is another signer's, and follows it when its file is replaced. Stands where a local signer stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .local import LocalSigner


class ChosenAlgorithm:
    """Signs with a signer's key by the algorithm that a server wants.

    Args:
        signer: Whose `key` it is: a local or watched signer.
        algorithm: JOSE name.

    Raises:
        ConfigError: the algorithm does not fit the key.

    Example:
        >>> from sa_auth.keys import from_pem
        >>> from sa_auth.testing import new_key
        >>> ChosenAlgorithm(LocalSigner(from_pem(new_key("rsa2048")[0])), "PS256").algorithm
        'PS256'
    """

    __slots__ = ("_current", "_signer", "algorithm")

    def __init__(self, signer: Any, algorithm: str) -> None:
        self._signer, self.algorithm = signer, algorithm
        self._current = self._made()

    def _made(self) -> tuple[Any, LocalSigner]:
        key = self._signer.key
        return key, LocalSigner(key, algorithm=self.algorithm, key_id=self._signer.key_id)

    @property
    def current(self) -> LocalSigner:
        """The signer of the key as it is now."""
        if self._current[0] is not self._signer.key:
            self._current = self._made()
        return self._current[1]

    @property
    def key(self) -> Any:
        """The key itself, for mutual TLS."""
        return self._signer.key

    @property
    def key_id(self) -> str | None:
        """`kid` of the key."""
        return self.current.key_id

    @property
    def thumbprint(self) -> str:
        """RFC 7638 thumbprint of the key."""
        return self.current.thumbprint

    def sign(self, data: bytes) -> bytes:
        """Signs with the key."""
        return self.current.sign(data)

    def secret(self) -> bytes | None:
        """The key's own bytes, for sealing."""
        return self.current.secret()

    def certificate_field(self, name: str) -> Any:
        """A header field of the key's certificate."""
        return self.current.certificate_field(name)

    def public_jwk(self) -> Mapping[str, Any]:
        """The key's public half."""
        return self.current.public_jwk()

    def __repr__(self) -> str:
        return f"ChosenAlgorithm({self.algorithm})"
