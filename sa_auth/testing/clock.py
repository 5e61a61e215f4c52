"""A clock that is moved by hand.

Rule: time passes only where a test says so, or where the code under test sleeps.
"""

from __future__ import annotations

import threading

from sa_auth._clock import Instant


class ManualClock:
    """Both clocks of a machine that stands still until told otherwise. Thread safe.

    Args:
        wall: Unix seconds to begin with.
        boot: Seconds since the machine started, to begin with.

    Attributes:
        slept: The seconds of every sleep so far, in order.

    Example:
        >>> clock = ManualClock(wall=1000.0, boot=10.0)
        >>> clock.sleep(2.5)
        >>> clock.jump(-100)
        >>> clock.now()
        Instant(wall=902.5, boot=12.5)
        >>> clock.slept
        [2.5]
    """

    def __init__(self, wall: float = 1_700_000_000.0, boot: float = 1000.0) -> None:
        self._lock = threading.Lock()
        self._wall = wall
        self._boot = boot
        self.slept: list[float] = []

    def now(self) -> Instant:
        """Reads both clocks."""
        with self._lock:
            return Instant(self._wall, self._boot)

    def wall(self) -> float:
        """Reads the wall clock."""
        return self.now().wall

    def boot(self) -> float:
        """Reads the clock that only grows."""
        return self.now().boot

    def advance(self, seconds: float) -> None:
        """Lets time pass on both clocks.

        Args:
            seconds: How long; not negative, as no time passes backwards (`jump` sets the wall clock back).

        Raises:
            ValueError: the number is negative.
        """
        if seconds < 0:
            raise ValueError("Time does not pass backwards; jump() sets the wall clock back.")
        with self._lock:
            self._wall += seconds
            self._boot += seconds

    def jump(self, seconds: float) -> None:
        """Sets the wall clock forth, or back where negative, as an operator or NTP does."""
        with self._lock:
            self._wall += seconds

    def suspend(self, seconds: float) -> None:
        """Puts the machine to sleep: both clocks count that time, as CLOCK_BOOTTIME does.

        Raises:
            ValueError: the number is negative.
        """
        self.advance(seconds)

    def sleep(self, seconds: float) -> None:
        """Lets the time pass at once and notes it in `slept`; zero and less pass no time."""
        with self._lock:
            self.slept.append(seconds)
            self._wall += max(0.0, seconds)
            self._boot += max(0.0, seconds)
