"""An assertion in an environment variable.

Rule: read for every exchange, since a long-running program may be given a new one. Stands under the grants.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from ..errors import ConfigError
from ..token import NOTHING
from .handed import HandedOver


class FromEnvironment(HandedOver):
    """Reads an assertion from an environment variable, anew for every exchange.

    Args:
        name: The variable's name.

    Raises:
        ConfigError: it is no such name; an assertion's text, for example.

    Example:
        >>> FromEnvironment("ID_TOKEN").fingerprint()
        ('from_environment', 'ID_TOKEN')
    """

    __slots__ = ("name",)

    name: str

    def __init__(self, name: str) -> None:
        super().__init__(f"the environment variable {variable_name(name)}", name=name)

    def read(self) -> bytes:
        """What the variable holds now."""
        return os.fsencode(variable(self.name))

    def recipe(self) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        """The variable's name."""
        return (self.name,), NOTHING

    def fingerprint(self) -> tuple[str, ...]:
        """The variable's name."""
        return ("from_environment", self.name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


def variable_name(name: object) -> str:
    """Takes the name of an environment variable.

    Raises:
        ConfigError: it is none; it is not repeated, because it may be an assertion.
    """
    if not isinstance(name, str) or not re.fullmatch(r"\w{1,100}", name):
        raise ConfigError(
            "No variable's name was given.", code="bad_argument",
            hint="It takes the name; an assertion's text goes to Given(text).",
        )  # fmt: skip
    return name


def variable(name: str) -> str:
    """What a variable holds.

    Raises:
        ConfigError: it is not set.
    """
    value = os.environ.get(name)
    if value is None:
        raise ConfigError(
            f"The environment variable {name} is not set.", code="assertion_missing",
            hint="See that it is set for this very process.",
        )  # fmt: skip
    return value
