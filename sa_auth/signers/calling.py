"""A foreign library's call with an end to it, and a client that does not outlive a fork.

Rule: who calls waits as long as there is time; a call that hangs is left to itself, and few are. Stands under the
signers whose key is elsewhere.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextvars import copy_context
from queue import SimpleQueue
from typing import Generic, TypeVar

from .._clock import SYSTEM, Deadline

Made = TypeVar("Made")
_LEAVING = 0.2  # seconds that idle threads may take to be gone, before a fork goes on without
_MOST_HANGING = 8  # calls that were given up and have not returned; each is a thread


class PerProcess(Generic[Made]):
    """Makes a thing once in each process, when it is first asked for.

    What the parent of a fork made is kept in the child and not used: to let go of it there could close what the parent
    still uses, such as a connection or a session of an HSM.

    Args:
        make: Makes it; an error is the caller's, and the next call tries again.

    Example:
        >>> made = PerProcess(list)
        >>> made() is made()
        True
    """

    __slots__ = ("_here", "_make")

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = make
        # By process: a lock that another thread of the parent held would never open in the child.
        self._here: dict[int, tuple[threading.Lock, list[Made]]] = {}

    def __call__(self) -> Made:  # noqa: D102 - said above
        lock, made = self._place()
        with lock:
            if not made:
                made.append(self._make())
            return made[-1]

    def made(self) -> bool:
        """Whether this process has one."""
        return bool(self._place()[1])

    def forget(self, what: Made) -> None:
        """Lets the next call make another, if this one is still the one in use."""
        lock, made = self._place()
        with lock:
            if made and made[-1] is what:
                made.clear()

    def _place(self) -> tuple[threading.Lock, list[Made]]:
        # In one step, for threads that come at once.
        return self._here.setdefault(os.getpid(), (threading.Lock(), []))


class Hanging(Exception):  # noqa: N818 - never leaves this folder
    """The call did not return in time, or too many that did not are under way."""


class Calls:
    """Makes calls of one service, each with its own time.

    Example:
        >>> Calls().within(5.0, lambda: 1 + 1)
        2
    """

    __slots__ = ("_hanging",)

    def __init__(self) -> None:
        self._hanging: PerProcess[list[threading.Event]] = PerProcess(list)

    def within(self, seconds: float, call: Callable[[], Made]) -> Made:
        """Makes a call, on another thread: nothing else ends the waiting for a library that does not return.

        Raises:
            Hanging: there is no result in time.
            RuntimeError: the machine gives no thread.
            Exception: what the call raised.
        """
        hanging = self._hanging()
        hanging[:] = [each for each in hanging if not each.is_set()]
        if len(hanging) >= _MOST_HANGING:
            raise Hanging
        done, context = threading.Event(), copy_context()  # the caller's traces go on in it
        came: list[Made] = []
        failed: list[BaseException] = []

        def work() -> None:
            try:
                came.append(context.run(call))
            except BaseException as error:  # noqa: BLE001 - it is the caller's, who waits for it
                failed.append(error)

        _worker().give(work, done)
        if not done.wait(seconds):
            hanging.append(done)
            raise Hanging
        if failed:
            raise failed.pop()
        return came[0]


class _Worker:
    """A thread that makes one call after the other, and stays until the next fork.

    A thread that ends has OpenSSL tidy up after it, under a lock that a child forked meanwhile would find shut for ever.
    """

    __slots__ = ("_calls", "_idle", "_thread")

    def __init__(self, idle: list[_Worker]) -> None:
        self._idle = idle
        self._calls: SimpleQueue[tuple[Callable[[], None], threading.Event] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="sa_auth-signer", daemon=True)
        self._thread.start()

    def give(self, work: Callable[[], None], done: threading.Event) -> None:
        """Has it make a call."""
        self._calls.put((work, done))

    def dismiss(self) -> None:
        """Has it end, where it is idle."""
        self._calls.put(None)

    def gone(self, deadline: Deadline) -> None:
        """Waits for its end. Until Python 3.13 joining may be a moment early: OpenSSL's turn is after Python's."""
        self._thread.join(max(deadline.left(), 0.0))
        while os.path.exists(f"/proc/self/task/{self._thread.native_id}") and deadline.left() > 0:
            pass

    def _serve(self) -> None:
        while (call := self._calls.get()) is not None:
            work, done = call
            work()
            del call, work  # which hold what was signed
            self._idle.append(self)
            done.set()


_IDLE: dict[int, list[_Worker]] = {}  # by process


def _worker() -> _Worker:
    idle = _IDLE.setdefault(os.getpid(), [])
    try:
        return idle.pop()
    except IndexError:
        return _Worker(idle)


def _dismiss() -> None:
    """Ends the idle threads, and waits until they are gone: what a fork begins with."""
    idle, leaving = _IDLE.get(os.getpid(), []), list[_Worker]()
    while idle:
        leaving.append(idle.pop())
        leaving[-1].dismiss()
    deadline = Deadline(SYSTEM, _LEAVING)
    for worker in leaving:
        worker.gone(deadline)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_dismiss)
