"""Remembers which assertions were seen, for as long as they could be used again.

Source: RFC 7523 section 3, 7.
"""

from __future__ import annotations

import threading

_SWEEP_AT = 4096


class Replays:
    """The `jti` values seen, each under its issuer. Thread safe.

    Example:
        >>> replays = Replays()
        >>> replays.use("issuer", "1", until=100.0, now=0.0), replays.use("issuer", "1", until=100.0, now=0.0)
        (True, False)
        >>> replays.use("issuer", "1", until=200.0, now=100.0)
        True
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], float] = {}
        self._sweep_at = _SWEEP_AT

    def use(self, issuer: str, jti: str, *, until: float, now: float) -> bool:
        """Notes an assertion; False where it was noted before and is still remembered.

        Args:
            issuer: Its `iss`.
            jti: Its `jti`.
            until: Unix seconds until which it has to be remembered.
            now: Unix seconds.
        """
        with self._lock:
            if self._seen.get((issuer, jti), now) > now:
                return False
            self._seen[issuer, jti] = until
            if len(self._seen) >= self._sweep_at:
                self._seen = {name: end for name, end in self._seen.items() if end > now}
                # Doubling keeps the sweeps rare even if everything in here is still alive.
                self._sweep_at = max(_SWEEP_AT, 2 * len(self._seen))
            return True

    def clear(self) -> None:
        """Forgets them all."""
        with self._lock:
            self._seen.clear()
