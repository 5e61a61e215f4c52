"""What a fork waits for.

Rule: a lock that some thread holds at a fork stays shut in the child for ever; so a fork takes it first, and parent and child
find it open. Stands under everything.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Protocol, TypeVar


class _Lock(Protocol):
    def acquire(self) -> Any: ...

    def release(self) -> Any: ...


Lock = TypeVar("Lock", bound=_Lock)


def guarded(lock: Lock) -> Lock:
    """Gives the lock back, which each fork waits for from now on.

    Example:
        >>> import threading
        >>> _BUSY = guarded(threading.Lock())
    """
    around(lock.acquire, lock.release, lock.release)
    return lock


def around(before: Callable[[], Any], in_parent: Callable[[], Any], in_child: Callable[[], Any]) -> None:
    """Has something done before each fork, and after it, from now on.

    A fork that has begun already, and waits for the import of the very module that asks for this, has done nothing of it
    before, and so does nothing of it after.

    Args:
        before: Last asked for, first done.
        in_parent: First asked for, first done.
        in_child: The same.
    """
    begun: list[bool] = []

    def begin() -> None:
        before()
        begun.append(True)

    def end(act: Callable[[], Any]) -> None:
        if begun:
            begun.clear()
            act()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=begin, after_in_parent=lambda: end(in_parent), after_in_child=lambda: end(in_child))
