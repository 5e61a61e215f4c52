"""The tokens of one process, by identity.

Rule: bounded, least recently used goes first, and every touch is under our lock, since cachetools has none. Stands
beside the flights: a flight puts what it brought, a new credentials object looks here before it asks.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from .._forks import guarded
from .._loading import load
from ..errors import ConfigError
from ..policy import Held
from .base import TokenCache

if TYPE_CHECKING:
    from cachetools import LRUCache

# One lock for all: it is held for a dictionary's work only, and a fork can take it to find every map whole.
_LOCK = guarded(threading.Lock())


class MemoryCache:
    """Shares tokens between the credentials of one process.

    Args:
        maxsize: Identities kept at most; the least recently used goes.
        shared: The cache under it, which other processes share; None: there is none.

    Raises:
        ConfigError: `maxsize` is not a positive whole number.

    Example:
        >>> MemoryCache(maxsize=1000)
        MemoryCache(maxsize=1000)
    """

    def __init__(self, maxsize: int = 100_000, *, shared: TokenCache | None = None) -> None:
        if isinstance(maxsize, bool) or not isinstance(maxsize, int) or maxsize < 1:
            raise ConfigError(
                "MemoryCache(maxsize=) is not a positive whole number.",
                code="bad_argument",
                hint="It is the most identities to keep.",
            )
        self._maxsize, self.shared = maxsize, shared
        self._held: LRUCache[bytes, Held] | None = None

    def get(self, identity: bytes) -> Held | None:
        """Gives what is held for an identity, whatever its age; None where nothing is."""
        with _LOCK:
            return self._held.get(identity) if self._held is not None else None

    def prepare(self) -> None:
        """Loads what `put` needs, so that a caller may put under a lock of its own."""
        load("cachetools")  # late: a process that never gets a token needs none

    def put(self, identity: bytes, held: Held) -> None:
        """Keeps a token in place of the one before."""
        with _LOCK:
            cache = self._held
            if cache is None:
                cache = self._held = load("cachetools").LRUCache(self._maxsize)
            cache[identity] = held

    def discard(self, identity: bytes, held: Held) -> None:
        """Forgets a token, if it is still the one held for the identity."""
        with _LOCK:
            known = self._held.get(identity) if self._held is not None else None
            if self._held is not None and known is not None and known.token is held.token:
                del self._held[identity]

    def clear(self) -> None:
        """Forgets everything."""
        with _LOCK:
            self._held = None

    def __len__(self) -> int:
        with _LOCK:
            return len(self._held) if self._held is not None else 0

    def __repr__(self) -> str:
        return f"MemoryCache(maxsize={self._maxsize})"

    def __reduce__(self) -> tuple[type[MemoryCache], tuple[int]]:
        return MemoryCache, (self._maxsize,)  # an empty one: tokens do not travel


PROCESS = MemoryCache()
"""The memory that all credentials of a process share, unless they are given another."""
# By the cache's id, which is its own for as long as the memory over it lives: that holds it.
_over: WeakValueDictionary[int, MemoryCache] = WeakValueDictionary()


def memory_over(cache: TokenCache) -> MemoryCache:
    """The memory that stands over a shared cache: one for all credentials of this process that are given it."""
    with _LOCK:
        memory = _over.get(id(cache))
        if memory is None:
            memory = _over[id(cache)] = MemoryCache(shared=cache)
        return memory
