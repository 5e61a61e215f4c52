"""The package of a client, or one sentence that says how to get it.

Rule: a bridge asks for its client here, when it is imported itself. Stands beside the bridges.
"""

from __future__ import annotations

from types import ModuleType

from .._loading import load
from ..errors import MissingExtra


def needed(bridge: str, packages: tuple[str, ...], install: str, *, named: str = "") -> ModuleType:
    """Gives the first of these packages that is there.

    Args:
        bridge: Who asks, for the message.
        packages: Names to import.
        install: What pip is to be told.
        named: What pip calls the first; empty: as it is imported.

    Raises:
        MissingExtra: there is none of them.

    Example:
        >>> needed("json", ("json",), "json").__name__
        'json'
    """
    for name in packages:
        found = loaded(name)
        if found is not None:
            return found
    raise MissingExtra(
        f"The bridge sa_auth.integrations.{bridge} needs the package {(named or packages[0])!r}.",
        hint=f"Install it with: pip install {install}",
    )


def loaded(name: str) -> ModuleType | None:
    """Gives a package, or None where it is not there."""
    try:
        return load(name)
    except ModuleNotFoundError as error:
        if not f"{name}.".startswith(f"{error.name}."):
            raise  # it is there, and lacks something itself
        return None
