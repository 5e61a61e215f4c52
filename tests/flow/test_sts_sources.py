"""Assertions that a token service hands over, through real sockets and within one exchange's time.

docs/faults.md lines 10 to 13 hold for the token service as they do for the token endpoint.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from sa_auth._clock import SYSTEM, Deadline
from sa_auth.assertions import Assertion, FromFile, FromURL, GitHubActions
from sa_auth.errors import ResponseError, SaAuthError, TransportError
from sa_auth.exchange import Exchange
from sa_auth.grants import JWTBearer
from sa_auth.policy import Retry
from sa_auth.transports import RequestsTransport
from sa_auth.wire import Conversation, conversing
from tests.faults import (
    FaultServer,
    answers,
    breaks,
    drips,
    endless,
    explodes,
    honest,
    in_turn,
    repeated,
    silent,
    streams,
    zipped,
)
from tests.unit.assertions.texts import CANARY, everything_of, token

ALIVE = 4_000_000_000
TEXT = token(exp=ALIVE)
QUICK = Retry(shortest=0.01, longest=0.02)


@pytest.fixture
def sts(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    """A token service to be told what to do, reached without a proxy."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with FaultServer(answers(200, TEXT)) as server:
        yield server


def mint(source: Assertion, seconds: float = 1.0) -> str:
    """Mints as an exchange with so many seconds left does."""
    transport = RequestsTransport()
    try:
        with conversing(Conversation(transport, Deadline(SYSTEM, seconds))):
            return source.mint(SYSTEM.wall())
    finally:
        transport.close()


def refused(source: Assertion, seconds: float = 1.0) -> SaAuthError:
    """How minting fails; nothing of what was asked or answered is in the error."""
    with pytest.raises(SaAuthError) as caught:
        mint(source, seconds)
    shown = everything_of(caught.value)
    assert CANARY not in shown
    assert TEXT[:40] not in shown
    return caught.value


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """What a call gives, and how many seconds it takes."""
    began = time.monotonic()
    return call(), time.monotonic() - began


def test_whole_body(sts: FaultServer) -> None:
    """The service is asked anew for every assertion, with the caller's headers."""
    source = FromURL(sts.url(), headers={"X-Key": CANARY})
    assert (mint(source), mint(source)) == (TEXT, TEXT)
    assert [received.headers["x-key"] for received in sts.requests] == [CANARY, CANARY]
    assert sts.requests[0].line == "GET /token HTTP/1.1"


def test_field_and_body(sts: FaultServer) -> None:
    """A JSON question gets a JSON answer, compressed or not."""
    for play in (answers(200, {"data": {"token": TEXT}}), zipped(b'{"data": {"token": "%s"}}' % TEXT.encode())):
        sts.play = play
        assert mint(FromURL(sts.url(), method="POST", body={"aud": "api"}, field="data.token")) == TEXT
    assert sts.requests[0].body == b'{"aud": "api"}'
    assert sts.requests[0].headers["content-type"] == "application/json"


def test_github(sts: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job's ID token comes from the job's address with the job's bearer token."""
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", sts.url() + "?api-version=2.0")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", CANARY)
    sts.play = answers(200, {"count": len(TEXT), "value": TEXT})
    assert mint(GitHubActions("api")) == TEXT
    [received] = sts.requests
    assert received.line == "GET /token?api-version=2.0&audience=api HTTP/1.1"
    assert received.headers["authorization"] == f"Bearer {CANARY}"


def test_down(sts: FaultServer) -> None:
    """A service that does not listen is named as the token service; the call may succeed later, and then it does."""
    sts.stop()
    error = refused(FromURL(sts.url(), headers={"X-Key": CANARY}))
    assert isinstance(error, TransportError)
    assert (error.code, error.connected, error.retryable) == ("connect_failed", False, True)
    assert "the token service at 127.0.0.1" in error.message
    sts.start()
    assert mint(FromURL(sts.url())) == TEXT


SLOW = {
    "silent": silent,
    "headers": drips(b"HTTP/1.1 200 OK\r\n", endless(b"X-Slow: s\r\n")),
    "body": drips(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n", endless(b"a")),
}


@pytest.mark.parametrize("play", SLOW.values(), ids=SLOW)
def test_slow(play: Any, sts: FaultServer) -> None:
    """A service that hangs or drips is let go at the exchange's own deadline."""
    sts.play = play
    error, took = timed(lambda: refused(FromURL(sts.url(), headers={"X-Key": CANARY}), 0.3))
    assert (error.code, error.retryable) == ("timeout", True)
    assert "token service" in error.message
    assert 0.25 < took < 1.2


def test_lost(sts: FaultServer) -> None:
    """A connection that ends within the answer gives no half assertion."""
    sts.play = breaks(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + TEXT.encode())
    error = refused(FromURL(sts.url()))
    assert (error.code, error.retryable) == ("connection_lost", True)


@pytest.mark.parametrize("field", [None, "value"])
def test_web_page(field: str | None, sts: FaultServer) -> None:
    """A captive portal's page is no assertion, and gone perhaps the next time."""
    sts.play = answers(200, f"<!DOCTYPE html><html>{CANARY}</html>", "Content-Type: text/html")
    error = refused(FromURL(sts.url(), field=field))
    assert isinstance(error, ResponseError)
    assert (error.code, error.retryable, error.status) == ("not_json", True, 200)


@pytest.mark.parametrize("status", [301, 302, 307])
def test_redirect(status: int, sts: FaultServer) -> None:
    """A redirect is not followed: the second host sees no connection and none of the headers."""
    with FaultServer() as elsewhere:
        sts.play = answers(status, b"", f"Location: {elsewhere.url()}?{CANARY}")
        error = refused(FromURL(sts.url(), headers={"X-Key": CANARY}))
        assert (error.code, error.status, error.retryable) == ("redirect", status, False)
        assert elsewhere.connections == 0


def test_no_field(sts: FaultServer) -> None:
    """A JSON answer without the field is told by the field's name."""
    sts.play = answers(200, {"other": CANARY})
    error = refused(FromURL(sts.url(), field="value"))
    assert isinstance(error, ResponseError)
    assert (error.code, error.retryable) == ("assertion_missing", False)
    assert "'value'" in error.message


@pytest.mark.parametrize(("status", "retryable"), [(401, False), (403, False), (429, True), (500, True), (503, True)])
def test_refusal(status: int, retryable: bool, sts: FaultServer) -> None:
    """A refusal is told by its status and whether it may pass, with how long to wait."""
    sts.play = answers(status, f"no: {CANARY}", "Retry-After: 7")
    error = refused(FromURL(sts.url(), headers={"X-Key": CANARY}))
    assert (error.code, error.status, error.retryable, error.retry_after) == (f"http_{status}", status, retryable, 7.0)


@pytest.mark.parametrize(
    "play",
    [explodes("gzip"), streams(b"HTTP/1.1 200 OK\r\n\r\n", repeated(b"a" * 1000)), answers(200, b"a" * 300_000)],
    ids=["bomb", "endless", "large"],
)
def test_too_much(play: Any, sts: FaultServer) -> None:
    """An answer without end, or a bomb, is let go where it exceeds what any assertion is."""
    sts.play = play
    assert refused(FromURL(sts.url()), 5.0).code == "too_large"


# within an exchange


def exchange(endpoint: str, source: Assertion, **changes: Any) -> Exchange:
    """An exchange that asks with that assertion."""
    given = {"retry": QUICK, "timeout": 1.0, "transport": RequestsTransport(), **changes}
    return Exchange(endpoint=endpoint, grant=JWTBearer(source), **given)


def assertions(server: FaultServer) -> list[str]:
    """The assertions that a token endpoint was sent."""
    return [parse_qs(received.body.decode())["assertion"][0] for received in server.requests]


def test_fetched_for_every_attempt(sts: FaultServer) -> None:
    """The assertion is fetched by the exchange's transport, anew for each attempt."""
    first, second = token(exp=ALIVE, jti="1"), token(exp=ALIVE, jti="2")
    sts.play = in_turn(answers(200, first), answers(200, second))
    with FaultServer(in_turn(answers(503), honest())) as endpoint:
        assert exchange(endpoint.url(), FromURL(sts.url())).run().token.access_token
        assert assertions(endpoint) == [first, second]


def test_a_service_that_comes_back_within_the_exchange(sts: FaultServer) -> None:
    """A service that is busy once, or hands over an assertion that is half written, costs an attempt and no error."""
    sts.play = in_turn(answers(503), answers(200, TEXT[:50]), answers(200, TEXT))
    with FaultServer(honest()) as endpoint:
        assert exchange(endpoint.url(), FromURL(sts.url())).run().token.access_token
        assert assertions(endpoint) == [TEXT]


def test_one_deadline_for_both(sts: FaultServer) -> None:
    """A service that hangs ends the exchange at its deadline; the token endpoint hears nothing."""
    sts.play = silent
    with FaultServer(honest()) as endpoint:
        asked = exchange(endpoint.url(), FromURL(sts.url()), timeout=0.3)
        began = time.monotonic()
        with pytest.raises(TransportError, match="token service"):
            asked.run()
        assert time.monotonic() - began < 1.2
        assert endpoint.connections == 0


def test_a_file_that_rotates_under_load(tmp_path: Path, sts: FaultServer) -> None:
    """While a file is replaced again and again, every exchange sends a whole assertion that stood there."""
    path, texts = tmp_path / "token", [token(exp=ALIVE, jti=str(number)) for number in range(50)]
    path.write_text(texts[0])
    over = threading.Event()

    def rotate() -> None:
        for number in range(100_000):
            fresh = tmp_path / "fresh"
            fresh.write_text(texts[number % 50])
            fresh.replace(path)
            if over.is_set():
                return

    thread = threading.Thread(target=rotate)
    thread.start()
    try:
        sts.play = honest()
        for _ in range(20):
            exchange(sts.url(), FromFile(path)).run()
    finally:
        over.set()
        thread.join(5)
    assert len(assertions(sts)) == 20
    assert set(assertions(sts)) <= set(texts)
