"""Refresh tokens that rotate, among processes: the newest is used, and none is spent twice."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sa_auth import ServiceAccountCredentials
from sa_auth._secret import Secret
from sa_auth.caches import FileCache
from sa_auth.client_auth import ClientSecretBasic
from sa_auth.grants import AuthorizationCode, RefreshToken
from sa_auth.place import Place
from sa_auth.testing import Authority, ManualClock
from tests.flow.kit import OVER, fails
from tests.unit.sharing.kit import OWN_KEY, Store


def test_the_newest_refresh_token(
    process: Callable[..., Any], authority: Authority, sa_clock: ManualClock, folder: Path
) -> None:
    """Where refresh tokens rotate, each process goes on with the newest, whoever got it, and so does one that starts anew."""
    authority.refresh_tokens = "rotate"
    code = authority.issue_code("app", scope="read")
    secret = {"issuer": None, "client_auth": ClientSecretBasic("app", "canary-secret")}

    def begin() -> Any:
        return process(None, grant=AuthorizationCode(code), cache=FileCache(folder, key=OWN_KEY), **secret)

    one, two = begin(), begin()
    one.token()
    two.token()
    for turn in range(6):
        sa_clock.advance(OVER)
        (one, two)[turn % 2].token()
        assert one.token().access_token == two.token().access_token
    sa_clock.advance(OVER)
    begin().token()
    grants = [record.form["grant_type"] for record in authority.requests]
    assert grants == ["authorization_code"] + ["refresh_token"] * 7
    assert authority.exchanges == 8


def test_a_refresh_token_of_the_callers(
    process: Callable[..., Any], authority: Authority, sa_clock: ManualClock, folder: Path
) -> None:
    """The same where it began with a refresh token: a program that starts anew goes on with the newest that was kept."""
    authority.refresh_tokens = "rotate"
    secret = {"issuer": None, "client_auth": ClientSecretBasic("app", "canary-secret")}
    text = authority.issue_refresh_token("app", scope="read")

    def begin() -> Any:
        return process(None, grant=RefreshToken(text), cache=FileCache(folder, key=OWN_KEY), **secret)

    for _ in range(4):
        begin().token()
        sa_clock.advance(OVER)
        gc.collect()
    assert authority.statuses == {200: 4}


@pytest.fixture
def rotating(process: Callable[..., Any], authority: Authority, folder: Path) -> Callable[..., Any]:
    """Makes credentials of one refresh token that rotates, as so many processes."""
    authority.refresh_tokens = "rotate"
    grant = RefreshToken(authority.issue_refresh_token("app", scope="read"))

    def begin(**changes: Any) -> ServiceAccountCredentials:
        secret = {"issuer": None, "client_auth": ClientSecretBasic("app", "canary-secret")}
        return process(None, grant=grant, **{"cache": FileCache(folder, key=OWN_KEY), **secret, **changes})

    return begin


def test_newest_whatever_the_clocks_say(
    rotating: Callable[..., Any], authority: Authority, sa_clock: ManualClock
) -> None:
    """Which refresh token is the newest is counted, and not told by clocks: those of two machines may be an hour apart."""
    late = ManualClock(sa_clock.wall() - 3600)
    one, two = rotating(), rotating(clock=late)
    for turn in range(6):
        for clock in (sa_clock, late):
            clock.advance(OVER)
        (one, two)[turn % 2].token()
    assert set(authority.statuses) == {200}


def test_none_is_spent_twice(rotating: Callable[..., Any], authority: Authority, folder: Path) -> None:
    """While another process may be spending it, nobody spends it as well: the call fails, and may be made again."""
    creds = rotating(timeout=1.0)
    lock = lock_of(creds, folder)
    error = fails(creds)
    assert (error.code, error.retryable, error.attempts) == ("busy", True, 0)
    assert "refresh token that rotates" in error.hint
    assert authority.statuses == {}
    lock.release()
    assert rotating().token()


def test_one_that_stays_good_is_not_waited_for(
    rotating: Callable[..., Any], authority: Authority, folder: Path, sa_clock: ManualClock
) -> None:
    """Where the server was seen to put no other in its place, a slow holder is passed by as everywhere else."""
    authority.refresh_tokens = "keep"
    rotating().token()
    sa_clock.advance(OVER)
    creds = rotating(timeout=1.0)
    lock = lock_of(creds, folder)
    assert creds.token()
    assert authority.statuses == {200: 2}
    lock.release()


def test_its_lock_lasts_as_long_as_the_exchange(rotating: Callable[..., Any], process: Callable[..., Any]) -> None:
    """A lock that ends by itself is asked for until the exchange is over; where nothing is spent, its own lease is enough."""

    class Lasting(Store):
        def take(self, name: str, seconds: float, *, lasts: float) -> Any:
            self.calls.append(f"lasts {lasts:g}")
            return self

    cache, other = Lasting(), Lasting()
    cache.key = Secret(OWN_KEY)
    rotating(cache=cache, timeout=7.0).token()
    process(cache=other).token()
    assert "lasts 7" in cache.calls
    assert "lasts 0" in other.calls


def lock_of(creds: ServiceAccountCredentials, folder: Path) -> Any:
    """The lock of its place, as another process has it."""
    place = Place.of(FileCache(folder, key=OWN_KEY), creds._source._exchange, [])
    assert place is not None
    lock = FileCache(folder).take(place._seal.name, 0)
    assert lock is not None
    return lock
