"""A lock that the kernel keeps on an open file, for as long as its process lives.

Rule: the file is never unlinked and the lock never broken by age; a forked child has none of its parent's. Stands under
the file cache. Source: FAULTS line 27 in docs/faults.md; flock(2).
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress

from .._clock import SYSTEM, Deadline
from .._forks import around
from .._loading import load
from .own_folder import fault, open_or_make

_LOCK = "its lock"  # what it is called in messages
_POLL = 0.01  # seconds between two tries for the lock
_held: set[int] = set()  # descriptors of the locks that this process holds or waits for
# Held while one is opened and noted, or closed and forgotten, so that no fork falls in between.
_NOTING = threading.Lock()


def _let_go() -> None:
    # The lock is the parent's; a child that kept it open would hold it after the parent's death.
    for handle in _held:
        with suppress(OSError):
            os.close(handle)
    _held.clear()
    _NOTING.release()


def _close(handle: int) -> None:
    with _NOTING:
        if handle in _held:
            _held.discard(handle)
            with suppress(OSError):
                os.close(handle)


around(_NOTING.acquire, _NOTING.release, _let_go)


class FileLock:
    """The kernel's lock on an open file."""

    __slots__ = ("_handle", "_process")

    def __init__(self, handle: int) -> None:
        self._handle, self._process = handle, os.getpid()

    def release(self) -> None:
        """Gives it back."""
        handle, self._handle = self._handle, -1  # a number may be another lock's by the next time
        if handle in _held and self._process == os.getpid():  # a forked child closed it: it is the parent's
            with suppress(OSError):
                load("filelock").unlock_descriptor(handle)
            _close(handle)


def take(place: str, seconds: float) -> FileLock | None:
    """Takes the lock of a file, which is made if it is not there.

    Args:
        place: The file.
        seconds: How long to wait for it at most; zero: not at all.

    Returns:
        The lock; None: another has it.

    Raises:
        CacheFault: there can be no such file.
    """
    native = load("filelock")  # late: who finds a token needs no lock
    with _NOTING:
        handle = open_or_make(place, _LOCK)
        _held.add(handle)
    deadline, taken = Deadline(SYSTEM, seconds), False
    try:
        while not (taken := native.lock_descriptor(handle, blocking=False)) and deadline.left() > 0:
            SYSTEM.sleep(min(_POLL, max(deadline.left(), 0.0)))
    except OSError as error:
        fault(error, _LOCK, place, "taken")
    finally:
        if not taken:
            _close(handle)
    return FileLock(handle) if taken else None
