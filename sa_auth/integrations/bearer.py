"""What bridges to clients that send bearer tokens share: the package they need, which source will do, and awaiting it.

Rule: nothing of a foreign client stands here, and an event loop is never kept waiting. Source: RFC 6750 section 2.1.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from types import ModuleType
from typing import Any, Protocol

from .._loading import load
from ..errors import ConfigError, MissingExtra
from ..token import Token


class Source(Protocol):
    """The acts that a bridge needs; a `TokenSource` has them, and so has the credentials object."""

    def token(self, min_ttl: float = 0.0) -> Token:
        """Gives a token that lives, waiting for one only where none does."""
        ...

    def poll(self) -> Token | Future[Token]:
        """Gives a token that lives, or the future of the next; never waits."""
        ...

    def discard(self, token: Token) -> None:
        """Forgets a token that was refused, if it is still the held one."""
        ...


def needed(module: str, package: str, extra: str | None = None) -> ModuleType:
    """Loads what a bridge stands on.

    Args:
        module: What is imported.
        package: What pip calls it.
        extra: The extra of ours that brings it; None: the user has installed it anyway.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        return load(module)
    except ModuleNotFoundError as error:
        # Of something that it needs itself, it says so best.
        if not f"{module}.".startswith(f"{error.name}."):
            raise
    what = package if extra is None else f'"sa_auth[{extra}]"'
    raise MissingExtra(f"This bridge needs the package {package!r}.", hint=f"Install it with: pip install {what}")


def bearing(source: Source) -> Source:
    """Gives the source back, if its tokens are good for a client that knows no more than bearer tokens.

    Raises:
        ConfigError: `not_bearer`, each of its calls takes a proof or a token of its own; or it is no source.
    """
    lacks = [act for act in ("token", "poll", "discard") if not callable(getattr(source, act, None))]
    if lacks:
        raise ConfigError(
            f"This bridge was given a {type(source).__name__}, which has no {lacks[0]}().", code="bad_argument",
            hint="It takes the credentials.",
        )  # fmt: skip
    if getattr(source, "proofs", None) is not None or getattr(source, "per_call", False):
        raise ConfigError(
            "The client behind this bridge sends bearer tokens, and these credentials make a proof or a token for each call.",
            code="not_bearer", hint="Leave dpop= out, or call the API with requests and the credentials as its auth.",
        )  # fmt: skip
    return source


def replaced(source: Any, **changes: Any) -> Any:
    """Another source of the same key.

    Raises:
        ConfigError: `no_replace`, this one makes no others.
    """
    replace = getattr(source, "replace", None)
    if replace is None:
        raise ConfigError(
            f"A {type(source).__name__} gives its own tokens alone, and none with another {min(changes)}.", code="no_replace",
            hint="Give the bridge ServiceAccountCredentials.",
        )  # fmt: skip
    return replace(**changes)


async def awaited(source: Source) -> Token:
    """Gives a token that lives; the loop is kept by nothing, and a task that is cancelled cancels no renewal.

    Raises:
        SaAuthError: there is none to be had.
    """
    got = source.poll()
    return got if isinstance(got, Token) else await asyncio.shield(asyncio.wrap_future(got))
