"""The threads that renewals run on, and what a fork has to wait for."""

from __future__ import annotations

import os
import threading

import pytest

from sa_auth.crew import Crew


class Errand:
    """A job that is done at once."""

    host, limit = "as.example", 10.0

    def __init__(self) -> None:
        self.done = threading.Event()
        self.thread = 0

    def work(self) -> None:
        self.thread = threading.get_native_id()
        self.done.set()

    def overdue(self, *, abandoned: bool) -> None:
        raise AssertionError("it was done")


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="what threads there are is told by Linux alone")
def test_no_thread_is_going_at_a_fork() -> None:
    """Before a fork the threads whose work is over are waited for until the system has them no more."""
    crew = Crew()
    for _ in range(200):
        errand = Errand()
        assert crew.launch(errand, wanted=True)
        assert errand.done.wait(10)
        crew.hold()
        # Either it has been waited for, or it has not been told yet that there is nothing left to do.
        assert not os.path.exists(f"/proc/self/task/{errand.thread}") or crew._running
        crew.release()
