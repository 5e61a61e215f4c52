"""One call's steps by themselves, over a source of our own: what is asked next, and what is said to it."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from yarl import URL

from sa_auth import ConfigError, SaAuthError, Token
from sa_auth.integrations.aiohttp import Auth
from sa_auth.integrations.calls import Answer, Calls, Fields
from sa_auth.integrations.grpc import AsyncRenewal, Renewal

API = "https://api.example/v1"


class Source:
    """Gives a token until it is discarded, and then an error; or, asked for it, a future of that error."""

    def __init__(self) -> None:
        self.discarded: list[Token] = []
        self.held = Token("canary-Qz4", expires_at=2e9, refresh_at=2e9, issued_at=1e9)

    def token(self) -> Token:
        if self.discarded:
            raise SaAuthError("No more.", code="gone")
        return self.held

    def poll(self) -> Token | Future[Token]:
        if not self.discarded:
            return self.held
        failed: Future[Token] = Future()
        failed.set_exception(SaAuthError("No more.", code="gone"))
        return failed

    def discard(self, token: Token) -> None:
        self.discarded.append(token)


def refusal(fields: Any, rewound: Any = lambda: True) -> Answer:
    """A 401 to a request with these fields."""
    return Answer(401, {}, "GET", API, fields, rewound)


@pytest.mark.parametrize("awaited", [False, True])
def test_no_other_token(awaited: bool, caplog: pytest.LogCaptureFixture) -> None:
    """If the next token cannot be had the refusal stands: no error, and one line in the log without the token."""
    source = Source()
    calls = Calls(source)
    steps = calls.steps("GET", API, {})

    def advance(said: Answer | None = None) -> Fields | None:
        return asyncio.run(calls.advance_awaited(steps, said)) if awaited else calls.advance(steps, said)

    with caplog.at_level(logging.WARNING, "sa_auth"):
        fields = advance()
        assert fields is not None
        assert advance(refusal(fields)) is None
    assert source.discarded == [source.held]
    (record,) = caplog.records
    assert record.getMessage().startswith("an API refused the token, and the next one cannot be had: gone: No more.")
    assert "canary" not in caplog.text


def test_what_is_shown_of_it() -> None:
    """Neither what goes on a request nor what came back shows a token in its repr."""
    calls = Calls(Source())
    fields = calls.advance(calls.steps("GET", API, {}))
    assert fields is not None
    assert fields["Authorization"] == "Bearer canary-Qz4"
    assert (repr(fields), repr(refusal(fields))) == ("Fields(Authorization)", "Answer(401)")


def test_a_header_that_is_not_ours() -> None:
    """A 401 to a request whose header somebody has changed or taken off says nothing about the token."""
    for own in ({}, {"Authorization": "Basic abc"}):
        source = Source()
        calls = Calls(source)
        steps = calls.steps("GET", API, {})
        calls.advance(steps)
        assert calls.advance(steps, refusal(own)) is None
        assert source.discarded == []


def test_bad_hosts() -> None:
    """What is no host name is refused when the bridge is made."""
    with pytest.raises(ConfigError, match="allowed_hosts"):
        Calls(Source(), "https://api.example/")


@pytest.mark.parametrize(
    ("url", "goes"), [("wss://api.example/x", True), ("ws://api.example/x", False), ("ws://127.0.0.1:8000/x", True)]
)
def test_websockets_of_aiohttp(url: str, goes: bool) -> None:
    """A websocket begins as a request: over TLS it carries the token, in the clear it is refused."""
    request: Any = SimpleNamespace(url=URL(url), method="GET", headers={}, body=b"")

    async def handler(_request: Any) -> Any:
        return SimpleNamespace(status=101, headers={}, url=URL(url))

    if goes:
        asyncio.run(Auth(Source())(request, handler))  # type: ignore[arg-type]
        assert request.headers["Authorization"] == "Bearer canary-Qz4"
    else:
        with pytest.raises(ConfigError, match="not_https"):
            asyncio.run(Auth(Source())(request, handler))  # type: ignore[arg-type]


@pytest.mark.parametrize("awaited", [False, True])
def test_no_other_token_for_grpc(awaited: bool, caplog: pytest.LogCaptureFixture) -> None:
    """So it is after UNAUTHENTICATED: the call's own answer stands, and is asked for once."""
    source, made = Source(), []

    class Ended:
        def done(self) -> bool:
            return True

        def code(self) -> Any:
            async def later() -> Any:
                return grpc.StatusCode.UNAUTHENTICATED

            return later() if awaited else grpc.StatusCode.UNAUTHENTICATED

    def call(*_: Any) -> Any:
        made.append(Ended())

        async def later() -> Any:
            return made[-1]

        return later() if awaited else made[-1]

    with caplog.at_level(logging.WARNING, "sa_auth"):
        if awaited:
            got = asyncio.run(AsyncRenewal(source).intercept_unary_unary(call, None, b""))
        else:
            got = Renewal(source).intercept_unary_unary(call, None, b"")
    assert made == [got]
    assert source.discarded == [source.held]
    assert "gone: No more." in caplog.text
    assert "canary" not in caplog.text
