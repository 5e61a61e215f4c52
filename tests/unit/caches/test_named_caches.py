"""The memory over whatever was given as `cache=`: which words and URLs name one, and what is said of the others."""

from __future__ import annotations

import os
from typing import Any

import pytest

from sa_auth import caches
from sa_auth._secret import Secret
from sa_auth.caches import FileCache, MemoryCache, RedisCache, named
from sa_auth.caches.memory import PROCESS
from sa_auth.caches.named import memory_of, travels
from sa_auth.errors import ConfigError


@pytest.fixture(autouse=True)
def _nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name was given before, by another test say."""
    monkeypatch.setattr(named, "_named", {})


def refused(cache: Any) -> str:
    """What the refusal says."""
    with pytest.raises(ConfigError) as caught:
        memory_of(cache)
    return str(caught.value)


def test_what_is_given(tmp_path: Any) -> None:
    """None is the process's own memory, a memory is itself, and over a cache that is shared stands one memory."""
    mine, shared = MemoryCache(), FileCache(tmp_path)
    assert (memory_of(None), memory_of(mine)) == (PROCESS, mine)
    assert memory_of(shared) is memory_of(shared)
    assert memory_of(shared).shared is shared


@pytest.mark.parametrize("scheme", ["redis", "rediss", "valkey", "valkeys"])
def test_a_url(scheme: str) -> None:
    """A URL names one cache per process, given as text or as a secret, and another URL another."""
    url = f"{scheme}://named.example:1/2"
    memory = memory_of(url)
    assert isinstance(memory.shared, RedisCache)
    assert repr(memory.shared) == "RedisCache(named.example:1/2)"
    assert (memory_of(url), memory_of(Secret(url))) == (memory, memory)
    assert memory_of(f"{scheme}://named.example:1/3") is not memory
    assert memory_of(f"{scheme}://named.example:1/2?db=2") is not memory


def test_the_first_separator_counts() -> None:
    """What follows in a URL does not change which cache it names."""
    assert isinstance(memory_of("redis://named.example/0?ssl_ca_certs=file:///x").shared, RedisCache)


def test_the_users_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """The word "file" is the user's own folder, one cache for the process."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache = memory_of("file").shared
    assert isinstance(cache, FileCache)
    assert cache.path == FileCache().path != os.path.abspath("file")
    assert memory_of("file") is memory_of("file")


@pytest.mark.parametrize(
    "text",
    ["", "memory", "memory://", "memory://x", "file://", "file:///x", "redis", "rediss", "http://canary", "FILE", "canary", "://"],
)  # fmt: skip
def test_what_names_none(text: str) -> None:
    """Another word, another scheme, or a scheme without its address names no cache; the text, which may hold a password, is not repeated."""
    assert refused(text).startswith("bad_argument: cache= names no cache that is known. Hint: ")
    assert "canary" not in refused(text)


@pytest.mark.parametrize("thing", [5, b"file", FileCache, MemoryCache, object(), ["file"]])
def test_what_is_none(thing: Any) -> None:
    """What is no cache, a class of one as well, is refused by its type."""
    assert refused(thing).startswith(f"bad_argument: cache is of type {type(thing).__name__}. Hint: ")


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("redis://user:hush@h/0", True), ("redis://hush@h", True), ("redis://h?password=hush", True),
        ("redis://h?a=b&PASSWORD=hush", True), ("rediss://h?ssl_password=hush", True), ("redis://h/0", False),
        ("redis://h/0?a=b@c", False), ("redis://h/0?a=password", False), ("file", False),
    ],
)  # fmt: skip
def test_what_travels(url: str, secret: bool) -> None:
    """To a pickle a URL with a password in it is a secret, and any other is itself."""
    found = travels(url)
    assert isinstance(found, Secret) is secret
    if isinstance(found, Secret):
        assert found.reveal() == url.encode()
    else:
        assert found == url


def test_what_travels_by_itself(tmp_path: Any) -> None:
    """A cache that is no text is left to travel by itself."""
    cache = FileCache(tmp_path)
    assert (travels(cache), travels(None)) == (cache, None)


def test_the_shelf_by_name() -> None:
    """Each class of the shelf is found by its name, and no other name is there."""
    for name in ("FileCache", "RedisCache"):
        assert getattr(caches, name).__name__ == name
    with pytest.raises(AttributeError, match="sa_auth.caches.*NoCache"):
        _ = caches.NoCache
