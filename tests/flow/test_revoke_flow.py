"""revoke() over HTTP: what the server was told, what is still held when it was not, and what comes after."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from sa_auth import ConfigError, SaAuthError, ServiceAccountCredentials, TokenEndpointError
from sa_auth.caches import MemoryCache
from sa_auth.grants import AuthorizationCode
from sa_auth.testing import Authority, ManualClock, Server
from sa_auth.testing.faults import reply
from tests.flow.kit import OVER


@pytest.fixture
def authority(authority: Authority) -> Authority:
    """It rotates its refresh tokens."""
    authority.refresh_tokens = "rotate"
    return authority


def refused(creds: ServiceAccountCredentials) -> SaAuthError:
    """The error that revoke() raises."""
    with pytest.raises(SaAuthError) as caught:
        creds.revoke()
    return caught.value


def told(authority: Authority) -> list[str | None]:
    """The hints of the revocations that were accepted."""
    return [hint for hint, _ in authority.revocations]


def test_what_comes_after(make: Callable[..., Any], authority: Authority, server: Server) -> None:
    """The token is worthless at once, and a later call asks for another; a second revoke() ends that one."""
    creds = make()
    token = creds.token()
    creds.revoke()
    headers = {"Authorization": token.authorization}
    assert requests.get(server.api_url, headers=headers, timeout=10).status_code == 401
    assert authority.revocations == [("access_token", True)]
    assert creds.token().access_token != token.access_token
    creds.revoke()
    assert told(authority) == ["access_token"] * 2
    assert authority.exchanges == 2


def test_nothing_held(make: Callable[..., Any], authority: Authority) -> None:
    """Where nothing is held nothing is sent, not even the question where to."""
    creds = make()
    creds.revoke()
    assert (authority.requests, authority.metadata_reads) == ((), 0)
    creds.token()
    creds.revoke()
    before = len(authority.requests)
    creds.revoke()
    assert len(authority.requests) == before


@pytest.mark.parametrize("held", ["fresh", "over", "discarded", "by the memory"])
def test_the_whole_sign_in(held: str, make: Callable[..., Any], authority: Authority, sa_clock: ManualClock) -> None:
    """What came of a code is ended by its refresh token, whether the access token lives, is over or was refused."""
    memory, grant = MemoryCache(), AuthorizationCode(authority.issue_code("app"))
    creds = make(grant=grant, cache=memory)
    token = creds.token()
    if held == "over":
        sa_clock.advance(OVER)
    elif held == "discarded":
        creds.discard(token)
    elif held == "by the memory":
        creds.discard(token)
        del creds
        creds = make(grant=grant, cache=memory)
    creds.revoke()
    assert authority.revocations[0] == ("refresh_token", True)
    assert told(authority) == ["refresh_token", "access_token"]
    for later in (creds, make(grant=grant, cache=memory)):
        with pytest.raises(ConfigError) as caught:
            later.token()
        assert caught.value.code == "code_used", "nothing of the sign-in is left, in the memory neither"


@pytest.mark.parametrize(
    ("status", "body", "retryable"),
    [(503, {}, True), (429, {}, True), (400, {"error": "unsupported_token_type"}, False), (401, {}, False)],
)
def test_not_done(status: int, body: Any, retryable: bool, make: Callable[..., Any], authority: Authority) -> None:
    """Where the server did not do it that is an error, and the token is still held: it may still be of use."""
    creds = make()
    token = creds.token()
    with authority.revoke_faults.plan(reply(status, body)):
        error = refused(creds)
    assert isinstance(error, TokenEndpointError)
    assert (error.status, error.retryable, error.attempts) == (status, retryable, 3 if retryable else 1)
    assert creds.token() is token
    creds.revoke()
    assert told(authority)[-1] == "access_token"


def test_server_gone(make: Callable[..., Any], server: Server) -> None:
    """A server that is not there is an error that says so, and the token is still held."""
    creds = make()
    token = creds.token()
    server.close()
    assert refused(creds).retryable
    assert creds.token() is token


def test_no_endpoint(make: Callable[..., Any], authority: Authority, server: Server) -> None:
    """Where nobody names a revocation endpoint that is an error before anything is sent; the token is still held."""
    authority.metadata_changes = {"revocation_endpoint": None}
    for creds in (make(), make(grant="jwt_bearer", server=None, token_endpoint=server.token_endpoint)):
        token, before = creds.token(), len(authority.requests)
        error = refused(creds)
        assert (type(error), error.code, len(authority.requests)) == (ConfigError, "no_revocation_endpoint", before)
        assert creds.token() is token
    authority.metadata_changes = {}
    creds = make()
    creds.token()
    creds.revoke()


def test_self_signed(make: Callable[..., Any], authority: Authority) -> None:
    """A token that no server gave cannot be taken back: an error that says what to do instead."""
    creds = make(grant="self_signed", server=None, audience="https://api.example/")
    token = creds.token()
    error = refused(creds)
    assert (type(error), error.code, authority.requests) == (ConfigError, "not_revocable", ())
    assert error.hint
    assert creds.token() is token
