"""A shelf's table: a name and where it lives, looked up when it is first asked for.

Rule: importing a table imports none of its rows. A row whose optional package is absent says how to get it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ._loading import load
from .errors import ConfigError, MissingExtra


class Registry(Mapping[str, Any]):
    """Names to things that live in modules not loaded yet.

    Args:
        kind: What the rows are, for messages: "grant", "signer".
        rows: Name to "module:attribute", or to ("module:attribute", "extra").
    """

    def __init__(self, kind: str, rows: Mapping[str, str | tuple[str, str]]) -> None:
        self._kind = kind
        self._rows = dict(rows)

    def __getitem__(self, name: str) -> Any:
        if name not in self._rows:
            raise KeyError(name)
        row = self._rows[name]
        target, extra = row if isinstance(row, tuple) else (row, None)
        module, attribute = target.split(":")
        missing = None
        try:
            return getattr(load(module), attribute)
        except ModuleNotFoundError as error:
            if extra is None or (error.name or "").startswith("sa_auth"):
                raise
            missing = error.name
        raise MissingExtra(
            f"The {self._kind} {name!r} needs the package {missing!r}.",
            hint=f'Install it with: pip install "sa_auth[{extra}]"',
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def find(self, name: object) -> Any:
        """Looks a name up for a caller who may have mistyped it.

        Raises:
            ConfigError: there is no such row; the message lists those there are.
            MissingExtra: the row's optional package is not installed.
        """
        if isinstance(name, str) and name in self._rows:
            return self[name]
        shown, close = type(name).__name__, []
        if isinstance(name, str):
            from difflib import get_close_matches  # for a mistake alone

            shown, close = repr(name[:60]), get_close_matches(name[:60].lower(), self._rows, 1)
        meant = f"Did you mean {close[0]!r}? " if close else ""
        known = ", ".join(sorted(self._rows))
        raise ConfigError(f"There is no {self._kind} {shown}.", code="unknown_name", hint=f"{meant}Known: {known}.")

    def named(self, attribute: str, module: str) -> Any:
        """Serves a shelf's `__getattr__`: the row whose attribute has this name, loaded when it is first asked for.

        Raises:
            AttributeError: there is none.
        """
        for name, row in self._rows.items():
            if (row if isinstance(row, str) else row[0]).endswith(f":{attribute}"):
                return self[name]
        raise AttributeError(f"module {module!r} has no attribute {attribute!r}")
