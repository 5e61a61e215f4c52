"""Deadline, abandoned threads, memory and sizes, once on real sockets, with four times the bound as the limit.

docs/faults.md lines 10 to 12 and 19; the bounds by the injected clock are in tests/unit.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from sa_auth import ServiceAccountCredentials
from sa_auth._clock import Deadline
from sa_auth.caches import MemoryCache
from sa_auth.errors import SaAuthError, TransportError
from sa_auth.policy import Retry
from sa_auth.testing import new_key
from sa_auth.token import Token
from sa_auth.transports import RequestsTransport
from sa_auth.wire import Request, Response
from tests.faults import (
    CHUNKED,
    FaultServer,
    Names,
    Play,
    ShiftedClock,
    Trust,
    answers,
    breaks,
    deaf,
    drips,
    drips_handshake,
    endless,
    explodes,
    flights,
    honest,
    in_turn,
    repeated,
    silent,
    streams,
    until,
    zipped,
)

PRIVATE, _ = new_key("p256")
BOUND = 0.3  # seconds for one whole exchange
SLACK = 4
QUICK = Retry(shortest=0.01, longest=0.02, longest_alive=0.02, after_refusal=0.02)
HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    """Certificates, made once."""
    return Trust(tmp_path_factory.mktemp("trust"))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    """A server to be told what to do, reached without a proxy."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with FaultServer() as server:
        yield server


@pytest.fixture
def names(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    """A name service whose look-ups may be stuck; free again at the end, while the server is still there."""
    names = Names()
    monkeypatch.setattr("socket.getaddrinfo", names.look_up)
    yield names
    names.free()
    assert until(lambda: not flights(), 5)


def credentials(endpoint: str, **changes: Any) -> ServiceAccountCredentials:
    """Credentials with a memory of their own and little patience."""
    given = {"timeout": BOUND, "retry": QUICK, "cache": MemoryCache(), **changes}
    return ServiceAccountCredentials(PRIVATE, issuer="robot@example.test", token_endpoint=endpoint, **given)


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """What a call gives or raises, and how many seconds it takes."""
    began = time.monotonic()
    try:
        outcome = call()
    except SaAuthError as error:
        outcome = error
    return outcome, time.monotonic() - began


# line 11: the deadline

DRIPS: dict[str, Play] = {
    "status-line": drips(b"", HEAD.rstrip() + b"K" * 10_000),
    "headers": drips(HEAD, endless(b"X-Slow: sssssssssssss\r\n")),
    "body": drips(HEAD + b"Content-Length: 5000\r\n\r\n", endless(b" ")),
    "chunks": drips(CHUNKED, endless(b"1\r\n \r\n"), 6),
    "interim": drips(b"", endless(b"HTTP/1.1 100 Continue\r\n\r\n"), 25),
    "silence": silent,
}


@pytest.mark.parametrize("play", [*DRIPS.values(), drips_handshake], ids=[*DRIPS, "handshake"])
def test_deadline(play: Play, server: FaultServer, trust: Trust) -> None:
    """A server that drips frees its caller at the deadline, and the thread that read from it as well."""
    server.play = play
    endpoint = server.url(scheme="https" if play is drips_handshake else "http")
    error, took = timed(credentials(endpoint, transport=RequestsTransport(verify=trust.bundle)).token)
    assert isinstance(error, TransportError)
    assert (error.code, error.retryable) == ("timeout", True)
    assert BOUND * 0.9 < took < SLACK * BOUND
    assert until(lambda: not flights(), SLACK * BOUND - took)


def test_retries_share_the_deadline(server: FaultServer) -> None:
    """Three attempts of which each is slow end at one deadline, not at three."""

    def play(peer: Any) -> None:
        peer.read()
        peer.pause(BOUND / 2)
        peer.send(HEAD.replace(b"200", b"503") + b"Content-Length: 0\r\nConnection: close\r\n\r\n")

    server.play = play
    _, took = timed(credentials(server.url()).token)
    assert took < SLACK * BOUND
    assert until(lambda: not flights(), SLACK * BOUND)
    assert len(server.requests) == 2


def test_many_waiters_are_freed(server: FaultServer) -> None:
    """Fifty callers of one identity wait for one exchange, and each is freed at its own deadline."""
    server.play = silent
    creds = credentials(server.url())
    outcomes: list[tuple[Any, float]] = []
    threads = [threading.Thread(target=lambda: outcomes.append(timed(creds.token))) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SLACK * BOUND + 1)
    assert len(outcomes) == 50
    assert all(outcome.code == "timeout" and took < SLACK * BOUND for outcome, took in outcomes)
    assert len({id(outcome) for outcome, _ in outcomes}) == 50
    assert len(server.requests) == 1


def test_a_late_caller_has_its_own_deadline(server: FaultServer) -> None:
    """Whoever joins a flight that is nearly over gets what the flight brings, no later than its own deadline."""
    server.play = silent
    creds = credentials(server.url())
    first = threading.Thread(target=lambda: timed(creds.token))
    first.start()
    assert until(lambda: server.requests, 1)
    time.sleep(BOUND * 0.7)
    error, took = timed(creds.token)
    first.join()
    assert error.code == "timeout"
    assert took < BOUND * 0.9  # the flight's own end came first


# line 11: a thread that is stuck


def test_stuck_look_up(names: Names, server: FaultServer, trust: Trust) -> None:
    """A look-up that hangs frees its caller; its thread is abandoned, another flight begins, its late answer is dropped."""
    server.tls = trust.right
    names.stuck.add("token.test")
    creds = credentials(server.url("token.test"), transport=RequestsTransport(verify=trust.bundle))
    error, took = timed(creds.token)
    assert error.code == "timeout"
    assert took < SLACK * BOUND
    assert len(flights()) == 1
    names.stuck.clear()  # for whoever asks from now on; the first thread stays where it is
    token, took = None, 0.0
    began = time.monotonic()
    while not isinstance(token, Token) and took < SLACK * (BOUND + 0.5):
        token, _ = timed(creds.token)
        took = time.monotonic() - began
        time.sleep(0.01)
    assert isinstance(token, Token)
    assert names.asked == 1
    assert len(flights()) == 1
    requests = len(server.requests)
    names.free()
    assert until(lambda: not flights(), 2)
    assert creds.token() is token  # what the first thread may have brought late is dropped
    assert len(server.requests) <= requests + 1
    creds.close()


def test_one_abandoned_thread_per_host(names: Names) -> None:
    """However often it is asked, at most one thread per host is abandoned, and one more is in flight."""
    names.stuck.add("token.test")
    creds = credentials("https://token.test/token", timeout=0.15)
    ends = time.monotonic() + 2.5
    while time.monotonic() < ends:
        outcome, took = timed(creds.token)
        assert outcome.code == "timeout"
        assert took < SLACK * 0.15
        assert len(flights()) <= 2
        time.sleep(0.02)
    assert names.asked == len(flights()) == 2


def test_an_abandoned_thread_holds_no_other_host_up(names: Names, server: FaultServer) -> None:
    """While one host's look-ups hang, another host's tokens come."""
    names.stuck.add("token.test")
    stuck = credentials("https://token.test/token", timeout=0.1)
    for _ in range(3):
        assert timed(stuck.token)[0].code == "timeout"
    token, took = timed(credentials(server.url()).token)
    assert isinstance(token, Token)
    assert took < BOUND


def test_late_answer_is_dropped(names: Names, server: FaultServer, trust: Trust) -> None:
    """The token that an abandoned thread brings is not taken, not even where none is held."""
    server.tls, server.play = trust.right, honest(expires_in=86_400)
    names.stuck.add("token.test")
    slow = ShiftedClock()
    transport = RequestsTransport(verify=trust.bundle)
    creds = credentials(server.url("token.test"), transport=transport, timeout=0.2, clock=slow)
    assert timed(creds.token)[0].code == "timeout"
    time.sleep(0.7)  # until it counts as stuck
    slow.ahead = -3600.0  # so that it believes to be in time, and goes on to ask
    names.free()
    assert until(lambda: server.requests, 2)
    assert until(lambda: not flights(), 2)
    slow.ahead = 0.0
    token, _ = timed(creds.token)
    assert isinstance(token, Token)
    assert len(server.requests) == 2
    creds.close()


def test_stuck_look_up_of_a_revocation(names: Names) -> None:
    """Whoever revokes is freed at the deadline as well, with an error that tells of a token that is held on to."""
    names.stuck.add("token.test")
    issuer, real = "https://as.test", RequestsTransport()
    where = {"issuer": issuer, "token_endpoint": f"{issuer}/token", "revocation_endpoint": "https://token.test/revoke"}

    def send(request: Request, deadline: Deadline) -> Response:
        if request.url.startswith("https://token.test/"):
            return real.send(request, deadline)
        answer = where if request.method == "GET" else {"access_token": "canary-token", "expires_in": 3600}
        return Response(200, {}, json.dumps(answer).encode())

    creds = credentials(f"{issuer}/token", server=issuer, transport=SimpleNamespace(send=send))
    token = creds.token()
    error, took = timed(creds.revoke)
    assert (error.code, error.retryable) == ("timeout", True)
    assert took < SLACK * BOUND
    assert "canary" not in str(error)
    assert creds.token() is token


# rule 0, with a thread that is stuck


def test_stuck_while_a_token_lives(
    names: Names, server: FaultServer, trust: Trust, caplog: pytest.LogCaptureFixture
) -> None:
    """With a living token a look-up that hangs is noticed by nobody but the log, for as long as it hangs."""
    caplog.set_level(logging.WARNING, "sa_auth")
    server.tls = trust.right
    clock = ShiftedClock()
    creds = credentials(
        server.url("token.test"), transport=RequestsTransport(verify=trust.bundle), clock=clock, timeout=0.1
    )
    held = creds.token()
    names.stuck.add("token.test")
    clock.ahead = 3420.0
    slowest, ends = 0.0, time.monotonic() + 1.5
    while time.monotonic() < ends:
        token, took = timed(creds.token)
        assert token is held
        slowest = max(slowest, took)
        time.sleep(0.005)
    assert slowest < SLACK * 0.05
    assert len(flights()) <= 2
    assert len([record for record in caplog.records if record.name == "sa_auth"]) == 1
    creds.close()


# line 19: recovery with the default figures


@pytest.mark.parametrize("fault", ["refused", "503"])
def test_recovery(fault: str, server: FaultServer) -> None:
    """Without a token the next one comes within 2.5 s of the return of an endpoint that refused or answered 5xx."""
    if fault == "refused":
        server.stop()
    else:
        server.play = answers(503)
    creds = credentials(server.url(), retry=Retry(), timeout=10.0)
    assert timed(creds.token)[0].retryable
    if fault == "refused":
        server.start()
    else:
        server.play = honest()
    began, token = time.monotonic(), None
    while not isinstance(token, Token) and time.monotonic() - began < SLACK * 2.5:
        token, _ = timed(creds.token)
        time.sleep(0.01)
    assert isinstance(token, Token)
    assert time.monotonic() - began < SLACK * 2.5


def test_back_off_spares_the_server(server: FaultServer) -> None:
    """A thousand calls in a second of a broken endpoint make a handful of requests, not a thousand."""
    server.play = answers(503)
    creds = credentials(server.url(), retry=Retry(), timeout=5.0)
    ends, calls = time.monotonic() + 2.0, 0
    while time.monotonic() < ends:
        outcome, _ = timed(creds.token)
        assert outcome.status == 503
        calls += 1
        time.sleep(0.001)
    assert calls > 100
    assert len(server.requests) <= 12
    assert until(lambda: not flights(), 5)


# line 12: memory

CHILD = """
import json, sys
from sa_auth import ServiceAccountCredentials
from sa_auth._clock import Deadline
from sa_auth.caches import MemoryCache
from sa_auth.errors import SaAuthError
from sa_auth.policy import Retry

def run(endpoint):
    creds = ServiceAccountCredentials(
        KEY, issuer="robot", token_endpoint=endpoint, cache=MemoryCache(), timeout=20,
        retry=Retry(attempts=1))
    with creds:
        try:
            return creds.token().token_type
        except SaAuthError as error:
            return error.code

def resident(name):
    # Not getrusage: its peak outlives exec, and so would be the parent's.
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(name))

plan = json.loads(sys.stdin.read())
KEY = plan["key"]
for warm in plan["warm"]:
    run(warm)
for name, endpoint in plan["worst"].items():
    with open("/proc/self/clear_refs", "w") as clear:
        clear.write("5")
    before = resident("VmRSS")
    print(json.dumps([name, run(endpoint), resident("VmHWM") - before]), flush=True)
"""

WORST: dict[str, tuple[Play, str]] = {
    "bomb-gzip": (explodes("gzip"), "too_large"),
    "bomb-deflate": (explodes("deflate"), "too_large"),
    "bomb-nested": (explodes("gzip, gzip"), "too_large"),
    "bomb-redirect": (explodes("gzip", 302, "Location: https://a.test/"), "redirect"),
    "bomb-error": (explodes("gzip", 500), "too_large"),
    "endless-body": (streams(HEAD + b"\r\n", repeated(b" " * 1000)), "too_large"),
    "endless-headers": (streams(HEAD, repeated(b"X: y\r\n")), "too_large"),
    "endless-chunks": (streams(CHUNKED, repeated(b"1\r\n \r\n")), "too_large"),
    "deep-json": (zipped(b"[" * 262_000), "not_json"),
    "deep-objects": (zipped(b'{"a":' * 52_000), "not_json"),
    "many-lists": (zipped(b'{"access_token":"a","x":[' + b"[[]]," * 52_000 + b"0]}"), "not_json"),
    "many-objects": (zipped(b'{"access_token":"a","x":[' + b"{}," * 87_000 + b"0]}"), "not_json"),
    "many-names": (
        zipped(b'{"access_token":"a"' + b"".join(b',"%x":1' % number for number in range(27_000)) + b"}"),
        "Bearer",
    ),
    "many-numbers": (zipped(b'{"access_token":"a","x":[' + b"1.5," * 65_000 + b"0]}"), "Bearer"),
    "huge-number": (zipped(b'{"access_token":"a","expires_in":' + b"9" * 262_000 + b"}"), "Bearer"),
    "huge-text": (zipped(b'{"access_token":"a","x":"' + b"\\u4e2d" * 43_000 + b'"}'), "Bearer"),
    "huge-description": (zipped(b'{"error":"invalid_grant","error_description":"' + b"x" * 262_000 + b'"}'), "invalid_grant"),
    "huge-error": (zipped(b'{"error":"' + b"x" * 262_000 + b'"}'), "x" * 64),
}  # fmt: skip


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="resident memory is read from /proc")
def test_memory() -> None:
    """A gigabyte of zeros, and each worst answer we could think of, costs less than 8 MB of memory."""
    servers = {name: FaultServer(play) for name, (play, _) in WORST.items()}
    warm = [FaultServer(honest()), FaultServer(zipped(b'{"access_token": "a"}')), FaultServer(answers(400))]
    plan = {
        "key": PRIVATE,
        "warm": [server.url() for server in warm],
        "worst": {name: server.url() for name, server in servers.items()},
    }
    try:
        done = subprocess.run(
            [sys.executable, "-c", CHILD], input=json.dumps(plan).encode(), capture_output=True, timeout=50, check=True
        )
    finally:
        for server in (*servers.values(), *warm):
            server.close()
    found = {name: (outcome, grown) for name, outcome, grown in map(json.loads, done.stdout.splitlines())}
    assert {name: outcome for name, (outcome, _) in found.items()} == {name: code for name, (_, code) in WORST.items()}
    assert {name: grown for name, (_, grown) in found.items() if grown >= 8e6} == {}
    assert any(grown > 0 for _, grown in found.values())  # the measure measures


def test_worst_answers_are_judged_in_time(server: FaultServer) -> None:
    """No answer keeps the processor busy for longer than the deadline."""
    for name, (play, code) in WORST.items():
        server.play = play
        outcome, took = timed(credentials(server.url(), timeout=2.0, retry=Retry(attempts=1)).token)
        assert getattr(outcome, "code", "Bearer") == code, name
        assert took < 2.0, name


# line 10: the second host


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect(status: int, server: FaultServer) -> None:
    """The host that a redirect names sees no connection, and of its address the error names the host alone."""
    with FaultServer() as second:
        away = second.url("localhost").replace("http://", "http://user:pw@") + "?code=canary#canary"
        server.play = answers(status, b'{"access_token": "canary"}', f"Location: {away}")
        error, _ = timed(credentials(server.url()).token)
        assert error.code == "redirect"
        assert "localhost" in error.message
        assert not any(word in str(error) for word in ("canary", "pw", str(second.port), "/token?"))
        assert (len(server.requests), second.connections) == (1, 0)


# many at once


def test_a_herd_on_a_broken_endpoint(server: FaultServer) -> None:
    """Two hundred identities at an endpoint that breaks every connection get their errors, sixteen at a time."""
    server.play = breaks(reset=True)
    creds = [credentials(server.url(), subject=f"user-{number}", timeout=10.0) for number in range(200)]
    most: list[int] = []
    outcomes: list[Any] = []
    threads = [threading.Thread(target=lambda one=one: outcomes.append(timed(one.token)[0])) for one in creds]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        most.append(len(flights()))
        time.sleep(0.002)
    for thread in threads:
        thread.join()
    assert {outcome.code for outcome in outcomes} == {"connection_lost"}
    assert max(most) <= 16
    assert len(server.requests) == 600
    assert len({request.claims["jti"] for request in server.requests}) == 600


def test_a_deaf_endpoint_does_not_starve_another(server: FaultServer) -> None:
    """Sixteen flights that hang at one endpoint hold those of another up no longer than their deadline."""
    server.play = deaf
    hanging = [credentials(server.url(), subject=f"user-{number}") for number in range(16)]
    for creds in hanging:
        creds.poll()
    with FaultServer() as other:
        token, took = timed(credentials(other.url(), timeout=2.0).token)
        assert isinstance(token, Token)
        assert took < SLACK * BOUND
    assert until(lambda: not flights(), SLACK * BOUND)


def test_a_fault_in_between(server: FaultServer) -> None:
    """Faults that pass within one exchange are seen by nobody: the third attempt brings the token."""
    server.play = in_turn(breaks(reset=True), answers(503), honest())
    token, _ = timed(credentials(server.url(), timeout=5.0).token)
    assert isinstance(token, Token)
    assert len({request.claims["jti"] for request in server.requests}) == 3
