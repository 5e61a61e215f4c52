"""A local key that signs by the algorithm that a server wants, whichever key its file holds by now.

Rule: the key is another signer's, and follows it when its file is replaced; a new key that the server would not take is
not used, and the old one stays. Stands where a local signer stands.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from .delegating import Delegating
from .local import LocalSigner

_log = logging.getLogger("sa_auth")


class ChosenAlgorithm(Delegating):
    """Signs with a signer's key by the first of a server's algorithms that fits it.

    Args:
        signer: Whose `key` it is: a local or watched signer.
        algorithms: JOSE names, the best first.

    Raises:
        ConfigError: none fits the key.

    Example:
        >>> from sa_auth.keys import from_pem
        >>> from sa_auth.testing import new_key
        >>> ChosenAlgorithm(LocalSigner(from_pem(new_key("rsa2048")[0])), ["ES256", "PS256"]).algorithm
        'PS256'
    """

    __slots__ = ("_newest", "_signer", "_wanted")

    def __init__(self, signer: Any, algorithms: Sequence[str]) -> None:
        self._signer, self._wanted = signer, tuple(algorithms)
        # The key that was looked at last, and what signs since; together, for who reads while another writes. Where no
        # algorithm fits, the last one's error says why.
        self._newest = (signer.key, self._of(signer.key) or LocalSigner(signer.key, algorithm=self._wanted[-1]))

    def _of(self, key: Any) -> LocalSigner | None:
        fits = next((one for one in self._wanted if one in key.algorithms), None)
        return None if fits is None else LocalSigner(key, algorithm=fits, key_id=self._signer.key_id)

    @property
    def current(self) -> LocalSigner:
        """The signer of the newest key that the server takes."""
        key, (known, signer) = self._signer.key, self._newest
        if known is not key:
            made = self._of(key)
            if made is None:
                _log.warning("the changed key file is not used: its key signs by none of %s", ", ".join(self._wanted))
            signer = made or signer
            self._newest = (key, signer)
        return signer

    def __repr__(self) -> str:
        return f"ChosenAlgorithm({', '.join(self._wanted)})"
