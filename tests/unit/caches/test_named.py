"""Whatever may stand as `cache=`: what is taken, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import redis
import valkey

from sa_auth import caches as shelf
from sa_auth._secret import Secret
from sa_auth.caches import FileCache, MemoryCache, RedisCache
from sa_auth.caches.named import memory_of
from sa_auth.errors import ConfigError

CANARY = "canary-7391"


class Own:
    """A cache of the caller's own, of which the class is given."""

    tier, key = "own", None

    def get(self, name: str) -> None: ...
    def put(self, name: str, data: bytes, seconds: float, *, over: bytes | None) -> bool: ...
    def discard(self, name: str, data: bytes) -> None: ...
    def take(self, name: str, seconds: float, *, lasts: float = 0.0) -> None: ...


def refused(cache: Any) -> ConfigError:
    """The error that comes of it."""
    with pytest.raises(ConfigError) as caught:
        memory_of(cache)
    assert caught.value.code == "bad_argument"
    assert CANARY not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("cache", "advice"),
    [
        (True, 'write cache="file"'),
        (FileCache, "call it"), (RedisCache, "call it"), (MemoryCache, "call it"), (Own, "call it"),
        (Path(f"/var/{CANARY}"), "write FileCache(path)"), (PurePosixPath("x"), "write FileCache(path)"),
        (redis.Redis(password=CANARY), "write RedisCache(client)"), (valkey.Valkey(), "write RedisCache(client)"),
        ("redis", '"redis://host:6379/0"'), ("Redis", '"redis://host:6379/0"'), ("rediss", '"redis://host:6379/0"'),
        ("valkey", '"redis://host:6379/0"'),
        (f"/var/cache/{CANARY}", 'write FileCache("...")'), ("./tokens", 'write FileCache("...")'),
        ("../tokens", 'write FileCache("...")'), ("~/tokens", 'write FileCache("...")'), ("/", 'write FileCache("...")'),
        ("C:\\tokens", 'write FileCache("...")'), ("c:/tokens", 'write FileCache("...")'),
        (f"/var/{CANARY}\n", 'write FileCache("...")'), (f"file:///{CANARY}", 'write FileCache("...")'), (Secret("./tokens"), 'write FileCache("...")'),
    ],
)  # fmt: skip
def test_what_was_meant(cache: Any, advice: str) -> None:
    """What is often given by mistake is refused with what to write instead, in one sentence that repeats no text."""
    hint = refused(cache).hint
    assert advice in hint
    assert hint.count(". ") == 0


@pytest.mark.parametrize(
    "cache",
    [False, 5, b"./tokens", [], object(), dict, "", "memory", "tokens", "files", f"http://:{CANARY}@h", f"{CANARY}:6379/0",
     "redis:", "redisx"],
)  # fmt: skip
def test_what_cannot_be_guessed(cache: Any) -> None:
    """Of anything else it is said what there is."""
    assert "A MemoryCache, FileCache or RedisCache" in refused(cache).hint


@pytest.mark.parametrize("name", ["FileCache", "MemoryCache", "RedisCache"])
def test_the_shelf(name: str) -> None:
    """A cache is loaded by its name when it is first asked for; another name is none."""
    assert shelf.__getattr__(name).__name__ == name
    with pytest.raises(AttributeError, match=r"^module 'sa_auth.caches' has no attribute 'Nothing'$"):
        shelf.__getattr__("Nothing")


def test_what_is_taken() -> None:
    """Nothing, a memory, a cache of the caller's own and a URL are taken; one URL names one cache."""
    memory = MemoryCache()
    assert memory_of(memory) is memory
    assert isinstance(memory_of(None), MemoryCache)
    assert isinstance(memory_of(Own()), MemoryCache)
    assert memory_of("redis://named.example/0") is memory_of("redis://named.example/0")
