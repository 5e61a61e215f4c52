"""The token as a function, for clients that no bridge is for.

Rule: the function is asked anew for each call, so that what it gives is never an old token. Stands beside the bridges.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from .awaiting import Source, awaited_token
from .bearer import bearing
from .where import sendable


def token_of(source: Source) -> Callable[[], str]:
    """A function without arguments that gives the token's text.

    It knows nothing of the call: where the token goes, and what follows a refusal, is the client's affair.

    Args:
        source: Gives tokens: the credentials object.

    Raises:
        ConfigError: `not_bearer`, a proof or a token of its own goes with each call; or it is no source.

    Example:
        >>> from sa_auth import ServiceAccountCredentials
        >>> from sa_auth.testing import Authority, new_key
        >>> private, public = new_key("p256")
        >>> authority = Authority()
        >>> _ = authority.register("robot", public)
        >>> creds = ServiceAccountCredentials(
        ...     private, issuer="robot", token_endpoint=authority.token_endpoint, transport=authority.transport())
        >>> token_of(creds)() == creds.token().access_token
        True
    """
    bearer = bearing(source)
    return lambda: bearer.token().access_token


def header_of(source: Source) -> Callable[[], str]:
    """A function without arguments that gives the value of the Authorization header; otherwise as `token_of`."""
    bearer = bearing(source)
    return lambda: sendable(bearer.token())


def awaited_token_of(source: Source) -> Callable[[], Awaitable[str]]:
    """An async function without arguments that gives the token's text, on asyncio or trio; otherwise as `token_of`."""
    bearer = bearing(source)

    async def token() -> str:
        return (await awaited_token(bearer)).access_token

    return token
