"""A call in a forked child, and one that has so much time."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable, Iterator

from sa_auth._clock import SYSTEM, Deadline
from sa_auth.wire import Conversation, conversing


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """As in an exchange that has so much time left."""
    with conversing(Conversation(None, Deadline(SYSTEM, seconds))):  # type: ignore[arg-type]
        yield


def in_a_child(act: Callable[[], object]) -> int:
    """Forks, and gives how the child ended that did this."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that there are threads is what this is about
        child = os.fork()
    if child == 0:
        code = 1
        try:
            with within(10.0):
                act()
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1]
