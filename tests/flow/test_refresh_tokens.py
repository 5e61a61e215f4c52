"""Refresh tokens over HTTP: rotation, what they outlive, what is lost on the way and what is refused."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sa_auth
from sa_auth import ConfigError, InvalidGrant, Retry, ServiceAccountCredentials, TransportError
from sa_auth.caches import MemoryCache
from sa_auth.grants import AuthorizationCode, Grant, RefreshToken, TokenExchange
from sa_auth.testing import Authority, ManualClock, Record, Server
from tests.faults import FaultServer, Peer, reply
from tests.flow.kit import OVER, STALE, eventually, fails, herd


@pytest.fixture
def authority(authority: Authority) -> Authority:
    """It rotates its refresh tokens, and takes the second use of one for theft."""
    authority.refresh_tokens = "rotate"
    return authority


@pytest.fixture
def make(make: Callable[..., ServiceAccountCredentials], server: Server) -> Callable[..., ServiceAccountCredentials]:
    """Makes credentials of a code, or of another grant."""

    def credentials(grant: Grant | str | None = None, **changes: Any) -> ServiceAccountCredentials:
        grant = grant or AuthorizationCode(server.authority.issue_code("app", scope="read"))
        return make(grant=grant, token_endpoint=server.token_endpoint, **changes)

    return credentials


def grants(authority: Authority) -> list[str]:
    """What was asked by, request by request."""
    return [record.form["grant_type"].rpartition(":")[2] for record in authority.requests]


def refreshes(authority: Authority) -> list[Record]:
    """The requests by a refresh token."""
    return [record for record in authority.requests if record.form["grant_type"] == "refresh_token"]


# --- rotation


def test_rotation(make: Callable[..., Any], authority: Authority, sa_clock: ManualClock) -> None:
    """One sign-in lasts over many renewals, each by the newest refresh token and for the scope that was granted."""
    creds = make(scope="read")
    tokens = {creds.token().access_token}
    for _ in range(20):
        sa_clock.advance(OVER)
        tokens.add(creds.token().access_token)
        assert creds.token().scope == "read"
    assert grants(authority) == ["authorization_code"] + ["refresh_token"] * 20
    sent = [record.form["refresh_token"] for record in refreshes(authority)]
    assert (len(tokens), len(set(sent))) == (21, 20)
    assert not any("scope" in record.form for record in refreshes(authority))


def test_herd(make: Callable[..., Any], authority: Authority, sa_clock: ManualClock) -> None:
    """200 threads that find the token over send the refresh token once: a second use would cost the whole sign-in."""
    creds = make()
    creds.token()
    sa_clock.advance(OVER)
    authority.delay = 0.1
    got = herd(200, lambda: creds.token().access_token)
    assert set(got) == {creds.token().access_token}
    assert grants(authority) == ["authorization_code", "refresh_token"]


def test_kept_where_no_new_one_comes(make: Callable[..., Any], authority: Authority, sa_clock: ManualClock) -> None:
    """An answer without a new refresh token leaves the old one in use (RFC 6749 section 6)."""
    creds = make()
    creds.token()
    authority.refresh_tokens = None
    for _ in range(3):
        sa_clock.advance(OVER)
        creds.token()
    assert len(refreshes(authority)) == 3
    assert len({record.form["refresh_token"] for record in refreshes(authority)}) == 1


def test_a_refresh_token_to_begin_with(make: Callable[..., Any], authority: Authority, sa_clock: ManualClock) -> None:
    """Credentials made of a refresh token go on with the newest, and never fall back to the first."""
    creds = make(RefreshToken(authority.issue_refresh_token("app", scope="read")))
    for _ in range(3):
        creds.token()
        sa_clock.advance(OVER)
    assert len({record.form["refresh_token"] for record in authority.requests}) == 3
    with authority.answer(400, {"error": "invalid_grant"}):
        assert "sign in again" in fails(creds).hint
    assert len(authority.requests) == 4


# --- it outlives the token that it came with


def test_kept_after_a_401(make: Callable[..., Any], authority: Authority) -> None:
    """A refused token is discarded, and what came with it gets the next one."""
    creds = make()
    creds.discard(creds.token())
    assert creds.token()
    assert grants(authority) == ["authorization_code", "refresh_token"]


def test_kept_though_the_endpoint_was_down(
    make: Callable[..., Any], authority: Authority, sa_clock: ManualClock
) -> None:
    """It outlives a discarded token whose end came before its replacement, and failures on the way."""
    creds = make()
    creds.discard(creds.token())
    sa_clock.advance(OVER)
    authority.unreachable = True
    for _ in range(3):
        assert fails(creds).retryable
        sa_clock.advance(60)
    authority.up()
    assert creds.token()
    assert grants(authority) == ["authorization_code", "refresh_token"]


@pytest.mark.parametrize("discarded", [False, True])
def test_kept_by_the_memory(
    discarded: bool, make: Callable[..., Any], authority: Authority, sa_clock: ManualClock
) -> None:
    """New credentials that share the memory go on where others, gone since, left off; a refused token stays refused."""
    memory, grant = MemoryCache(), AuthorizationCode(authority.issue_code("app"))
    first = make(grant, cache=memory)
    old = first.token()
    if discarded:
        first.discard(old)
    else:
        sa_clock.advance(OVER)
    del first
    gc.collect()
    assert make(grant, cache=memory).token().access_token != old.access_token
    assert grants(authority) == ["authorization_code", "refresh_token"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_kept_over_a_fork() -> None:
    """A forked child renews by the refresh token that its parent was given."""
    script = """
import os
from sa_auth import ServiceAccountCredentials
from sa_auth.client_auth import ClientSecretBasic
from sa_auth.grants import AuthorizationCode
from sa_auth.testing import Authority, ManualClock
clock = ManualClock()
authority = Authority(clock=clock)
authority.register("app", client_secret="s" * 40)
authority.refresh_tokens = "rotate"
with authority.serve() as server:
    creds = ServiceAccountCredentials(
        client_auth=ClientSecretBasic("app", "s" * 40), token_endpoint=server.token_endpoint, clock=clock,
        grant=AuthorizationCode(authority.issue_code("app")))
    old = creds.token().access_token
    pid = os.fork()
    if pid == 0:
        clock.advance(3600)
        os._exit(0 if creds.token().access_token != old else 1)
    print(os.waitpid(pid, 0)[1], [record.form["grant_type"] for record in authority.requests])
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(sa_auth.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("0 ['authorization_code', 'refresh_token']", "")


# --- what goes wrong


def test_lost_answer(make: Callable[..., Any], authority: Authority, sa_clock: ManualClock) -> None:
    """Where the server may have rotated it and the answer is lost, it is not sent again in that exchange."""
    creds = make()
    creds.token()
    sa_clock.advance(OVER)
    authority.cut = 5
    error = fails(creds)
    assert isinstance(error, TransportError)
    assert (error.connected, error.attempts, len(refreshes(authority))) == (True, 1, 1)


def test_lost_answer_where_the_grant_can_be_repeated(
    make: Callable[..., Any], authority: Authority, sa_clock: ManualClock
) -> None:
    """There the first grant is asked by in the same exchange, and the caller sees nothing of it."""
    creds = make(TokenExchange(authority.issue(issuer="x", lifetime=1e9), "access_token", audience="inventory"))
    creds.token()
    sa_clock.advance(OVER)
    with authority.answer(503, times=1):
        assert creds.token()
    assert grants(authority) == ["token-exchange", "refresh_token", "token-exchange"]


def test_nobody_notices_while_the_token_lives(
    make: Callable[..., Any], authority: Authority, sa_clock: ManualClock
) -> None:
    """Whatever happens to the refresh token, callers get the held token while it lives."""
    authority.refresh_tokens = "keep"  # a planned answer judges all the same, and would use a rotating one up
    creds = make()
    held = creds.token()
    sa_clock.advance(STALE)
    for status, body in ((503, ""), (400, {"error": "invalid_grant"}), (200, "<html>")):
        with authority.answer(status, body):
            before = len(authority.requests)
            assert creds.token() is held
            eventually(lambda before=before: len(authority.requests) > before)
            eventually(lambda: creds._source._slot.flight is None)
        sa_clock.advance(31)
    creds.token()
    eventually(lambda: creds.token() is not held)


@pytest.mark.parametrize("kind", ["client_credentials", "jwt_bearer", "token_exchange"])
def test_refused(kind: str, make: Callable[..., Any], authority: Authority, sa_clock: ManualClock) -> None:
    """A refused refresh token is let go, and the first grant is asked by where it can be repeated."""
    grant: Any = TokenExchange(authority.issue(issuer="x", lifetime=1e9), "access_token") if kind[0] == "t" else kind
    creds = make(grant)
    answer = {"access_token": "a", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "unknown"}
    with authority.answer(200, answer, times=1):
        assert creds.token().access_token == "a"
    sa_clock.advance(OVER)
    assert creds.token().access_token != "a"
    first = "token-exchange" if kind[0] == "t" else kind.replace("jwt_", "jwt-")
    assert grants(authority) == [first, "refresh_token", first]
    creds.discard(creds.token())
    creds.token()
    assert "unknown" not in [record.form.get("refresh_token") for record in authority.requests[3:]]


def test_refused_after_a_code(make: Callable[..., Any], authority: Authority, sa_clock: ManualClock) -> None:
    """After a code there is nothing to fall back to: the error says that the person has to sign in again."""
    creds = make()
    creds.token()
    sa_clock.advance(OVER)
    with authority.answer(400, {"error": "invalid_grant", "error_description": "used"}, times=1):
        error = fails(creds)
    assert (type(error), error.attempts, error.retryable) == (InvalidGrant, 1, False)
    assert "sign in again" in error.hint


def test_endpoint_down(sa_clock: ManualClock) -> None:
    """Where no connection is made the refresh token is still good: it is tried again, and the first one after works."""
    count = iter(range(9))

    def give(peer: Peer) -> None:
        peer.read()
        fields = {"access_token": f"a{next(count)}", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "r"}
        peer.send(reply(200, json.dumps(fields).encode(), "Connection: close"))

    with FaultServer(give) as endpoint:
        creds = ServiceAccountCredentials(
            issuer="app", token_endpoint=endpoint.url(), grant=AuthorizationCode("c"), clock=sa_clock,
            cache=MemoryCache(), retry=Retry(attempts=3),
        )  # fmt: skip
        creds.token()
        sa_clock.advance(OVER)
        endpoint.stop()
        error = fails(creds)
        assert isinstance(error, TransportError)
        assert (error.connected, error.attempts) == (False, 3)
        endpoint.start()
        sa_clock.advance(3)
        assert creds.token().access_token == "a1"
        assert [b"refresh_token=r" in received.body for received in endpoint.requests] == [False, True]


def test_a_code_is_sent_once(make: Callable[..., Any], authority: Authority) -> None:
    """A code that was sent serves nobody else: neither other credentials of it nor replace() make a request."""
    grant = AuthorizationCode(authority.issue_code("app", scope="read"))
    creds = make(grant)
    creds.token()
    for other in (make(grant), creds.replace(scope="read")):
        error = fails(other)
        assert (type(error), error.code, error.attempts) == (ConfigError, "code_used", 0)
        assert "sign in again" in error.hint
    assert len(authority.requests) == 1
    assert creds.token(), "the first one's sign-in is untouched"


def test_one_family_of_two_scopes(make: Callable[..., ServiceAccountCredentials], authority: Authority) -> None:
    """Credentials of another scope go on by the newest refresh token, and not by the one that was used up."""
    creds = make(RefreshToken(authority.issue_refresh_token("app", scope="read write")))
    creds.token()
    assert creds.replace(scope="read").token().scope == "read"
    assert creds.replace(scope="write").token().scope == "write"
    sent = [record.form["refresh_token"] for record in refreshes(authority)]
    assert len(set(sent)) == 3
