"""An assertion that a function of the caller's own gives.

Rule: asked for every exchange; what it raises is named by class and place, since its text may hold anything. Two
functions never share a token by chance. Stands under the grants.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, TypeVar

from ..errors import ConfigError, SaAuthError
from ..refusal import place_of
from .handed import HandedOver

Asked = TypeVar("Asked", bound=Callable[[], Any])


class FromCallable(HandedOver):
    """Asks a function for an assertion, anew for every exchange.

    Args:
        function: Gives the text, str or bytes (UTF-8). It runs within the exchange and shares its time.
        name: Names whose assertion it is: sources of one name share their token. Default: a function of a module is
            known by its own name; any other (lambda, closure, method, partial) shares with nobody.

    Raises:
        ConfigError: it cannot be called, or the name is empty.

    Example:
        >>> FromCallable(lambda: "opaque", name="vault").mint(0)
        'opaque'
    """

    __slots__ = ("_function", "_name", "_told")

    _function: Callable[[], str | bytes]
    _name: str | None
    _told: str

    def __init__(self, function: Callable[[], str | bytes], *, name: str | None = None) -> None:
        if not callable(function) or isinstance(function, type):
            raise ConfigError(
                f"The function is of type {type(function).__name__}.", code="bad_argument",
                hint="It is called without arguments and gives the assertion's text.",
            )  # fmt: skip
        if name is not None and (not isinstance(name, str) or not name.strip()):
            raise ConfigError(
                "FromCallable(name=) is no text.",
                code="bad_argument",
                hint="Leave it out, or name whose assertion it is.",
            )
        known = name or name_of(function)
        # Drawn now: what has no name of its own is only like itself.
        told = known or os.urandom(16).hex()
        super().__init__(f"the callable {known or _shown(function)}", _function=function, _name=name, _told=told)

    def read(self) -> str | bytes:
        """What the function gives now."""
        value = ask(self._function, self.where)
        if not isinstance(value, str | bytes):
            raise ConfigError(
                f"A {type(value).__name__} came from {self.where}, and no text.", code="bad_argument",
                hint="It gives the assertion's text, str or bytes; a coroutine is not awaited here.",
            )  # fmt: skip
        return value

    def recipe(self) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        """The function, by its name.

        Raises:
            ConfigError: it has none.
        """
        return (by_name(self._function),), {"name": self._name}

    def fingerprint(self) -> tuple[str, ...]:
        """The function's name, the caller's name for it, or what nobody else has."""
        return ("from_callable", self._told)

    def __repr__(self) -> str:
        return f"FromCallable({self._name or _shown(self._function)})"


def name_of(function: object) -> str:
    """The module and name of a function that stands in its module under that name; else empty."""
    named: Any = function
    if not isinstance(function, FunctionType):
        return ""
    # What a pickle would find under the name must be this very function.
    found = getattr(sys.modules.get(named.__module__), named.__qualname__, None)
    return f"{named.__module__}:{named.__qualname__}" if found is function else ""


def by_name(function: Asked) -> Asked:
    """Gives a function back if a pickle can hold its name.

    Raises:
        ConfigError: it has none.
    """
    if not name_of(function):
        raise ConfigError(
            f"The callable {_shown(function)} is not pickled: it has no name in a module.", code="not_picklable",
            hint="Write it as a function of a module (def, at the left margin): that travels by name.",
        )  # fmt: skip
    return function


def ask(function: Callable[[], Any], where: str) -> Any:
    """Calls a function of the caller's own; an error of this library's passes, any other is named and let go.

    Raises:
        ConfigError: it raised something; the class and the place are told, its text is not.
    """
    failure: SaAuthError
    try:
        value = function()
    except SaAuthError as error:
        failure = error.copy()
    except Exception as error:  # noqa: BLE001 - the caller's own function may raise anything
        failure = ConfigError(
            f"{type(error).__name__} was raised by {where}, {place_of(error)}.", code="assertion_callable",
            retryable=True, hint="Call it by itself to see why.",
        )  # fmt: skip
    else:
        _close(value)
        return value
    raise failure


def _close(value: object) -> None:
    # A coroutine that nobody awaits complains when it is forgotten.
    close = getattr(value, "close", None)
    if hasattr(value, "__await__") and callable(close):
        close()


def _shown(function: object) -> str:
    name = getattr(function, "__qualname__", None)
    return name if isinstance(name, str) else type(function).__qualname__
