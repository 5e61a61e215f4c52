"""A foreign library's call with an end to it, and a client that does not outlive a fork.

Rule: who calls waits as long as there is time; a call that hangs is left to itself, and few are. Stands under the
signers whose key is elsewhere.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Generic, TypeVar

Made = TypeVar("Made")
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
        """Makes a call, on a thread of its own: nothing else ends the waiting for a library that does not return.

        Raises:
            Hanging: there is no result in time.
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
            done.set()

        threading.Thread(target=work, name="sa_auth-signer", daemon=True).start()
        if not done.wait(seconds):
            hanging.append(done)
            raise Hanging
        if failed:
            raise failed.pop()
        return came[0]
