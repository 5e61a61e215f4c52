"""A pause for what does not answer: it grows, ends by itself, and is over with the first answer."""

from __future__ import annotations

import threading

import pytest

from sa_auth.caches.base import CacheFault
from sa_auth.caches.breaker import Breaker
from sa_auth.testing import ManualClock


def lets_through(breaker: Breaker) -> bool:
    """Whether it does, just now."""
    try:
        breaker.check()
    except CacheFault:
        return False
    return True


def left(breaker: Breaker, clock: ManualClock) -> float:
    """Seconds, by tenths, until it lets a call through."""
    began = clock.boot()
    while not lets_through(breaker):
        clock.advance(0.1)
    return clock.boot() - began


def test_it_lets_through_what_has_not_failed() -> None:
    """Whatever has not failed, or has answered since, is asked."""
    breaker = Breaker(ManualClock())
    breaker.check()
    breaker.failed("timeout")
    breaker.answered()
    breaker.check()


def test_the_fault_in_a_pause() -> None:
    """In a pause the fault has the code of the failure, so that it is not said once more, and tells how long it lasts."""
    breaker = Breaker(ManualClock())
    breaker.failed("timeout")
    with pytest.raises(CacheFault, match=r"is left alone for 0\.[345] s more") as caught:
        breaker.check()
    assert caught.value.code == "timeout"


def test_pauses_grow_to_four_seconds() -> None:
    """A pause is half a second, doubled with each failure to four at most, and at random up to a quarter shorter."""
    clock = ManualClock()
    breaker, waited = Breaker(clock), []
    for _ in range(7):
        breaker.failed("timeout")
        waited.append(left(breaker, clock))
    for longest, pause in zip([0.5, 1, 2, 4, 4, 4, 4], waited, strict=True):
        assert longest * 0.75 - 0.001 <= pause <= longest + 0.101


def test_pauses_are_not_alike() -> None:
    """Processes that lost a server together do not come back to it together."""
    clock = ManualClock()
    breakers = [Breaker(clock) for _ in range(20)]
    for breaker in breakers:
        breaker.failed("timeout")
    assert len({breaker._pause.ends_at for breaker in breakers}) > 10


def test_an_answer_ends_it() -> None:
    """After an answer the next pause is a short one again."""
    clock = ManualClock()
    breaker = Breaker(clock)
    for _ in range(5):
        breaker.failed("timeout")
        left(breaker, clock)
    breaker.answered()
    breaker.failed("unreachable")
    assert left(breaker, clock) <= 0.601


def test_those_who_failed_together_count_once() -> None:
    """Sixteen threads that ran into the same silence make one short pause."""
    clock = ManualClock()
    breaker = Breaker(clock)
    threads = [threading.Thread(target=breaker.failed, args=("timeout",)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert left(breaker, clock) <= 0.601


def test_to_the_instant(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause is over at its end and not after it: who asks then is let through, and who fails then begins the next."""
    monkeypatch.setattr("sa_auth.caches.breaker.random.uniform", lambda _least, most: most)
    clock = ManualClock()
    breaker = Breaker(clock)
    breaker.failed("timeout")
    clock.advance(0.5)
    assert lets_through(breaker)
    breaker.failed("timeout")
    clock.advance(0.75)
    breaker.failed("timeout")
    clock.advance(0.25)
    assert lets_through(breaker)
