"""An assertion that something else keeps fresh in a file.

Rule: read for every exchange, so a new one is seen whenever it is there; the opened file is what is judged. Stands under
the grants. Source: docs/faults.md line 36, for a file that others may read but not change.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .._secretfile import read_token, shown
from ..errors import ConfigError
from ..token import NOTHING
from . import shape
from .handed import HandedOver


class FromFile(HandedOver):
    """Reads an assertion from a file, anew for every exchange.

    Args:
        path: Where it is; a relative path is taken from where the program is now.

    Raises:
        ConfigError: it is no path, or an assertion's text in place of one.

    Example:
        >>> FromFile("/run/secrets/token").fingerprint()
        ('from_file', '/run/secrets/token')
    """

    __slots__ = ("path",)

    path: str

    def __init__(self, path: str | bytes | os.PathLike[str]) -> None:
        place = _place(path)
        # An absolute path can hardly be anything else; it is named where there is no such folder as well.
        named = f" {place!r}" if os.path.isabs(os.fsdecode(path)) and len(place) <= 255 else shown(path)
        super().__init__(f"the file{named}", path=place)

    def read(self) -> bytes:
        """What is in the file now."""
        return read_token(self.path, self.where.removeprefix("the file"))

    def recipe(self) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        """The path."""
        return (self.path,), NOTHING

    def fingerprint(self) -> tuple[str, ...]:
        """The absolute path."""
        return ("from_file", self.path)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.path!r})"


def _place(path: object) -> str:
    place = None
    if isinstance(path, str | bytes | os.PathLike):
        try:
            place = os.path.abspath(os.fsdecode(path))
        except (OSError, ValueError, TypeError):  # the working directory is gone
            place = None
    if place is None:
        raise ConfigError(
            f"The path of the assertion is of type {type(path).__name__}, or there is no folder to take it from.",
            code="bad_argument", hint="It is a str or a Path; an absolute one is the same from everywhere.",
        )  # fmt: skip
    given = os.fsdecode(path)  # type: ignore[arg-type]  # one of the three, or there were no place
    if not given.strip() or "\0" in given or shape.kind_of(given) != "opaque":
        raise ConfigError(
            "The path of the assertion is empty, or an assertion's own text.", code="bad_argument",
            hint="FromFile() takes a path; an assertion's text goes to Given(text).",
        )  # fmt: skip
    return place
