"""A pause for a server that does not answer, so that whoever needs it less than its answer does not wait each time.

Rule: a value that is replaced whole and no lock, so that threads and a forked child find it whole. Stands under the Redis
cache. Source: FAULTS line 28 in docs/faults.md.
"""

from __future__ import annotations

import random
from typing import NamedTuple

from .._clock import SYSTEM, Clock
from .base import CacheFault

_PAUSES = (0.5, 1.0, 2.0, 4.0)  # seconds, by how often it has failed in a row


class _Pause(NamedTuple):
    failures: int
    ends_at: float
    code: str


_NONE = _Pause(0, float("-inf"), "")


class Breaker:
    """Remembers that a server was gone, and for how long it is left alone.

    Args:
        clock: Where time comes from.

    Example:
        >>> breaker = Breaker()
        >>> breaker.check()
        >>> breaker.failed("timeout")
        >>> try:
        ...     breaker.check()
        ... except CacheFault as fault:
        ...     print(fault.code)
        timeout
    """

    __slots__ = ("_clock", "_pause")

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._pause = _NONE

    def check(self) -> None:
        """Lets a call through, or not.

        Raises:
            CacheFault: the pause is not over; its code is that of the failure.
        """
        pause = self._pause
        left = pause.ends_at - self._clock.boot()
        if left > 0:
            raise CacheFault(f"it failed a moment ago, and is left alone for {left:.1f} s more", code=pause.code)

    def failed(self, code: str) -> None:
        """Begins a pause, longer than the one before; those who failed together count once."""
        pause, now = self._pause, self._clock.boot()
        if now < pause.ends_at:
            return
        longest = _PAUSES[min(pause.failures, len(_PAUSES) - 1)]
        wait = longest * random.uniform(0.75, 1.0)  # nosec B311 # noqa: S311 - no secret
        self._pause = _Pause(pause.failures + 1, now + wait, code)

    def answered(self) -> None:
        """Forgets the failures."""
        self._pause = _NONE
