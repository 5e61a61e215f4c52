"""Where tokens are shared: in the process, and beyond it."""

from __future__ import annotations

from .._registry import Registry
from .memory import MemoryCache

__all__ = ["CACHES", "MemoryCache"]

CACHES = Registry("cache", {"memory": "sa_auth.caches.memory:MemoryCache"})
