"""An assertion that something else keeps fresh in a file.

Rule: read for every exchange, so a new one is seen whenever it is there; the opened file is what is judged. Stands under
the grants. Source: docs/faults.md line 36, for a file that others may read but not change.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .._jsonobject import json_object
from .._secretfile import read_token, shown
from ..errors import ConfigError
from ..token import NOTHING
from . import shape
from .handed import HandedOver


class FromFile(HandedOver):
    """Reads an assertion from a file, anew for every exchange.

    Args:
        path: Where it is; a relative path is taken from where the program is now.
        field: Where it stands in the JSON object that the file holds; None: the whole file is it.

    Raises:
        ConfigError: it is no path, or an assertion's text in place of one.

    Example:
        >>> FromFile("/run/secrets/token").fingerprint()
        ('from_file', '/run/secrets/token')
    """

    __slots__ = ("field", "path")

    path: str
    field: str | None

    def __init__(self, path: str | bytes | os.PathLike[str], *, field: str | None = None) -> None:
        if field is not None and not (isinstance(field, str) and field):
            raise ConfigError("FromFile(field=) is no text.", code="bad_argument", hint="Name the JSON object's field.")
        place = _place(path)
        # An absolute path can hardly be anything else; it is named where there is no such folder as well.
        named = f" {place!r}" if os.path.isabs(os.fsdecode(path)) and len(place) <= 255 else shown(path)
        super().__init__(f"the file{named}", path=place, field=field)

    def read(self) -> str | bytes:
        """What is in the file now."""
        data = read_token(self.path, self.where.removeprefix("the file"))
        if self.field is None or not data.strip():
            return data
        value = (json_object(data, {self.field}) or {}).get(self.field)
        if not isinstance(value, str):
            del data  # or the frame of the error would hold what is in it
            raise ConfigError(
                f"What is in {self.where} is no JSON object with a text in its field {self.field[:60]!r}.",
                code="assertion_missing", retryable=True, hint="See what the field is called, and that the file is whole.",
            )  # fmt: skip
        return value

    def recipe(self) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        """The path, and the field."""
        return (self.path,), NOTHING if self.field is None else {"field": self.field}

    def fingerprint(self) -> tuple[str, ...]:
        """The absolute path, and the field."""
        return ("from_file", self.path) if self.field is None else ("from_file", self.path, self.field)

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
