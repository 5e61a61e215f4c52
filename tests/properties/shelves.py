"""What processes on paper share: nothing, a folder, or a store far away that can be lost.

Rule: each can be damaged and taken away by whoever holds it; what its clients then see is what the real ones would.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from sa_auth.caches import FileCache, MemoryCache, Record
from sa_auth.caches.base import CacheFault
from sa_auth.caches.record import head
from sa_auth.testing import ManualClock


class Shelf(Protocol):
    """A shared cache from the outside.

    Attributes:
        gone: Whether it cannot be used.
        locked: Whether somebody else is asking.
    """

    gone: bool

    @property
    def locked(self) -> bool: ...

    def client(self) -> Any:
        """The cache as one process has it."""

    def records(self) -> dict[str, bytes]:
        """What is there, by name."""

    def write(self, name: str, data: bytes | None) -> None:
        """Puts anything in a record's place; None removes it."""

    def lose(self, how: int) -> None:
        """Takes it away."""

    def find(self) -> None:
        """Brings it back."""


class Nothing:
    """There is no shared cache."""

    gone, locked = False, False

    def __init__(self, path: Path, clock: ManualClock) -> None: ...

    def client(self) -> MemoryCache:
        return MemoryCache()

    def records(self) -> dict[str, bytes]:
        return {}

    def write(self, name: str, data: bytes | None) -> None: ...

    def lose(self, how: int) -> None: ...

    def find(self) -> None: ...


class Folder:
    """A folder, as the file cache has it."""

    locked = False

    def __init__(self, path: Path, clock: ManualClock) -> None:
        self._path, self._away, self.gone = path, path.with_name("away"), False

    def client(self) -> FileCache:
        return FileCache(self._path)

    def records(self) -> dict[str, bytes]:
        return {} if self.gone else {place.name: place.read_bytes() for place in self._path.glob("*.token")}

    def write(self, name: str, data: bytes | None) -> None:
        if self.gone:
            return
        if data is None:
            (self._path / name).unlink(missing_ok=True)
        else:
            (self._path / name).write_bytes(data)

    def lose(self, how: int) -> None:
        if not self.gone:
            self.gone = True
            if self._path.exists():
                os.rename(self._path, self._away)
            self._path.write_bytes(b"no folder")

    def find(self) -> None:
        if self.gone:
            self.gone = False
            self._path.unlink()
            if self._away.exists():
                os.rename(self._away, self._path)


class Remote:
    """A store far away, as Redis is one: it forgets by itself, locks have leases, and it can be gone."""

    _FAULTS: tuple[Callable[[], Exception], ...] = (
        lambda: CacheFault("it is gone", code="unreachable"),
        lambda: ConnectionError("refused"),
        TimeoutError,
        lambda: ValueError("what its client made of it"),
    )

    def __init__(self, path: Path, clock: ManualClock) -> None:
        self._clock, self._kept, self._fault = clock, dict[str, tuple[bytes, float]](), self._FAULTS[0]
        self._cost, self._leased_until = 0.0, 0.0
        self.gone = False

    @property
    def locked(self) -> bool:
        return self._clock.boot() < self._leased_until

    def client(self) -> RemoteClient:
        return RemoteClient(self)

    def records(self) -> dict[str, bytes]:
        return {name: data for name, (data, _) in self._kept.items()}

    def write(self, name: str, data: bytes | None) -> None:
        if data is None:
            self._kept.pop(name, None)
        else:
            self._kept[name] = data, self._clock.boot() + 1e6

    def lose(self, how: int) -> None:
        self.gone, self._fault = True, self._FAULTS[how % len(self._FAULTS)]
        self._cost = 0.3 if how % 2 else 0.0  # what a time-out takes

    def find(self) -> None:
        self.gone = False

    def lease(self, seconds: float) -> None:
        """Has another process take the lock of every name."""
        self._leased_until = self._clock.boot() + seconds

    def act(self) -> None:
        """What every act of a client begins with."""
        if self.gone:
            self._clock.advance(self._cost)
            raise self._fault()

    def get(self, name: str) -> Record | None:
        self.act()
        data, until = self._kept.get(name, (b"", 0.0))
        left = until - self._clock.boot()
        return Record(data, left) if left > 0 else None

    def put(self, name: str, data: bytes, seconds: float, over: bytes | None) -> bool:
        self.act()
        record = self.get(name)
        there, ours = None if record is None else head(record.data), head(data)
        found = None if record is None else record.data
        if found != over and there is not None and ours is not None and there.ends >= ours.ends:
            return False
        self._kept[name] = data, self._clock.boot() + seconds
        return True

    def wait_for_lease(self, seconds: float) -> bool:
        self.act()
        if self.locked and seconds:
            self._clock.advance(max(seconds, 0.001))  # less would be lost in a float, and time would stand still
        return not self.locked


class RemoteClient:
    """The store as one process has it: a cache of the caller's own."""

    tier, key = "remote", None

    def __init__(self, store: Remote) -> None:
        self._store = store

    def get(self, name: str) -> Record | None:
        return self._store.get(name)

    def put(self, name: str, data: bytes, seconds: float, *, over: bytes | None) -> bool:
        return self._store.put(name, data, seconds, over)

    def discard(self, name: str, data: bytes) -> None:
        record = self.get(name)
        if record is not None and record.data == data:
            self._store.write(name, None)

    def take(self, name: str, seconds: float, *, lasts: float = 0.0) -> RemoteClient | None:
        return self if self._store.wait_for_lease(seconds) else None

    def release(self) -> None: ...


SHELVES: dict[str, Callable[[Path, ManualClock], Shelf]] = {"nothing": Nothing, "folder": Folder, "remote": Remote}
