"""The token as a function."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any

import pytest

from sa_auth import ConfigError, Token
from sa_auth.integrations.function import awaited_token_of, header_of, token_of


class Source:
    """Gives another token each time."""

    def __init__(self, kind: str = "Bearer") -> None:
        self.count, self.kind = 0, kind

    def token(self) -> Token:
        self.count += 1
        return Token(f"t{self.count}", self.kind, expires_at=2e9, refresh_at=2e9, issued_at=1e9)

    def poll(self) -> Token | Future[Token]:
        return self.token()

    def discard(self, token: Token) -> None:
        raise AssertionError


def test_asked_anew_each_time() -> None:
    """What the functions give is the source's token of that moment, and nothing is asked before they are called."""
    source: Any = Source()
    token, header, awaited = token_of(source), header_of(source), awaited_token_of(source)
    assert source.count == 0
    assert (token(), header(), token()) == ("t1", "Bearer t2", "t3")

    async def main() -> str:
        return await awaited()

    assert asyncio.run(main()) == "t4"


def test_a_token_for_no_api() -> None:
    """A header with a token that is for no API is not made."""
    source: Any = Source("N_A")
    with pytest.raises(ConfigError, match="not_for_an_api"):
        header_of(source)()
