"""The clock that is moved by hand."""

from __future__ import annotations

import threading

import pytest

from sa_auth._clock import Clock, Deadline, Instant
from sa_auth.testing import ManualClock


def test_it_stands_still_until_moved() -> None:
    """Two readings without a move are the same."""
    clock = ManualClock()
    assert clock.now() == clock.now() == Instant(1_700_000_000.0, 1000.0)


def test_time_passes_on_both_clocks() -> None:
    """Advancing, suspending and sleeping move both clocks by the same seconds."""
    clock = ManualClock(wall=0.0, boot=0.0)
    clock.advance(1)
    clock.suspend(2)
    clock.sleep(4)
    assert clock.now() == Instant(7.0, 7.0)


def test_a_jump_moves_the_wall_clock_alone() -> None:
    """Setting the wall clock, forth or back, leaves the time since boot as it is."""
    clock = ManualClock(wall=100.0, boot=0.0)
    clock.jump(-60)
    clock.jump(10)
    assert clock.now() == Instant(50.0, 0.0)


def test_sleeps_are_noted() -> None:
    """Each sleep is noted in order, also one of no length, which passes no time."""
    clock = ManualClock(wall=0.0, boot=0.0)
    for seconds in (0.5, -1.0, 0.0):
        clock.sleep(seconds)
    assert clock.slept == [0.5, -1.0, 0.0]
    assert clock.now() == Instant(0.5, 0.5)


@pytest.mark.parametrize("act", ["advance", "suspend"])
def test_no_time_passes_backwards(act: str) -> None:
    """A negative time to pass is an error; setting the clock back is a jump."""
    with pytest.raises(ValueError, match="jump"):
        getattr(ManualClock(), act)(-1)


def test_it_serves_where_a_clock_is_asked_for() -> None:
    """It is a Clock: a deadline goes by it."""
    clock: Clock = ManualClock()
    deadline = Deadline(clock, 10)
    clock.sleep(4)
    assert deadline.left() == 6


def test_many_threads_lose_no_second() -> None:
    """Moves from several threads add up."""
    clock = ManualClock(wall=0.0, boot=0.0)

    def move() -> None:
        for _ in range(1000):
            clock.advance(1)
            clock.sleep(1)

    threads = [threading.Thread(target=move) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.now() == Instant(16_000.0, 16_000.0)
    assert len(clock.slept) == 8000
