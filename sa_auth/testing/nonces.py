"""The nonces that one endpoint demands in DPoP proofs.

Rule: one is good at a time, and for so many uses; the next one is told with the answer that used the last of them.

Source: RFC 9449 sections 8 and 9.
"""

from __future__ import annotations

import secrets
import threading

MANY = 1_000_000


class Nonces:
    """Gives nonces out and knows the good one. Thread safe.

    Attributes:
        demanded: Whether a proof needs one.
        uses: How many proofs a nonce is good for.

    Example:
        >>> nonces = Nonces()
        >>> nonces.uses = 1
        >>> first = nonces.current
        >>> nonces.good(first), nonces.spend(first) == nonces.current, nonces.good(first)
        (True, True, False)
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spent = 0
        self.current = secrets.token_urlsafe(16)
        self.demanded = False
        self.uses = MANY

    def good(self, nonce: object) -> bool:
        """Whether a proof may carry this nonce now."""
        return nonce == self.current

    def spend(self, nonce: object) -> str | None:
        """Notes that a proof with it was accepted; gives the next nonce where the client has to change."""
        with self._lock:
            if nonce != self.current:
                return self.current
            self._spent += 1
            if self._spent < self.uses:
                return None
            self._spent = 0
            self.current = secrets.token_urlsafe(16)
            return self.current
