"""Everything that a server, a network or a name service can do wrong: one row each, seen three times.

Cold: the caller gets the one error that fits, with a hint, in time. With a living token: nobody notices but the log.
After the fault is gone: the next token comes. The rows are docs/faults.md lines 10 to 20, played on real sockets.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, NamedTuple

import pytest

from sa_auth import ServiceAccountCredentials
from sa_auth.caches import MemoryCache
from sa_auth.errors import (
    InvalidClient,
    InvalidGrant,
    InvalidScope,
    ResponseError,
    SaAuthError,
    TokenEndpointError,
    TransportError,
    UnauthorizedClient,
)
from sa_auth.policy import Retry
from sa_auth.testing import new_key
from sa_auth.transports import RequestsTransport
from tests import faults
from tests.faults import (
    CHUNKED,
    FaultServer,
    Names,
    Play,
    ShiftedClock,
    Trust,
    answers,
    breaks,
    drips,
    endless,
    explodes,
    flights,
    honest,
    repeated,
    reply,
    streams,
    token_fields,
    until,
)

PRIVATE, _ = new_key("p256")
SHORT, LONG = 0.3, 2.0  # seconds for one whole exchange: where the deadline is met, and where it is out of reach
SLACK = 4  # on a real socket, four times the bound is the limit
RETRY = Retry(shortest=0.01, longest=0.05, longest_alive=0.05, after_refusal=0.05)


class Reach(NamedTuple):
    """Where a row's fault is, how it begins, and how it ends."""

    endpoint: str
    transport: RequestsTransport
    begin: Callable[[], None]
    end: Callable[[], None]


class Scene:
    """What the rows play on: servers, certificates and names, all gone at the end of the test."""

    def __init__(self, trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
        self.trust, self.monkeypatch = trust, monkeypatch
        self.server, self.second = FaultServer(), FaultServer()
        self.names = Names()

    def close(self) -> None:
        """Ends everything."""
        self.names.free()
        # What was stuck goes on now, and is let through: the ssl module leaks a socket that is reset before it is wrapped.
        until(lambda: not flights(), SLACK * LONG)
        self.server.close()
        self.second.close()

    def transport(self, **arguments: Any) -> RequestsTransport:
        """A transport that trusts the test's own certificates."""
        return RequestsTransport(verify=str(self.trust.bundle), **arguments)


Arm = Callable[[Scene], Reach]


@dataclass(frozen=True)
class Row:
    """A fault and what comes of it.

    Attributes:
        requests: How many attempts the server sees; None: as many as fit in.
        hinted: What the hint says, where the row is about that.
        retry_after: What the error says of it.
        attempts: What the error says of it; default `requests`.
        seconds: The deadline.
    """

    id: str
    arm: Arm
    error: type[SaAuthError]
    code: str
    retryable: bool
    requests: int | None
    hinted: str = ""
    retry_after: float | None = None
    attempts: int | None = None
    seconds: float = LONG


def plain(play: Play) -> Arm:
    """Over plain http to this machine."""

    def arm(scene: Scene) -> Reach:
        server = scene.server
        return Reach(
            server.url(), scene.transport(), lambda: setattr(server, "play", play),
            lambda: setattr(server, "play", honest()),
        )  # fmt: skip

    return arm


def secure(play: Play | None = None, certificate: str = "right", *, raw: bool = False) -> Arm:
    """Over TLS; `raw`: the play does its own handshake, or none."""

    def arm(scene: Scene) -> Reach:
        server = scene.server
        server.tls = scene.trust.right

        def begin() -> None:
            server.play, server.tls = play or honest(), None if raw else getattr(scene.trust, certificate)

        def end() -> None:
            server.play, server.tls = honest(), scene.trust.right

        return Reach(server.url(), scene.transport(), begin, end)

    return arm


def named(kind: str) -> Arm:
    """By a name whose look-up fails, or never ends."""

    def arm(scene: Scene) -> Reach:
        server = scene.server
        server.tls = scene.trust.right
        scene.monkeypatch.setattr("socket.getaddrinfo", scene.names.look_up)
        return Reach(
            server.url("token.test"), scene.transport(), lambda: getattr(scene.names, kind).add("token.test"),
            scene.names.free,
        )  # fmt: skip

    return arm


def proxied(play: Play | None, *, by_environment: bool) -> Arm:
    """By way of a proxy; None: one that refuses connections."""

    def arm(scene: Scene) -> Reach:
        proxy = scene.server
        through = faults.connects(scene.trust.right, honest())
        proxy.play = through
        address = f"http://127.0.0.1:{proxy.port}"
        if by_environment:
            for name in ("HTTPS_PROXY", "https_proxy"):
                scene.monkeypatch.setenv(name, address)
        transport = scene.transport(proxies=None if by_environment else {"https": address})
        begin, end = proxy.stop, proxy.start
        if play is not None:
            begin, end = lambda: setattr(proxy, "play", play), lambda: setattr(proxy, "play", through)
        return Reach("https://token.test/token", transport, begin, end)

    return arm


def closed(scene: Scene) -> Reach:
    """A port that refuses."""
    return Reach(scene.server.url(), scene.transport(), scene.server.stop, scene.server.start)


def swallowed(scene: Scene) -> Reach:
    """A host that drops whoever wants to connect."""
    return Reach(scene.server.url(), scene.transport(), scene.server.swallow, scene.server.drain)


def redirects(status: int) -> Arm:
    """To another host, which counts who comes."""

    def arm(scene: Scene) -> Reach:
        away = f"{scene.second.url('localhost')}?canary=1"
        return plain(answers(status, b"", f"Location: {away}"))(scene)

    return arm


def dated(code: str, by: float | str, status: int = 400) -> Arm:
    """A refusal by a server whose clock is so many seconds ahead, or that says junk."""

    def play(peer: faults.Peer) -> None:
        peer.read()
        date = by if isinstance(by, str) else formatdate(time.time() + by, usegmt=True)
        peer.send(reply(status, {"error": code}, f"Date: {date}"))

    return plain(play)


def later(text: str | float, status: int = 503, *, date: float | None = None) -> Arm:
    """Busy, with Retry-After: text, or a date so many seconds after the reply's own, which is itself off."""
    said = [] if date is None else [f"Date: {formatdate(time.time() + date, usegmt=True)}"]
    value = text if isinstance(text, str) else formatdate(time.time() + (date or 0) + text, usegmt=True)
    return plain(answers(status, b"", f"Retry-After: {value}", *said))


def lost(name: str, arm: Arm, requests: int = 3) -> Row:
    """A connection that ended too soon."""
    return Row(name, arm, TransportError, "connection_lost", True, requests, attempts=3)


def slow(name: str, arm: Arm, requests: int | None = 1) -> Row:
    """An answer that comes too late, or never."""
    return Row(name, arm, TransportError, "timeout", True, requests, "too slow", seconds=SHORT)


def large(name: str, arm: Arm) -> Row:
    """More than an answer can be."""
    return Row(name, arm, TransportError, "too_large", False, 1)


def no_tls(name: str, arm: Arm, hinted: str = "CA bundle") -> Row:
    """A certificate that is not trusted."""
    return Row(name, arm, TransportError, "tls_failed", False, 0, hinted, attempts=1)


def no_proxy(name: str, play: Play | None, requests: int, *, retryable: bool) -> list[Row]:
    """A proxy that does not let through, named by an argument and by the environment."""
    return [
        Row(f"{name}-{way}", proxied(play, by_environment=way == "environment"), TransportError, "proxy_failed",
            retryable, 0, "PROXY", attempts=requests)
        for way in ("argument", "environment")
    ]  # fmt: skip


def unread(name: str, body: bytes | str | dict[str, Any], status: int = 200, *fields: str) -> Row:
    """A body that is no JSON object."""
    return Row(name, plain(answers(status, body, *fields)), ResponseError, "not_json", True, 3)


def bad(name: str, code: str, **changes: Any) -> Row:
    """An answer whose token is not used."""
    return Row(name, plain(answers(200, token_fields(**changes))), ResponseError, code, False, 1)


def status(number: int, requests: int, body: bytes | str = b"") -> Row:
    """A status without a word of the RFC."""
    return Row(f"status-{number}{'-html' if body else ''}", plain(answers(number, body)), TokenEndpointError,
               f"http_{number}", requests == 3, requests)  # fmt: skip


def busy(name: str, arm: Arm, retry_after: float | None, requests: int = 1, code: str = "http_503") -> Row:
    """A server that says when to come again."""
    return Row(f"retry-after-{name}", arm, TokenEndpointError, code, True, requests, "busy or down", retry_after)


def no(code: str, error: type[SaAuthError], number: int = 400) -> Row:
    """A refusal in the words of the RFC."""
    return Row(f"{code}-{number}", plain(answers(number, {"error": code})), error, code, False, 1)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PAGE = "<!doctype html><html><body>Sign in to the hotel's network</body></html>"
PART = b'{"access_token": "never-whole", "expires_in": 3600, '

ROWS = [
    # line 11: no name, no connection, no answer
    Row("name-lost", named("lost"), TransportError, "name_not_resolved", True, 0, "spelling", attempts=3),
    slow("name-stuck", named("stuck"), 0),
    Row("refused", closed, TransportError, "connect_failed", True, 0, "down", attempts=3),
    slow("swallowed", swallowed, 0),
    slow("silent", plain(faults.silent)),
    slow("deaf", plain(faults.deaf), 0),
    slow("silent-tls", secure(faults.silent)),
    slow("deaf-tls", secure(faults.deaf, raw=True), 0),
    slow("drip-handshake", secure(faults.drips_handshake, raw=True), 0),
    slow("drip-status-line", plain(drips(b"", b"HTTP/1.1 200 OK" + b"K" * 10_000))),
    slow("drip-headers", plain(drips(HEAD, endless(b"X-Slow: " + b"s" * 100 + b"\r\n")))),
    slow("drip-interim", plain(drips(b"", endless(b"HTTP/1.1 100 Continue\r\n\r\n"), 10))),
    slow("drip-body", plain(drips(HEAD + b"Content-Length: 1000\r\n\r\n", b"{" + b" " * 1000))),
    slow("drip-body-to-the-end", plain(drips(HEAD + b"\r\n", endless(b" ")))),
    slow("drip-chunks", plain(drips(CHUNKED, endless(b"1\r\n \r\n"), 6))),
    slow("drip-chunk-size", plain(drips(CHUNKED, endless(b"0")))),
    slow("drip-trailer", plain(drips(CHUNKED + b"0\r\n", endless(b"X-Slow: s\r\n")))),
    slow("drip-body-tls", secure(drips(HEAD + b"Content-Length: 1000\r\n\r\n", b"{" + b" " * 1000))),
    slow("drip-error-body", plain(drips(b"HTTP/1.1 400 No\r\nContent-Length: 1000\r\n\r\n", b"{" + b" " * 1000))),
    # line 17: cut and broken connections
    lost("cut-at-once", plain(breaks(read=False)), 0),
    lost("reset-at-once", plain(breaks(read=False, reset=True)), 0),
    lost("cut-after-request", plain(breaks())),
    lost("reset-after-request", plain(breaks(reset=True))),
    lost("cut-status-line", plain(breaks(b"HTTP/1."))),
    lost("reset-status-line", plain(breaks(b"HTTP/1.", reset=True))),
    lost("reset-headers", plain(breaks(HEAD, reset=True))),
    lost("cut-body", plain(breaks(HEAD + b"Content-Length: 1000\r\n\r\n" + PART))),
    lost("reset-body", plain(breaks(HEAD + b"Content-Length: 1000\r\n\r\n" + PART, reset=True))),
    lost("cut-chunk", plain(breaks(CHUNKED + faults.chunked(PART) + b"ff\r\n{"))),
    lost("reset-chunk", plain(breaks(CHUNKED + faults.chunked(PART), reset=True))),
    lost("cut-body-tls", secure(breaks(HEAD + b"Content-Length: 1000\r\n\r\n" + PART))),
    lost("cut-handshake", secure(faults.breaks_handshake(reset=False), raw=True), 0),
    lost("reset-handshake", secure(faults.breaks_handshake(reset=True), raw=True), 0),
    lost("length-too-long", plain(answers(200, token_fields(), length=4000))),
    lost("not-http", plain(breaks(b"SSH-2.0-OpenSSH_9.6\r\n"))),
    lost("chunk-size-junk", plain(breaks(CHUNKED + b"zz\r\n{}\r\n"))),
    Row("length-too-short", plain(answers(200, token_fields(), length=20)), ResponseError, "not_json", True, 3),
    Row("cut-body-to-the-end", plain(breaks(HEAD + b"\r\n" + PART)), ResponseError, "not_json", True, 3),
    Row("cut-headers", plain(breaks(HEAD)), ResponseError, "not_json", True, 3),
    lost("coding-broken", plain(answers(200, b"no gzip at all", "Content-Encoding: gzip"))),
    # line 12: too much
    large("interim-flood", plain(streams(b"", repeated(b"HTTP/1.1 100 Continue\r\n\r\n")))),
    large("hints-flood", plain(streams(b"", repeated(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")))),
    large("header-long", plain(streams(HEAD + b"X-Long: ", repeated(b"x" * 100, 1000)))),
    large("header-many", plain(streams(HEAD, repeated(b"X: y\r\n", 100_000)))),
    large("body-long", plain(streams(HEAD + b"\r\n", repeated(b" " * 1000, 1000)))),
    large("body-chunks", plain(streams(CHUNKED, repeated(b"3e8\r\n" + b" " * 1000 + b"\r\n", 1000)))),
    large("body-chunks-tiny", plain(streams(CHUNKED, repeated(b"1\r\n \r\n")))),
    large("trailer-flood", plain(streams(CHUNKED + b"0\r\n", repeated(b"X: y\r\n")))),
    large("chunk-extension", plain(streams(CHUNKED + b"1;", repeated(b"x" * 100)))),
    large("bomb-gzip", plain(explodes("gzip"))),
    large("bomb-deflate", plain(explodes("deflate"))),
    large("bomb-nested", plain(explodes("gzip, gzip"))),
    large("bomb-tls", secure(explodes("gzip"))),
    large("bomb-error", plain(explodes("gzip", 500))),
    # line 17: TLS
    no_tls("tls-unknown-ca", secure(certificate="unknown")),
    no_tls("tls-wrong-host", secure(certificate="elsewhere")),
    no_tls("tls-expired", secure(certificate="expired")),
    no_tls("tls-not-spoken", secure(breaks(b"HTTP/1.1 400 Bad Request\r\n\r\n", read=False), raw=True), "the port"),
    # line 33: proxies
    *no_proxy("proxy-407", faults.refuses(407), 1, retryable=False),
    *no_proxy("proxy-403", faults.refuses(403), 1, retryable=False),
    *no_proxy("proxy-502", faults.refuses(502), 3, retryable=True),
    *no_proxy("proxy-closes", breaks(read=False), 3, retryable=True),
    *no_proxy("proxy-refused", None, 3, retryable=True),
    slow("proxy-silent", proxied(faults.deaf, by_environment=False), 0),
    slow("proxy-drips", proxied(drips(b"HTTP/1.1 200 O", endless(b"K")), by_environment=True), None),
    # line 10: redirects
    *(Row(f"redirect-{number}", redirects(number), ResponseError, "redirect", False, 1, "token_endpoint=")
      for number in (301, 302, 303, 307, 308)),
    Row("redirect-bomb", plain(explodes("gzip", 302, "Location: https://a.test/")), ResponseError, "redirect", False, 1, "token_endpoint="),
    # line 13: what is no JSON object
    unread("portal", PAGE, 200, "Content-Type: text/html"),
    unread("empty", b""),
    unread("no-content", b"", 204),
    unread("json-cut", b'{"access_token": "abc'),
    unread("json-array", b'["access_token"]'),
    unread("json-number", b"1"),
    unread("json-nan", b'{"access_token": "abc", "x": NaN}'),
    unread("json-infinity", b'{"access_token": "abc", "expires_in": Infinity}'),
    unread("json-deep", b'{"a":' * 12_000),
    unread("json-twice", b'{"access_token": "abc"}{}'),
    unread("json-bad-utf8", b'{"access_token": "abc", "x": "\xff"}'),
    unread("json-utf16", '{"access_token": "abc"}'.encode("utf-16")),
    *(Row(f"double-{name}", plain(answers(200, f'{{"access_token": "a", "{name}": 1, "{name}": 1}}')), ResponseError,
          "duplicate_field", False, 1) for name in ("access_token", "expires_in", "token_type")),
    # line 14: what is no token
    bad("token-missing", "no_access_token", access_token=None),
    bad("token-empty", "bad_access_token", access_token=""),
    bad("token-newline", "bad_access_token", access_token="abc\r\nX-Injected: 1"),
    bad("token-space", "bad_access_token", access_token="abc def"),
    bad("token-not-ascii", "bad_access_token", access_token="t\u00f6ken"),
    bad("token-long", "bad_access_token", access_token="x" * 16_385),
    bad("token-number", "bad_access_token", access_token=12345),
    bad("token-list", "bad_access_token", access_token=["abc"]),
    bad("type-mac", "unexpected_token_type", token_type="mac"),
    bad("type-number", "unexpected_token_type", token_type=1),
    # line 16: a "no"
    no("invalid_grant", InvalidGrant),
    no("invalid_grant", InvalidGrant, 200),
    no("invalid_client", InvalidClient, 401),
    no("invalid_scope", InvalidScope),
    no("unauthorized_client", UnauthorizedClient, 403),
    no("made_up", TokenEndpointError),
    # lines 16 and 17: the status speaks
    *(status(number, 3) for number in (408, 425, 429, 500, 502, 503, 504, 520)),
    *(status(number, 1) for number in (400, 401, 403, 404, 405, 413, 501, 505)),
    status(502, 3, PAGE),
    status(403, 1, PAGE),
    # line 18: Retry-After
    busy("seconds", later("120"), 120.0),
    busy("429", later("7", 429), 7.0, code="http_429"),
    busy("zero", later("0"), 0.0, 3),
    busy("negative", later("-5"), 0.0, 3),
    busy("fraction", later("2.5"), 2.5),
    busy("endless", later("1000000000"), 300.0),
    busy("junk", later("soon"), None, 3),
    busy("date", later(90.0, date=0.0), 90.0),
    busy("date-by-a-wrong-clock", later(90.0, date=-86_400.0), 90.0),
    busy("date-past", later(-90.0, date=0.0), 0.0, 3),
    busy("date-far", later(1e7, date=0.0), 300.0),
    # line 20: the server's clock is another
    Row("clock-behind", dated("invalid_grant", 120), InvalidGrant, "invalid_grant", False, 2),
    Row("clock-ahead", dated("invalid_client", -120, 401), InvalidClient, "invalid_client", False, 2),
    Row("clock-far", dated("invalid_grant", 7300), InvalidGrant, "invalid_grant", False, 1, "behind the server's"),
    Row("clock-near", dated("invalid_grant", 20), InvalidGrant, "invalid_grant", False, 1, "Usual causes"),
    Row("clock-junk", dated("invalid_grant", "yesterday"), InvalidGrant, "invalid_grant", False, 1, "Usual causes"),
]  # fmt: skip


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    """Certificates, made once."""
    return Trust(tmp_path_factory.mktemp("trust"))


@pytest.fixture
def scene(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Servers of this test alone, in an environment without proxies."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    scene = Scene(trust, monkeypatch)
    yield scene
    scene.close()
    assert not flights(), "a renewal outlives its fault"


def credentials(row: Row, reach: Reach, clock: ShiftedClock) -> ServiceAccountCredentials:
    """Credentials that ask there, with a memory of their own."""
    return ServiceAccountCredentials(
        PRIVATE, issuer="robot@example.test", scope="read", token_endpoint=reach.endpoint, transport=reach.transport,
        timeout=row.seconds, retry=RETRY, clock=clock, cache=MemoryCache(),
    )  # fmt: skip


every_fault = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)


@every_fault
def test_cold(row: Row, scene: Scene) -> None:
    """Without a token the caller gets the one error that fits, with a hint, in time, and every attempt was minted anew."""
    reach = row.arm(scene)
    reach.begin()
    with credentials(row, reach, ShiftedClock()) as creds:
        began = time.monotonic()
        with pytest.raises(SaAuthError) as caught:
            creds.token()
        took = time.monotonic() - began
    error = caught.value
    assert (type(error), error.code, error.retryable) == (row.error, row.code, row.retryable), error
    assert error.hint
    assert row.hinted in error.hint
    assert took < SLACK * row.seconds
    assert error.retry_after == row.retry_after
    if row.requests is not None:
        assert len(scene.server.requests) == row.requests
    if row.code != "timeout":  # a caller whose time is up is not told how far the flight came
        assert error.attempts == (row.requests if row.attempts is None else row.attempts)
    names = [request.claims["jti"] for request in scene.server.requests if request.line.startswith("POST")]
    assert len(set(names)) == len(names)
    assert scene.second.connections == 0
    assert not any(word in str(error) for word in ("eyJ", "canary", "never-whole", "X-Injected", "hotel"))


@every_fault
def test_living(row: Row, scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """While the held token lives it is given at once, nothing is raised, and the failure is logged once."""
    caplog.set_level(logging.INFO, "sa_auth")
    reach, clock = row.arm(scene), ShiftedClock()
    with credentials(row, reach, clock) as creds:
        held = creds.replace(timeout=10.0).token()  # which nothing is to be told of, however busy the machine
        reach.begin()
        clock.ahead = 3420.0
        began = time.monotonic()
        assert creds.token() is held
        took = time.monotonic() - began
        assert took < SLACK * 0.05
        lines = lambda: [record.getMessage() for record in caplog.records if record.name == "sa_auth"]  # noqa: E731
        logged = lambda: [line for line in lines() if line.startswith("identity")]  # noqa: E731
        assert until(logged, SLACK * row.seconds + 1)
        for _ in range(1 if row.code == "timeout" else 10):  # the next flights fail as well, and are not logged
            assert creds.token() is held
            time.sleep(0.005)
        assert until(lambda: not flights() or row.code == "timeout", SLACK * row.seconds)
        assert len(logged()) == 1
        assert f"renewal failed; the held token lives on: {row.code}" in logged()[0]


@every_fault
def test_gone(row: Row, scene: Scene) -> None:
    """When the fault is gone, the next token comes as soon as the back-off allows."""
    reach, clock = row.arm(scene), ShiftedClock()
    reach.begin()
    with credentials(row, reach, clock) as creds:
        with pytest.raises(SaAuthError) as caught:
            creds.token()
        reach.end()
        clock.ahead += caught.value.retry_after or 0.0
        began, token = time.monotonic(), None
        limit = SLACK * (max(RETRY.longest, RETRY.after_refusal) + row.seconds + 0.5)
        while token is None and time.monotonic() - began < limit:
            try:
                token = creds.token()
            except SaAuthError as error:  # noqa: PERF203
                assert error.code == row.code
                time.sleep(0.005)
        assert token is not None
        assert token.access_token.startswith("token-")
