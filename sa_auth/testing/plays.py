"""Faults by their names, for those who start an authority from a shell.

Rule: each is one call of what a stage can play; `unreachable` is left out, as nobody could look into it then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sa_auth.errors import ConfigError

if TYPE_CHECKING:
    from .faults import Stage

_HTML = b"<!doctype html><title>Sign in</title><p>Please sign in to this network."
_PAGE = {"content-type": "text/html"}

# What is answered in place of a token, to all requests or to the next so many.
_ANSWERS: dict[str, Callable[[Stage, int | None], object]] = {
    "429": lambda stage, times: stage.answer(429, headers={"retry-after": "5"}, times=times),
    "500": lambda stage, times: stage.answer(500, times=times),
    "503": lambda stage, times: stage.answer(503, headers={"retry-after": "5"}, times=times),
    "down": lambda stage, times: stage.answer(503, times=times),
    "empty": lambda stage, times: stage.answer(200, times=times),
    "garbage": lambda stage, times: stage.answer(200, b'{"access_token": \xff\x00', times=times),
    "html": lambda stage, times: stage.answer(200, _HTML, _PAGE, times=times),
    "redirect": lambda stage, times: stage.answer(302, headers={"location": "https://login.example/"}, times=times),
}
# What is done to every answer.
_STATES: dict[str, Callable[[Stage], object]] = {
    "cut": lambda stage: setattr(stage, "cut", 20),
    "drip": lambda stage: setattr(stage, "drip", 0.2),
    "hang": lambda stage: stage.hold(),
}

PLAYS: tuple[str, ...] = tuple(sorted({*_ANSWERS, *_STATES}))


def play(stage: Stage, wanted: str) -> None:
    """Plays a fault until it is taken back.

    Args:
        stage: Where.
        wanted: Its name; with `:3` after it, to the next three requests alone, where it is an answer.

    Raises:
        ConfigError: there is no such fault, or it cannot be counted.

    Example:
        >>> from sa_auth.testing import Authority
        >>> authority = Authority()
        >>> play(authority, "503:2")
        >>> authority.spells.all[0].what
        'answers 503'
    """
    name, colon, number = wanted.partition(":")
    if name in _ANSWERS and (not colon or (number.isdecimal() and int(number) > 0)):
        _ANSWERS[name](stage, int(number) if colon else None)
    elif name in _STATES and not colon:
        _STATES[name](stage)
    else:
        known = ", ".join(PLAYS)
        counted = ", ".join(sorted(_ANSWERS))
        raise ConfigError(
            f"There is no fault {wanted[:60]!r}.", code="unknown_name",
            hint=f"Known: {known}. For the next three requests alone NAME:3, with {counted}.",
        )  # fmt: skip
