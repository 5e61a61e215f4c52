"""What the adapter to `requests` sends, keeps to itself, and reads: on real sockets of this machine."""

from __future__ import annotations

import http.client
import json
import os
import pickle
import re
import socket
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from sa_auth import transports
from sa_auth._clock import SYSTEM, Deadline
from sa_auth.errors import ConfigError, TransportError
from sa_auth.testing import ManualClock
from sa_auth.transports import LateTransport, RequestsTransport
from sa_auth.transports import requests as adapter
from sa_auth.wire import Request, Response
from tests.faults import (
    FaultServer,
    Names,
    Peer,
    Play,
    Trust,
    answers,
    breaks,
    connects,
    drips,
    endless,
    explodes,
    honest,
    in_turn,
    reply,
    silent,
    streams,
    until,
    zipped,
)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without proxies, CA bundles and netrc."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "requests_ca_bundle", "curl_ca_bundle", "netrc"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """A server to be told what to do."""
    with FaultServer() as server:
        yield server


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    """Certificates, made once."""
    return Trust(tmp_path_factory.mktemp("trust"))


def send(
    url: str, transport: RequestsTransport | LateTransport | None = None, *, timeout: float = 5.0, **fields: Any
) -> Response:
    """Sends one request by a transport of its own, or by this one."""
    own = transport or RequestsTransport()
    try:
        return own.send(Request(url, **{"body": b"a=1", **fields}), Deadline(SYSTEM, timeout))
    finally:
        if transport is None:
            own.close()


def fails(url: str, transport: RequestsTransport | None = None, *, timeout: float = 5.0) -> TransportError:
    """The error that comes of it."""
    with pytest.raises(TransportError) as caught:
        send(url, transport, timeout=timeout)
    return caught.value


def kept(*bodies: bytes) -> Play:
    """Answers one request after the other on one connection, the last answer again and again."""

    def play(peer: Peer) -> None:
        left = list(bodies)
        while True:
            peer.read()
            body = left.pop(0) if len(left) > 1 else left[0]
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    return play


# what is sent


def test_request(server: FaultServer) -> None:
    """Method, body and headers arrive as given, with our own User-Agent and no invitation to compress."""
    response = send(
        f"{server.url()}?x=1",
        body=b"a=b%20c",
        headers={"Content-Type": "application/x-www-form-urlencoded", "X-More": "1"},
    )
    assert response.status == 200
    assert json.loads(response.body)["token_type"] == "Bearer"
    assert "date" in response.headers
    received = server.requests[0]
    assert (received.line, received.body) == ("POST /token?x=1 HTTP/1.1", b"a=b%20c")
    assert received.headers.keys() == {
        "host",
        "accept-encoding",
        "content-length",
        "content-type",
        "user-agent",
        "x-more",
    }
    assert received.headers["user-agent"].startswith("sa_auth/")
    assert received.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("way", ["plain", "tls", "proxy"])
def test_nothing_is_printed(
    server: FaultServer, trust: Trust, way: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What http.client prints of every connection, where a program has it do so, it does not print of ours."""
    proxies = {}
    if way == "tls":
        server.tls = trust.right
    elif way == "proxy":
        server.play = connects(trust.right, honest())
        proxies = {"https": f"http://127.0.0.1:{server.port}"}
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    transport = RequestsTransport(verify=trust.bundle, proxies=proxies)
    url = "https://token.test/token" if way == "proxy" else server.url()
    assert send(url, transport, headers={"Authorization": "canary"}, body=b"assertion=canary").status == 200
    transport.close()
    assert capsys.readouterr().out == ""


def test_get(server: FaultServer) -> None:
    """A request without a body can be a GET."""
    assert send(server.url(), body=b"", method="GET").status == 200
    assert server.requests[0].line == "GET /token HTTP/1.1"


def test_no_netrc(server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's netrc has a say (docs/faults.md line 33)."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password canary\ndefault login me password canary\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    send(server.url())
    assert "authorization" not in server.requests[0].headers


def test_no_cookies(server: FaultServer) -> None:
    """A cookie of one reply is not sent with the next request."""
    server.play = answers(200, b"{}", "Set-Cookie: session=canary; Path=/")
    transport = RequestsTransport()
    for _ in range(2):
        send(server.url(), transport)
    assert all("cookie" not in received.headers for received in server.requests)


def test_connection_is_kept(server: FaultServer) -> None:
    """Renewals share a connection."""
    server.play = kept(b"1", b"2")
    transport = RequestsTransport()
    assert [send(server.url(), transport).body for _ in range(3)] == [b"1", b"2", b"2"]
    assert server.connections == 1
    transport.close()


def test_connection_that_went_away(server: FaultServer) -> None:
    """A kept connection that the server has closed meanwhile is not used."""

    def once(peer: Peer) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    server.play = once
    transport = RequestsTransport()
    send(server.url(), transport)
    time.sleep(0.05)
    assert send(server.url(), transport).status == 200
    transport.close()


def test_close(server: FaultServer) -> None:
    """After close() the next request opens a new connection."""
    server.play = kept(b"{}")
    transport = RequestsTransport()
    send(server.url(), transport)
    transport.close()
    transport.close()
    send(server.url(), transport)
    transport.close()
    assert server.connections == 2


def test_child_process_has_its_own_pool(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A forked child writes on no connection of its parent, and closes none."""
    server.play = kept(b"{}")
    transport = RequestsTransport()
    send(server.url(), transport)
    parent = transport._pool()
    real = os.getpid()
    monkeypatch.setattr(adapter.os, "getpid", lambda: real + 1)
    send(server.url(), transport)
    assert server.connections == 2
    assert transport._pool() is not parent
    transport.close()
    parent.close()


# line 10: redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(server: FaultServer, status: int) -> None:
    """A redirect comes back as it is, its body unread, and the other host sees no connection."""
    with FaultServer() as other:
        server.play = answers(status, b"secret", f"Location: {other.url()}")
        response = send(server.url())
        assert (response.status, response.body, response.headers["location"]) == (status, b"", other.url())
        assert other.connections == 0


def test_bomb_in_a_redirect(server: FaultServer) -> None:
    """The body of a redirect is not decoded."""
    server.play = explodes("gzip", 307, "Location: /elsewhere")
    assert send(server.url()).body == b""


# line 12: bounds


def padded(total: int, **fields: Any) -> bytes:
    """A whole response of exactly so many bytes."""
    empty = reply(200, b"", length=10**5)
    return empty.replace(b"100000", b"%06d" % (total - len(empty))) + b" " * (total - len(empty))


@pytest.mark.parametrize(("total", "fits"), [(65_536, True), (65_537, False), (65_535, True)])
def test_wire_limit(server: FaultServer, total: int, fits: bool) -> None:
    """64 KiB of status line, headers and body are read, and not a byte more."""
    server.play = breaks(padded(total))
    if fits:
        assert len(send(server.url()).body) > 65_000
    else:
        assert fails(server.url()).code == "too_large"


@pytest.mark.parametrize(("size", "fits"), [(262_144, True), (262_145, False)])
def test_decoded_limit(server: FaultServer, size: int, fits: bool) -> None:
    """256 KiB of decoded body are read, and not a byte more."""
    server.play = zipped(b" " * size)
    if fits:
        assert len(send(server.url()).body) == size
    else:
        error = fails(server.url())
        assert (error.code, error.retryable) == ("too_large", False)


def test_headers_and_body_share_the_limit(server: FaultServer) -> None:
    """Sixty headers of 1 KB leave no room for a body of 10 KB."""
    server.play = answers(200, b" " * 10_000, *(f"X-{number}: {'x' * 1000}" for number in range(60)))
    assert fails(server.url()).code == "too_large"
    server.play = answers(200, b" " * 2_000, *(f"X-{number}: {'x' * 1000}" for number in range(60)))
    assert len(send(server.url()).body) == 2_000


def test_bombs_are_not_kept(server: FaultServer) -> None:
    """After a reply that is too large its connection is closed, and the next request has its own answer."""
    server.play = in_turn(explodes("gzip"), answers(200, b'{"next": 1}'))
    transport = RequestsTransport()
    assert fails(server.url(), transport).code == "too_large"
    assert send(server.url(), transport).body == b'{"next": 1}'
    transport.close()


# interim responses


@pytest.mark.parametrize("status", [100, 102, 103, 199])
def test_interim_responses_are_passed_over(server: FaultServer, status: int) -> None:
    """What comes before the answer is not taken for it, nor left for the next request (RFC 9110 section 15.2)."""

    def play(peer: Peer) -> None:
        number = 0
        while True:
            peer.read()
            number += 1
            peer.send(b"HTTP/1.1 %d Wait\r\nLink: </a>\r\n\r\n" % status * 2)
            peer.pause(0.02)
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % number)

    server.play = play
    transport = RequestsTransport()
    assert [send(server.url(), transport).body for _ in range(3)] == [b"1", b"2", b"3"]
    transport.close()


def test_switching_protocols_ends_the_connection(server: FaultServer) -> None:
    """A 101 that nobody asked for is an answer, and its connection is not used again."""

    def play(peer: Peer) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 101 Switch\r\nUpgrade: h2c\r\n\r\n")
        peer.hold()

    server.play = play
    transport = RequestsTransport()
    assert [send(server.url(), transport).status for _ in range(2)] == [101, 101]
    assert server.connections == 2
    transport.close()


# line 20: whose date is believed


def test_date_of_this_machine(server: FaultServer) -> None:
    """A Date over plain http from this machine may set a clock."""
    assert send(server.url()).trusted_date
    assert send(server.url("localhost")).trusted_date


def test_date_over_tls(server: FaultServer, trust: Trust) -> None:
    """A Date over TLS may set a clock."""
    server.tls = trust.right
    transport = RequestsTransport(verify=trust.bundle)
    assert send(server.url(), transport).trusted_date
    transport.close()


def test_date_from_elsewhere(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Date over plain http from elsewhere may not."""
    monkeypatch.setattr(socket, "getaddrinfo", Names().look_up)
    response = send(server.url("token.test"))
    assert response.headers["date"]
    assert not response.trusted_date


@pytest.mark.parametrize(
    "proxies", [True, "http://proxy.test", ["https"], {"https": 5}, {5: "http://proxy.test"}], ids=repr
)
def test_what_is_no_proxy(proxies: Any) -> None:
    """Proxies are named scheme by scheme; what is named otherwise is refused at once, and not repeated."""
    with pytest.raises(ConfigError, match="proxies is no dict") as caught:
        RequestsTransport(proxies=proxies)
    assert "proxy.test" not in str(caught.value)


# TLS


@pytest.mark.parametrize("verify", [False, None, 0, 1, b"ca.pem"])
def test_verification_stays_on(verify: Any) -> None:
    """There is no way to turn verification off."""
    with pytest.raises(ConfigError, match="verify"):
        RequestsTransport(verify=verify)


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_bundle_of_the_environment(
    server: FaultServer, trust: Trust, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment's CA bundle is honoured, and an argument goes before it."""
    server.tls = trust.right
    assert fails(server.url()).code == "tls_failed"
    monkeypatch.setenv(name, str(trust.bundle))
    assert send(server.url()).status == 200
    with pytest.raises(ConfigError) as caught:
        send(server.url(), RequestsTransport(verify="/no/such/bundle.pem"))
    assert caught.value.code == "ca_bundle"


def test_bundle_that_is_none(server: FaultServer, trust: Trust, tmp_path: Path) -> None:
    """A CA bundle without a certificate is a failure with a hint, not a crash."""
    server.tls = trust.right
    junk = tmp_path / "junk.pem"
    junk.write_text("no certificate")
    error = fails(server.url(), RequestsTransport(verify=junk))
    assert not error.retryable
    assert "CA bundle" in error.hint


@pytest.mark.parametrize("certificate", ["unknown", "elsewhere", "expired"])
def test_bad_certificates(server: FaultServer, trust: Trust, certificate: str) -> None:
    """A certificate of an unknown CA, for another host or out of date is refused before anything is sent."""
    server.tls = getattr(trust, certificate)
    error = fails(server.url(), RequestsTransport(verify=trust.bundle))
    assert (error.code, error.retryable, error.connected) == ("tls_failed", False, False)
    assert server.requests == []
    words = {
        "unknown": "self.signed|unable to get",
        "elsewhere": "mismatch|doesn't match|not valid for",
        "expired": "expired",
    }
    assert re.search(words[certificate], error.message), error.message


# proxies


def test_proxy_argument(server: FaultServer, trust: Trust) -> None:
    """A proxy of the argument carries the request, which it cannot read."""
    server.play = connects(trust.right, honest())
    transport = RequestsTransport(verify=trust.bundle, proxies={"https": f"http://127.0.0.1:{server.port}"})
    assert send("https://token.test/token", transport).status == 200
    transport.close()


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_proxy_of_the_environment(
    server: FaultServer, trust: Trust, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy of the environment is honoured, and so is NO_PROXY."""
    server.play = connects(trust.right, honest())
    monkeypatch.setenv(name, f"http://127.0.0.1:{server.port}")
    transport = RequestsTransport(verify=trust.bundle)
    assert send("https://token.test/token", transport).status == 200
    transport.close()
    monkeypatch.setenv("NO_PROXY", "token.test")
    names = Names()
    names.lost.add("token.test")
    monkeypatch.setattr(socket, "getaddrinfo", names.look_up)
    assert fails("https://token.test/token", transport).code == "name_not_resolved"


def test_plain_http_goes_through_no_proxy(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request to this machine over plain http is shown to no proxy of the environment."""
    with FaultServer(answers(200, b"proxy")) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        assert send(server.url()).body != b"proxy"
        assert proxy.connections == 0


@pytest.mark.parametrize("scheme", ["http", "all", "http://127.0.0.1"])
def test_plain_http_goes_through_no_proxy_of_the_argument(server: FaultServer, scheme: str) -> None:
    """A request to this machine over plain http is shown to no proxy that was named in code either."""
    with FaultServer(answers(200, b"proxy")) as proxy:
        transport = RequestsTransport(proxies={scheme: f"http://127.0.0.1:{proxy.port}"})
        assert send(server.url(), transport).body != b"proxy"
        transport.close()
        assert proxy.connections == 0


@pytest.mark.parametrize(
    "proxy", ["http://", "http://[::1", "ftp://127.0.0.1:1", "socks5://127.0.0.1:1", "http://127.0.0.1:999999", "://"]
)
def test_proxy_that_is_none(proxy: str) -> None:
    """A proxy's address that makes no sense is an error with a hint, and nothing is asked again."""
    error = fails("https://token.test/token", RequestsTransport(proxies={"https": proxy}))
    assert (error.code, error.retryable, error.connected) == ("bad_address", False, False)
    assert "HTTPS_PROXY" in error.hint


def test_proxy_password_stays_here(server: FaultServer) -> None:
    """The user and password of a proxy are in no error."""
    server.play = breaks(b"HTTP/1.1 407 No\r\n\r\n", read=False)
    error = fails(
        "https://token.test/", RequestsTransport(proxies={"https": f"http://user:canary@127.0.0.1:{server.port}"})
    )
    assert error.code == "proxy_failed"
    assert "canary" not in str(error) + repr(vars(error))


@pytest.mark.parametrize("host", ["x" * 64 + ".test", "a..test"])
def test_address_that_is_none(host: str) -> None:
    """A host name that cannot be one is an error that is not tried again."""
    error = fails(f"https://{host}/token")
    assert (error.code, error.retryable) == ("bad_address", False)


# failures


def refusing(server: FaultServer, _: pytest.MonkeyPatch) -> None:
    """Nobody listens."""
    server.stop()


def swallowing(server: FaultServer, _: pytest.MonkeyPatch) -> None:
    """Whoever connects is ignored."""
    server.swallow()


def lost(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """No name has an address."""
    names = Names()
    names.lost.add("127.0.0.1")
    monkeypatch.setattr(socket, "getaddrinfo", names.look_up)


def mute(server: FaultServer, _: pytest.MonkeyPatch) -> None:
    """The request is read, and that was that."""
    server.play = silent


def breaking(server: FaultServer, _: pytest.MonkeyPatch) -> None:
    """The request is read, and the connection broken."""
    server.play = breaks(reset=True)


@pytest.mark.parametrize(
    ("arm", "code", "connected"),
    [
        (refusing, "connect_failed", False), (swallowing, "timeout", False), (lost, "name_not_resolved", False),
        (mute, "timeout", True), (breaking, "connection_lost", True),
    ],
)  # fmt: skip
def test_connected(server: FaultServer, monkeypatch: pytest.MonkeyPatch, arm: Any, code: str, connected: bool) -> None:
    """The error tells whether the server may have seen the request, holds no foreign error, and travels."""
    arm(server, monkeypatch)
    error = fails(server.url(), timeout=0.3)
    assert (error.code, error.connected, error.retryable) == (code, connected, True)
    assert (error.__cause__, error.__context__) == (None, None)
    assert vars(pickle.loads(pickle.dumps(error))) == vars(error)
    assert "a=1" not in str(error)


def test_no_frame_holds_the_request(server: FaultServer) -> None:
    """The traceback has no frame of the HTTP library, which would hold the form."""
    server.play = breaks()
    trace = fails(server.url()).__traceback__
    files = set()
    while trace is not None:
        files.add(trace.tb_frame.f_code.co_filename)
        trace = trace.tb_next
    assert {Path(file).name for file in files} == {"test_requests.py", "requests.py"}


def test_deadline_that_has_passed(server: FaultServer) -> None:
    """With no time left nothing is waited for."""
    clock = ManualClock()
    deadline = Deadline(clock, 1)
    clock.advance(2)
    server.play = silent
    began = time.monotonic()
    with pytest.raises(TransportError) as caught:
        RequestsTransport().send(Request(server.url(), b"a=1"), deadline)
    assert caught.value.code == "timeout"
    assert time.monotonic() - began < 0.4


def test_deadline_by_the_injected_clock(server: FaultServer) -> None:
    """The deadline is looked at before each read, by the clock that was handed in."""
    clock = ManualClock()
    deadline = Deadline(clock, 10)

    def play(peer: Peer) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\n")
        clock.advance(11)
        peer.drip(endless(b"X: y\r\n"), every=0.01)

    server.play = play
    with pytest.raises(TransportError) as caught:
        RequestsTransport().send(Request(server.url(), b"a=1"), deadline)
    assert caught.value.code == "timeout"


def test_each_read_waits_for_what_is_left(server: FaultServer) -> None:
    """Where little is left of the deadline, the next read waits no longer, whatever the first one was allowed."""
    clock = ManualClock()
    deadline = Deadline(clock, 60)

    def play(peer: Peer) -> None:
        peer.read()
        clock.advance(59.8)
        peer.send(b"HTTP/1.1 ")
        peer.hold()

    server.play = play
    began = time.monotonic()
    with pytest.raises(TransportError) as caught:
        RequestsTransport().send(Request(server.url(), b"a=1"), deadline)
    assert caught.value.code == "timeout"
    assert time.monotonic() - began < 4 * 0.2


@pytest.mark.parametrize(
    "play",
    [
        breaks(b"HTTP/9.9 200 OK\r\n\r\n"), breaks(b"HTTP/1.1 abc OK\r\n\r\n"), breaks(b"\x00" * 100), breaks(b"HTTP/1.1 99 Low\r\n\r\n"),
        answers(200, b"x", "Content-Encoding: gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip"),
        breaks(b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nabcdefgh"), breaks(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n"),
        breaks(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\nabc\r\n"),
    ],
)  # fmt: skip
def test_junk_is_a_lost_connection(server: FaultServer, play: Play) -> None:
    """A server that does not speak HTTP is one more lost connection, never a foreign exception."""
    server.play = play
    error = fails(server.url())
    assert (error.code, error.retryable) in {("connection_lost", True), ("too_large", False)}


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n", b"HTTP/1.0 200\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: \xff\xfe\r\n\r\n", b"HTTP/1.1 200 \xff\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: \x01=;;;;expires=99;domain=\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Encoding: unheard\r\n\r\n",
    ],
)  # fmt: skip
def test_odd_heads(server: FaultServer, head: bytes) -> None:
    """A head that is merely odd does no harm to the body."""
    server.play = breaks(head + b"{}")
    response = send(server.url())
    assert response.status == 200
    assert response.body in {b"{}", b"no colon here\r\n\r\n{}"}


def test_repeated_headers(server: FaultServer) -> None:
    """A header that stands twice is one text, which no date or number is."""
    server.play = answers(
        503, b"", "Retry-After: 1", "Retry-After: 2", f"Date: {formatdate(0)}", f"Date: {formatdate(1)}"
    )
    assert send(server.url()).headers["retry-after"] == "1, 2"


def test_drip_frees_the_thread(server: FaultServer) -> None:
    """A drip of bytes ends at the deadline, within four times its length."""
    server.play = drips(b"HTTP/1.1 200 OK\r\n\r\n", endless(b" "))
    began = time.monotonic()
    assert fails(server.url(), timeout=0.25).code == "timeout"
    assert time.monotonic() - began < 1.0


def test_streamed_body(server: FaultServer) -> None:
    """A chunked body is put together, its trailers dropped."""
    chunks = b'5\r\n{"a":\r\n3;x=y\r\n 1}\r\n0\r\nX-Trailer: 1\r\n\r\n'
    server.play = streams(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", lambda: iter([chunks]))
    assert send(server.url()).body == b'{"a": 1}'


def test_server_sees_the_end(server: FaultServer) -> None:
    """After a failure the connection is closed, not left to the garbage collector."""
    gone: list[bytes] = []

    def play(peer: Peer) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        try:
            gone.append(peer.sock.recv(10))
        except ConnectionError:
            gone.append(b"")

    server.play = play
    transport = RequestsTransport()
    assert fails(server.url(), transport, timeout=0.2).code == "timeout"
    assert until(lambda: gone == [b""], 2)


# values


def test_pickle(server: FaultServer) -> None:
    """A transport travels as a recipe: its settings, no connection."""
    server.play = kept(b"{}")
    transport = RequestsTransport(proxies={})
    send(server.url(), transport)
    again = pickle.loads(pickle.dumps(transport))
    assert (again._verify, again._proxies) == (transport._verify, transport._proxies)
    assert repr(again) == "RequestsTransport()"
    send(server.url(), again)
    assert server.connections == 2
    for one in (transport, again):
        one.close()


@pytest.mark.parametrize(
    "proxy", ["http://robot:canary@proxy.test:3128", "http://canary@proxy.test", "robot:canary@proxy.test:3128"]
)
def test_proxy_password_does_not_travel(proxy: str) -> None:
    """A proxy's user or password goes into no pickle; a proxy without them does."""
    with pytest.raises(ConfigError) as caught:
        pickle.dumps(RequestsTransport(proxies={"https": "http://proxy.test:3128", "http": proxy}))
    assert (caught.value.code, "HTTPS_PROXY" in caught.value.hint) == ("not_picklable", True)
    assert "canary" not in str(caught.value)
    plain: dict[str, Any] = {"https": "http://proxy.test:3128", "http": None}
    assert pickle.loads(pickle.dumps(RequestsTransport(proxies=plain)))._proxies == plain


def test_proxies_are_copied() -> None:
    """Where the request goes cannot be changed after construction (docs/faults.md line 37)."""
    proxies = {"https": "http://proxy:1"}
    transport = RequestsTransport(proxies=proxies)
    proxies["https"] = "http://evil:1"
    assert transport._proxies_for("https://token.test/") == {"https": "http://proxy:1"}


def test_late_transport(server: FaultServer) -> None:
    """The default transport is made when something is first sent, and can be closed before and after."""
    late = LateTransport()
    late.close()
    assert late._transport is None
    assert send(server.url(), late).status == 200
    assert isinstance(late._transport, RequestsTransport)
    late.close()
    assert send(server.url(), late).status == 200
    late.close()


def test_shelf() -> None:
    """The shelf gives its transport by name, and nothing that it has not."""
    assert transports.RequestsTransport is adapter.RequestsTransport
    with pytest.raises(AttributeError, match="no attribute 'other'"):
        _ = transports.other


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[0:0:0:0:0:0:0:1]", "127.9.9.9"])
def test_one_meaning_of_this_machine(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every address that may be spoken to in the clear is one that no proxy of the environment is shown."""
    from sa_auth.wire import endpoint

    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    url = endpoint(f"http://{host}:8080/token", "token_endpoint", by_caller=True)
    assert RequestsTransport()._proxies_for(url) == {}
