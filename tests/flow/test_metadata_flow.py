"""From a server's name alone to a token, over HTTP: both places, a moved endpoint, a foreign name, a slow answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from sa_auth import ResponseError, Retry, ServiceAccountCredentials
from sa_auth.caches import MemoryCache
from sa_auth.grants import AuthorizationCode
from sa_auth.testing import Authority, ManualClock, Server
from tests.faults import FaultServer, answers, silent
from tests.flow.kit import OVER, PRIVATE, fails, herd


@pytest.mark.parametrize("style", ["both", "oauth", "oidc"])
@pytest.mark.parametrize("grant", ["client_credentials", "jwt_bearer"])
def test_either_place(style: str, grant: str, make: Callable[..., Any], authority: Authority) -> None:
    """The server's name is enough, in whichever of both places it tells of itself; it is every assertion's audience."""
    authority.metadata_style, authority.audience = style, tuple(authority.homes)
    assert make(grant=grant).token()
    assert (authority.metadata_reads, authority.exchanges, len(authority.requests)) == (1, 1, 1)


def test_read_once(make: Callable[..., Any], authority: Authority, sa_clock: ManualClock) -> None:
    """One reading serves renewals, what replace() makes, and 50 threads at once."""
    creds = make()
    assert len(set(map(id, herd(50, creds.token)))) == 1
    for scope in ("read", "write"):
        creds.replace(scope=scope).token()
    sa_clock.advance(OVER)
    creds.token()
    creds.revoke()
    assert (authority.metadata_reads, authority.exchanges) == (1, 4)


@pytest.mark.parametrize(
    "issuer", ["https://evil.example", None, ["http://127.0.0.1"], lambda url: f"{url}/", lambda url: url.upper()]
)
def test_foreign_name(issuer: Any, make: Callable[..., Any], authority: Authority, server: Server) -> None:
    """Metadata under another name, however alike, end it before anything is sent; corrected, they are believed."""
    authority.metadata_changes = {"issuer": issuer(server.issuer) if callable(issuer) else issuer}
    creds = make(retry=Retry(after_refusal=1))
    error = fails(creds)
    assert (type(error), error.code, authority.requests) == (ResponseError, "foreign_issuer", ())
    authority.metadata_changes = {}
    creds._given["clock"].advance(3)
    assert creds.token()


def test_moved_endpoint(make: Callable[..., Any], authority: Authority, sa_clock: ManualClock) -> None:
    """Where the endpoint refuses connections, the same exchange finds the new one."""
    with FaultServer(answers(200, b'{"access_token": "old", "token_type": "Bearer", "expires_in": 3600}')) as before:
        authority.metadata_changes = {"token_endpoint": before.url()}
        creds = make()
        assert creds.token().access_token == "old"
        before.stop()
        authority.metadata_changes = {}
        sa_clock.advance(OVER)
        assert creds.token().access_token != "old"
    assert (authority.metadata_reads, authority.exchanges) == (2, 1)


def test_a_code_waits_for_the_metadata(make: Callable[..., Any]) -> None:
    """A code is not lost to a server whose metadata are not to be had at the first attempt."""
    with FaultServer(answers(503, b"")) as away:
        creds = make(server=away.url().removesuffix("/token").rstrip("/"), grant=AuthorizationCode("c"))
        assert fails(creds).attempts == 0
        assert len(away.requests) == 3
        assert not any("POST" in received.line for received in away.requests)


def test_slow_metadata() -> None:
    """A server that never answers the question costs the caller's time-out and no more."""
    with FaultServer(silent) as slow:
        name = slow.url().removesuffix("/token").rstrip("/")
        creds = ServiceAccountCredentials(
            PRIVATE, issuer="app", server=name, grant="client_credentials", timeout=0.3, cache=MemoryCache()
        )
        began = time.monotonic()
        error = fails(creds)
        assert time.monotonic() - began < 4 * 0.3
        assert (error.retryable, error.attempts) == (True, 0)
        assert not any("POST" in received.line for received in slow.requests)
