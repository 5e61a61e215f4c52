"""What was learned of the server's clock.

Rule: it belongs to minting alone, is believed for ten minutes, and is learned once in that time.
"""

from __future__ import annotations

from ._clock import Instant
from .errors import SaAuthError, TokenEndpointError

_REMEMBERED = 600.0
_GREAT_SKEW = 3600.0


class ServerClock:
    """How far the server's clock is from ours, once a refusal has shown it."""

    __slots__ = ("_skew", "_until")

    def __init__(self) -> None:
        self._skew = 0.0
        self._until = float("-inf")

    def skew(self, now: Instant) -> float:
        """Seconds that the server's clock is ahead of ours, as far as it is known; else 0."""
        return self._skew if self.knows(now) else 0.0

    def knows(self, now: Instant) -> bool:
        """Whether a skew is remembered."""
        return now.boot < self._until

    def learn(self, skew: float, now: Instant) -> None:
        """Remembers a skew in seconds, unless one is remembered."""
        if not self.knows(now):
            self._skew, self._until = skew, now.boot + _REMEMBERED

    def learned(self, refusal: SaAuthError, now: Instant, minted_with: float) -> bool:
        """Learns of a refusal that tells the server's time.

        Args:
            refusal: What the server said.
            now: The instant.
            minted_with: The skew that the refused request was minted with.

        Returns:
            Whether another is known by now: another flight may have learned it while the request was on its way.
        """
        if not isinstance(refusal, TokenEndpointError) or refusal.skew is None or abs(refusal.skew) > _GREAT_SKEW:
            return False
        self.learn(refusal.skew, now)
        return self.skew(now) != minted_with
