"""Values that must not be seen.

Rule: a secret is carried wrapped, opened where it is used, and shown in logs as eight hex digits of its hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, NoReturn, TypeAlias

from .errors import ConfigError

Password: TypeAlias = "str | bytes | Callable[[], str | bytes | None] | None"  # noqa: S105 - a type


class Secret:
    """A string or bytes that neither prints nor pickles."""

    __slots__ = ("_value",)

    def __init__(self, value: str | bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        """The value as UTF-8 bytes, for the one place that sends or derives from it."""
        # A lone surrogate comes of a file or variable that is no UTF-8: whoever reads the bytes says so, in words.
        return self._value.encode("utf-8", "surrogatepass") if isinstance(self._value, str) else self._value

    def __repr__(self) -> str:
        return "Secret(...)"

    def __reduce__(self) -> NoReturn:
        raise ConfigError(
            "A secret is not pickled.",
            code="not_picklable",
            hint="Paths, environment variables, and functions of a module travel by name, a password= given as such a function too. "
            "A client secret, code, token or text does not: make those credentials in the process that uses them. A cache's key, or a URL "
            "with a password in it, is given as a function of a module.",
        )


def fingerprint(value: str | bytes) -> str:
    """Eight hex digits of a SHA-256, to tell two secrets apart in a log."""
    data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    return hashlib.sha256(data).hexdigest()[:8]


def open_password(password: Password, what: str = "password", code: str = "password") -> bytes | None:
    """Asks a password's callable, if it is one, and gives bytes; None where there is none.

    Args:
        password: The password, or what gives it.
        what: What it is called in an error.
        code: The code of such an error.

    Raises:
        ConfigError: the callable failed or gave neither text nor bytes.
    """
    value: Any = password
    if callable(password):
        failed = ""
        try:
            value = password()
        except Exception as error:  # noqa: BLE001 - the caller's own function; its text may hold the password
            failed = type(error).__name__
        if failed:
            raise ConfigError(f"The {what} callable raised {failed}.", code=code, hint="Call it by itself to see why.")
    if value is None:
        return None
    if isinstance(value, str):
        return value.encode("utf-8")
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    raise ConfigError(
        f"The {what} is of type {type(value).__name__}.",
        code=code,
        hint="Pass str, bytes, or a callable that returns one of them.",
    )
