"""A local key that signs by another of its algorithms than its usual one.

Rule: the key is another signer's, and follows it when its file is replaced. Stands where a local signer stands.
"""

from __future__ import annotations

from typing import Any

from .delegating import Delegating
from .local import LocalSigner


class ChosenAlgorithm(Delegating):
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

    __slots__ = ("_current", "_signer", "_wanted")

    def __init__(self, signer: Any, algorithm: str) -> None:
        self._signer, self._wanted = signer, algorithm
        self._current = self._made()

    def _made(self) -> tuple[Any, LocalSigner]:
        key = self._signer.key
        return key, LocalSigner(key, algorithm=self._wanted, key_id=self._signer.key_id)

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

    def __repr__(self) -> str:
        return f"ChosenAlgorithm({self._wanted})"
