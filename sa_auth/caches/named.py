"""The memory over whatever was given as `cache=`.

Rule: a word or URL names one cache per process, however often it is given. Stands under the settings.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

from .._forks import guarded
from .._secret import Secret
from ..errors import ConfigError
from . import CACHES
from .base import TokenCache
from .memory import PROCESS, MemoryCache, memory_over

Cache: TypeAlias = "str | TokenCache | MemoryCache | None"

_LOCK = guarded(threading.RLock())
_named: dict[str, MemoryCache] = {}
# A password in a URL: before the host, or as a parameter.
_PASSWORD = re.compile(r"//[^/]*@|[?&][^=&]*password", re.IGNORECASE)
_KINDS = "A MemoryCache, FileCache or RedisCache; 'file'; or a URL such as 'redis://cache.example:6379/0'."


def memory_of(cache: object) -> MemoryCache:
    """Takes whatever may stand for a cache.

    Args:
        cache: None: the process's own memory. A MemoryCache; a cache that processes share; "file"; a URL.

    Raises:
        ConfigError: it is none of these; a URL, which may hold a password, is not repeated.
        MissingExtra: it needs a package that is not installed.
    """
    if cache is None:
        return PROCESS
    if isinstance(cache, MemoryCache):
        return cache
    if isinstance(cache, Secret):
        cache = cache.reveal().decode()
    if isinstance(cache, str):
        return _by_name(cache)
    if isinstance(cache, TokenCache) and not isinstance(cache, type):
        return memory_over(cache)
    raise ConfigError(f"cache is of type {type(cache).__name__}.", code="bad_argument", hint=_hint(cache))


def travels(cache: Any) -> Any:
    """The argument as a pickle may hold it: a URL with a password in it is a secret."""
    return Secret(cache) if isinstance(cache, str) and _PASSWORD.search(cache) else cache


def _by_name(text: str) -> MemoryCache:
    with _LOCK:
        memory = _named.get(text)
        if memory is None:
            scheme, separator, _ = text.partition("://")
            kind = scheme if scheme in CACHES and bool(separator) is (scheme not in {"file", "memory"}) else ""
            if not kind or kind == "memory":
                raise ConfigError("cache= names no cache that is known.", code="bad_argument", hint=_hint(text))
            found: TokenCache = CACHES[kind](text) if separator else CACHES[kind]()
            memory = _named[text] = memory_over(found)
        return memory


def _is_class(thing: object) -> bool:
    return isinstance(thing, type) and (issubclass(thing, MemoryCache) or hasattr(thing, "take"))


def _reads(thing: object, pattern: str) -> bool:
    return isinstance(thing, str) and re.fullmatch(pattern, thing, re.DOTALL) is not None


# What is given by mistake, and what to write for it; the first that fits is told.
_MEANT: tuple[tuple[Callable[[object], bool], str], ...] = (
    (lambda it: it is True, 'For the processes of this machine, write cache="file".'),
    (_is_class, 'This is a class: call it, as in FileCache() or RedisCache("redis://host:6379/0").'),
    (lambda it: isinstance(it, os.PathLike), "For a folder, write FileCache(path)."),
    (lambda it: callable(getattr(it, "evalsha", None)), "For a client of Redis, write RedisCache(client)."),
    (lambda it: _reads(it, r"(?i:redis|valkey)s?"), 'For a Redis, write its URL: "redis://host:6379/0".'),
    (lambda it: _reads(it, r"(?:file:|~|\.{0,2}[/\\]|[A-Za-z]:[/\\]).*"), 'For a folder, write FileCache("...").'),
)


def _hint(cache: object) -> str:
    """What to write instead; it repeats nothing of a text, which may hold a password."""
    return next((hint for fits, hint in _MEANT if fits(cache)), _KINDS)
