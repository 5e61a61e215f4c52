"""Whatever feeds a bridge, and how a task waits for its token, on asyncio and on trio.

Rule: the loop is never blocked, no executor is used, and a waiter that is cancelled takes nobody along. Stands below the
bridges to async clients.
"""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Protocol

from ..errors import ConfigError
from ..token import Token


class Source(Protocol):
    """The acts that a bridge wants: the credentials object's, and any `TokenSource`'s.

    What else it may say, and credentials do: `allowed_hosts`, `api_headers`, `proofs`, `per_call` with `token_for`.
    """

    def token(self) -> Token:
        """Gives a token that lives; waits for one only where none does."""
        ...

    def poll(self) -> Token | Future[Token]:
        """Gives a token that lives, or the future of the next; never waits."""
        ...

    def discard(self, token: Token) -> None:
        """Forgets a token that was refused, if it is still the held one."""
        ...


def given(source: Source) -> Source:
    """Gives the source back, if it is one.

    Raises:
        ConfigError: it is none.
    """
    lacks = [act for act in ("token", "poll", "discard") if not callable(getattr(source, act, None))]
    if lacks or isinstance(source, type):
        what = "a class" if isinstance(source, type) else f"a {type(source).__name__}, which has no {lacks[0]}()"
        raise ConfigError(
            f"This bridge was given {what}.", code="bad_argument", hint="It takes the credentials, an object."
        )
    return source


async def awaited_token(source: Source) -> Token:
    """Gives a token that lives; waits for one only where none does.

    Args:
        source: Gives tokens.

    Raises:
        SaAuthError: there is none to be had.
    """
    got = source.poll()
    if isinstance(got, Token):
        return got
    trio: Any = sys.modules.get("trio")
    # Asked first: trio may run as a guest of asyncio's loop.
    if trio is not None and trio.lowlevel.in_trio_task():
        return await _landed_on(trio, got)
    return await asyncio.shield(asyncio.wrap_future(got))


async def _landed_on(trio: Any, flight: Future[Token]) -> Token:
    landed, loop = trio.Event(), trio.lowlevel.current_trio_token()

    def wake(_flight: Future[Token]) -> None:
        with suppress(trio.RunFinishedError):  # nobody waits any more
            loop.run_sync_soon(landed.set)

    flight.add_done_callback(wake)
    await landed.wait()
    return flight.result(0)
