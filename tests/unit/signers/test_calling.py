"""Calls with an end, and things of one process."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import pytest

from sa_auth.signers import calling
from sa_auth.signers.calling import Calls, Hanging, PerProcess
from tests.contract.key_services.children import in_a_child


def test_made_once() -> None:
    """Threads that come at once get one thing; one that could not be made is tried again."""
    made: list[object] = []
    place = PerProcess(lambda: (time.sleep(0.01), made.append(object()), made[-1])[-1])
    threads = [threading.Thread(target=place) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(made) == 1

    answers: list[Any] = [ValueError(), "second"]

    def make() -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    failing = PerProcess(make)
    with pytest.raises(ValueError):
        failing()
    assert failing.made() is False
    assert failing() == "second"


def test_forgotten() -> None:
    """Only what is still in use is forgotten: another thread may have made a new one meanwhile."""
    place: PerProcess[list[int]] = PerProcess(list)
    first = place()
    place.forget([])
    assert place() is first
    place.forget(first)
    assert place() is not first


def test_a_child_has_its_own() -> None:
    """A child makes its own and keeps the parent's alive; a lock that was held as it was forked is none of its own."""
    place = PerProcess(lambda: [os.getpid()])
    mine = place()
    lock, _ = place._place()

    def child() -> None:
        assert place() == [os.getpid()]
        assert place() is not mine
        assert len(place._here) == 2

    with lock:
        assert in_a_child(child) == 0


def test_threads_are_used_again_and_go_before_a_fork() -> None:
    """One thread makes one call after the other; as the process forks there is none that could hold a lock."""
    calls = Calls()
    seen = {calls.within(5, threading.get_ident) for _ in range(20)}
    assert len(seen) == 1
    before = {thread.name for thread in threading.enumerate()}
    assert "sa_auth-signer" in before
    assert in_a_child(lambda: calls.within(5, lambda: None)) == 0
    assert not [each for each in calling._IDLE.get(os.getpid(), []) if each._thread.is_alive()]
    assert calls.within(5, lambda: "after") == "after"


def test_no_result_in_time() -> None:
    """Who waits goes; the call goes on by itself."""
    over, done = threading.Event(), threading.Event()
    began = time.monotonic()
    with pytest.raises(Hanging):
        Calls().within(0.1, lambda: (over.wait(20), done.set()))
    assert time.monotonic() - began < 2
    over.set()
    assert done.wait(5)


def test_nothing_is_held_of_a_call() -> None:
    """An idle thread keeps nothing alive of what it called."""
    import gc
    import weakref

    class Thing:
        pass

    calls, thing = Calls(), Thing()
    seen = weakref.ref(thing)
    calls.within(5, lambda thing=thing: thing and None)
    del thing
    gc.collect()
    assert seen() is None
