"""Loads a module when it is first needed, so that a fork in the middle does no harm.

Rule: whatever is imported late is imported here. A thread that imports holds a lock that a forked child would find
taken for ever; so a fork waits until nothing of ours is being imported.
"""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from ._forks import guarded

_turn = guarded(threading.RLock())
_loaded: set[str] = set()


def is_installed(package: str) -> bool:
    """Whether a package could be loaded, without loading it."""
    return package in sys.modules or find_spec(package) is not None


def load(name: str) -> ModuleType:
    """Gives a module, imported now or before.

    Raises:
        ImportError: it cannot be imported.
    """
    # Wholly loaded: what another thread has only begun to import stands in sys.modules too.
    if name in _loaded and name in sys.modules:
        return sys.modules[name]
    with _turn:
        module = import_module(name)
        _loaded.add(name)
        return module


class Late:
    """Stands for a module that is loaded when something of it is first wanted.

    Args:
        name: Of the module.

    Example:
        >>> Late("sa_auth.token").NOTHING
        mappingproxy({})
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(load(self._name), name)
