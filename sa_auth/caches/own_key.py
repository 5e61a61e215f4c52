"""A key that a cache brings to seal with, where the service account has none in this process.

Rule: long enough that nobody guesses it, and carried as a secret. Stands under the shared caches.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from .._secret import Password, Secret, open_password
from ..errors import ConfigError

_LEAST = 32


def checked_key(key: Password | Secret, kind: str) -> Secret | Password:
    """Takes a cache's `key=`: text or bytes become a secret, a function stays one.

    Args:
        key: At least 32 characters or bytes; a function that gives them; None.
        kind: The cache's class, for messages.

    Raises:
        ConfigError: it is of another type, or too short.
    """
    if key is None or isinstance(key, Secret) or callable(key):
        return key
    sort = type(key).__name__
    secret = Secret(key) if isinstance(key, str | bytes) else None
    del key  # or the frame of an error would hold it
    if secret is None or len(secret.reveal()) < _LEAST:
        raise ConfigError(
            f"{kind}(key=) is of type {sort}." if secret is None else f"{kind}(key=) is shorter than {_LEAST} bytes.",
            code="bad_argument",
            hint="Make one with `python -c 'import secrets; print(secrets.token_urlsafe(32))'`, and give all who share "
            "the cache the same; or pass a function that gives it.",
        )  # fmt: skip
    return secret


def travelling(key: Secret | Password, kind: str) -> Secret | Password:
    """The key as a pickle may hold it: a secret refuses by itself, a function goes by its name.

    Args:
        key: The key.
        kind: The cache's class, for messages.

    Raises:
        ConfigError: it is a function without a name of its own.
    """
    if callable(key) and not _is_named(key):
        raise ConfigError(
            f"{kind}(key=) is a function without a name in a module, which is not pickled.", code="not_picklable",
            hint="Write it as a function of a module (def, at the left margin): that travels by name.",
        )  # fmt: skip
    return key


def _is_named(function: Callable[[], object]) -> bool:
    """Whether a pickle would find this very function under its name."""
    try:
        return getattr(sys.modules[function.__module__], function.__qualname__) is function
    except (AttributeError, KeyError, TypeError):
        return False


def opened_key(key: Secret | Password) -> bytes:
    """The bytes of such a key; empty where there is none.

    Raises:
        ConfigError: the function that gives it failed, or gave too short a one.
    """
    if key is None or isinstance(key, Secret):
        return b"" if key is None else key.reveal()
    opened = open_password(key, "cache's key=", "bad_argument")
    if opened is None or len(opened) < _LEAST:
        raise ConfigError(
            f"The function given as a cache's key= gave fewer than {_LEAST} bytes.", code="bad_argument",
            hint="See that what it reads is set.",
        )  # fmt: skip
    return opened
