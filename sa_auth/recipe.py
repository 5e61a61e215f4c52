"""How another process makes the same credentials: what a pickle of them holds.

Rule: names and settings, never a key, a token or a password. Stands beside the key file's reader, under the face.
Source: FAULTS line 35 in docs/faults.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import ConfigError
from .opened import Opened
from .settings import Followed
from .transports import LateTransport


def recipe(given: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """How another process makes the same credentials: how it opens the key, and the arguments beside it.

    Raises:
        ConfigError: the key is in memory alone.
    """
    opened: Opened = given["key"]
    if opened.recipe is None:
        raise ConfigError(
            "Credentials made of a key in memory are not pickled.", code="not_picklable",
            hint="Make them from_file(path) or from_env(name): those travel by name, and the key stays here.",
        )  # fmt: skip
    password = given["password"]
    if callable(password) and "<" in getattr(password, "__qualname__", "<"):
        raise ConfigError(
            "password= is a function without a name of its own, which does not travel.", code="not_picklable",
            hint="Define it with def at the top of a module.",
        )  # fmt: skip
    # What only code may say stays said: whose file it is, and an address that is trusted because it stands in code.
    stays = {"provider"} if isinstance(given["token_endpoint"], Followed) else {"provider", "token_endpoint"}
    said = {name for name, value in opened.arguments.items() if given.get(name) == value} - stays
    late = {"transport"} if isinstance(given["transport"], LateTransport) else set()
    return opened.recipe, {name: value for name, value in given.items() if name not in {"key", *said, *late}}


def revive(cls: Any, opening: tuple[Any, ...], given: dict[str, Any]) -> Any:
    """Makes credentials of a recipe, as a pickle asks for.

    Args:
        cls: Of the credentials.
        opening: How the key is opened: its kind, where it is, and how its file is judged.
        given: The other arguments.
    """
    kind, where, rights, validate_key = opening
    if kind in {"nothing", "uri"}:
        return cls(where, **given)
    opener = cls.from_env if kind == "env" else cls.from_file
    return opener(where, rights=rights, validate_key=validate_key, **given)
