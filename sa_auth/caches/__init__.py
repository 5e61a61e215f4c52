"""Where tokens are shared: in the process, and beyond it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._registry import Registry
from .base import CacheFault, Lock, Record, TokenCache
from .memory import MemoryCache

if TYPE_CHECKING:
    from .file import FileCache
    from .redis import RedisCache

__all__ = ["CACHES", "CacheFault", "FileCache", "Lock", "MemoryCache", "Record", "RedisCache", "TokenCache"]

# By the word that names it, or begins the URL that does.
CACHES = Registry(
    "cache",
    {
        "memory": "sa_auth.caches.memory:MemoryCache",
        "file": "sa_auth.caches.file:FileCache",
        "redis": "sa_auth.caches.redis:RedisCache",
        "rediss": "sa_auth.caches.redis:RedisCache",
        "unix": "sa_auth.caches.redis:RedisCache",
        "valkey": "sa_auth.caches.redis:RedisCache",
        "valkeys": "sa_auth.caches.redis:RedisCache",
    },
)


def __getattr__(name: str) -> Any:
    return CACHES.named(name, __name__)
