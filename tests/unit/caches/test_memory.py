"""The tokens of one process: bounded, least recently used out first, whole under threads."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from sa_auth.caches import CACHES, FileCache, MemoryCache
from sa_auth.caches.memory import memory_over
from sa_auth.errors import ConfigError
from sa_auth.policy import Held
from sa_auth.token import Token


def held(value: str = "canary", since: float = 0.0) -> Held:
    """A held token."""
    return Held(Token(value, expires_at=3600.0, refresh_at=3300.0, issued_at=0.0), since)


def test_put_get_discard() -> None:
    """What was put is given back, the same object; what was discarded is gone, and nothing else with it."""
    cache = MemoryCache()
    first, second = held("a"), held("b")
    assert cache.get(b"one") is None
    cache.put(b"one", first)
    cache.put(b"two", second)
    assert cache.get(b"one") is first
    assert len(cache) == 2
    cache.discard(b"one", first)
    assert cache.get(b"one") is None
    assert cache.get(b"two") is second


def test_discard_of_what_is_no_longer_held() -> None:
    """A token that took the place of a refused one survives the refused one's discarding."""
    cache = MemoryCache()
    old, new = held("a"), held("b")
    cache.put(b"one", old)
    cache.put(b"one", new)
    cache.discard(b"one", old)
    cache.discard(b"two", old)
    assert cache.get(b"one") is new
    assert len(cache) == 1


def test_discard_and_clear_of_an_empty_one() -> None:
    """Neither minds that there is nothing."""
    cache = MemoryCache()
    cache.discard(b"one", held())
    cache.clear()
    assert len(cache) == 0


def test_clear() -> None:
    """clear() forgets everything."""
    cache = MemoryCache()
    cache.put(b"one", held())
    cache.clear()
    assert cache.get(b"one") is None
    cache.put(b"one", held())
    assert len(cache) == 1


def test_bounded() -> None:
    """It keeps so many and no more; the least recently used goes, and looking at one is using it."""
    cache = MemoryCache(maxsize=3)
    for name in (b"a", b"b", b"c"):
        cache.put(name, held())
    cache.get(b"a")
    cache.put(b"d", held())
    assert [name for name in (b"a", b"b", b"c", b"d") if cache.get(name) is not None] == [b"a", b"c", b"d"]
    for number in range(1000):
        cache.put(str(number).encode(), held())
    assert len(cache) == 3


@pytest.mark.parametrize("size", [0, -1, 1.5, "10", None, True, float("nan")])
def test_bad_size(size: Any) -> None:
    """Its size is a positive whole number."""
    with pytest.raises(ConfigError) as caught:
        MemoryCache(maxsize=size)
    assert str(caught.value) == (
        "bad_argument: MemoryCache(maxsize=) is not a positive whole number. Hint: It is the most identities to keep. More: docs/errors/bad_argument.md."
    )


def test_as_it_comes() -> None:
    """It keeps a hundred thousand identities unless told, and shares with nobody; one identity is enough."""
    assert repr(MemoryCache()) == "MemoryCache(maxsize=100000)"
    assert MemoryCache().shared is None
    assert repr(MemoryCache(maxsize=1)) == "MemoryCache(maxsize=1)"


def test_threads() -> None:
    """Threads that put, look and discard at the same time break nothing, and the bound holds."""
    cache = MemoryCache(maxsize=10)
    barrier, errors = threading.Barrier(8), []

    def work(number: int) -> None:
        barrier.wait(10)
        try:
            for turn in range(500):
                name = str((number * 7 + turn) % 25).encode()
                mine = held(str(turn))
                cache.put(name, mine)
                cache.get(name)
                if turn % 3 == 0:
                    cache.discard(name, mine)
                assert len(cache) <= 10
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert errors == []


def test_silence() -> None:
    """Its repr shows its size and no token."""
    cache = MemoryCache(maxsize=5)
    cache.put(b"one", held("canary"))
    assert repr(cache) == str(cache) == "MemoryCache(maxsize=5)"
    assert CACHES["memory"] is MemoryCache


def test_one_over_a_shared_cache() -> None:
    """All who are given one shared cache have one memory over it, and another cache has another, however alike they are."""
    one, other = FileCache("x"), FileCache("x")
    memory = memory_over(one)
    assert memory_over(one) is memory
    assert memory.shared is one
    assert memory_over(other) is not memory
    assert memory_over(other).shared is other
