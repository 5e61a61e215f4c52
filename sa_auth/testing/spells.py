"""When which fault was played: what a timeline shades.

Rule: noted as it begins and as it ends, and never on the way of a request.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from .faults import Stage

_T = TypeVar("_T")
_MOST = 500


@dataclass(frozen=True, slots=True)
class Spell:
    """One fault, from its beginning to its end.

    Attributes:
        what: In a word or two, for example "answers 503".
        began_at: Unix seconds by the authority's clock.
        ended_at: Likewise; None: it goes on.
    """

    what: str
    began_at: float
    ended_at: float | None = None


class Spells:
    """The newest spells. Thread safe.

    Args:
        now: Reads the authority's clock, in Unix seconds.

    Example:
        >>> spells = Spells(lambda: 5.0)
        >>> spells.begin("a", "answers 503")
        >>> spells.end("a")
        >>> spells.all
        (Spell(what='answers 503', began_at=5.0, ended_at=5.0),)
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._open: dict[object, Spell] = {}
        self._over: list[Spell] = []

    @property
    def all(self) -> tuple[Spell, ...]:
        """Those that are over, and then those that go on, each oldest first."""
        with self._lock:
            return (*self._over, *self._open.values())

    def begin(self, key: object, what: str) -> None:
        """Notes that a fault is played from now on; one by the same key is taken as the same."""
        with self._lock:
            self._open.setdefault(key, Spell(what, self._now()))

    def end(self, key: object) -> None:
        """Notes that it is over; an unknown key is fine."""
        with self._lock:
            spell = self._open.pop(key, None)
            if spell is not None:
                self._over.append(replace(spell, ended_at=self._now()))
                del self._over[:-_MOST]

    def clear(self) -> None:
        """Forgets those that are over."""
        with self._lock:
            self._over.clear()


class Played(Generic[_T]):
    """An attribute of a stage that notes, as it is set, when its fault begins and ends.

    Args:
        what: What the fault is called.
        idle: The value with which nothing is played.
    """

    def __init__(self, what: str, idle: _T) -> None:
        self._what = what
        self._idle = idle
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = f"_played_{name}"

    def __get__(self, stage: Stage, owner: type | None = None) -> _T:
        value: _T = getattr(stage, self._name, self._idle)
        return value

    def __set__(self, stage: Stage, value: _T) -> None:
        setattr(stage, self._name, value)
        (stage.spells.end if value == self._idle else self._begin(stage))(self)

    def _begin(self, stage: Stage) -> Callable[[object], None]:
        return lambda key: stage.spells.begin(key, self._what)
