"""The only place that reads the time.

Rule: everything else takes an `Instant` or a `Clock` as an argument, so that tests move time by hand.
"""

from __future__ import annotations

import os
import time
from functools import cache, partial
from typing import NamedTuple, Protocol

# A laptop that sleeps ages its tokens: BOOTTIME counts suspended time, MONOTONIC on Linux does not. Elsewhere
# (macOS, Windows) the monotonic clock is the best there is; the wall clock is looked at as well, so nothing is lost.
_BOOT = getattr(time, "CLOCK_BOOTTIME", None)


class Instant(NamedTuple):
    """One reading of both clocks.

    `wall` is Unix time in seconds and may be set back or forth; `boot` is seconds since some start and only grows.
    """

    wall: float
    boot: float


class Clock(Protocol):
    """Where time comes from: the system's by default, a hand-moved one in tests."""

    def now(self) -> Instant:
        """Reads both clocks."""
        ...

    def wall(self) -> float:
        """Unix seconds; one clock alone is for the fresh path, where a value of both would cost more than the clocks."""
        ...

    def boot(self) -> float:
        """Seconds since some start, which only grow."""
        ...

    def sleep(self, seconds: float) -> None:
        """Waits; only the exchange does, between two attempts."""
        ...


class SystemClock:
    """The clocks of this machine."""

    wall = staticmethod(time.time)
    boot = staticmethod(time.monotonic if _BOOT is None else partial(time.clock_gettime, _BOOT))

    def now(self) -> Instant:
        """Reads the wall clock and the time since boot, suspended time included where the system tells."""
        return Instant(self.wall(), self.boot())

    def sleep(self, seconds: float) -> None:
        """Sleeps on the calling thread."""
        time.sleep(seconds)


SYSTEM = SystemClock()


@cache
def boot_id() -> str:
    """What tells this start of this machine from any other, so that two processes know that their boot clocks are one.

    Empty where the system does not tell.
    """
    try:
        # By a codec that is there from the start: another would be imported, on a renewal's thread, beside a fork.
        with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as file:
            # A container may have a boot clock of its own, under the same id.
            return f"{file.read().strip()} {os.readlink('/proc/self/ns/time')}"
    except (OSError, ValueError):
        return ""


class Deadline:
    """A point in time by which one whole exchange must be over.

    Args:
        clock: Where time comes from.
        seconds: How long from now.
    """

    __slots__ = ("_clock", "ends_at")

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self.ends_at = clock.now().boot + seconds

    def left(self) -> float:
        """Seconds left; zero or less once it has passed."""
        return self.ends_at - self._clock.now().boot
