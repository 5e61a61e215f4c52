"""One renewal per identity, whatever threads and tasks do; over HTTP on loopback."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import pytest

from sa_auth import InvalidGrant, SaAuthError, ServiceAccountCredentials, Token
from sa_auth.flight import Flight
from sa_auth.testing import Authority, ManualClock
from tests.flow.kit import EXPIRED, LIFE, STALE, eventually, herd


@pytest.fixture
def make(make_robot: Callable[..., ServiceAccountCredentials]) -> Callable[..., ServiceAccountCredentials]:
    """Makes credentials of an identity of their own."""
    return make_robot


def flight_of(creds: ServiceAccountCredentials) -> Flight | None:
    """The renewal under way."""
    return creds._source._slot.flight


# --- herds


def test_cold_herd(authority: Authority, make: Callable[..., ServiceAccountCredentials]) -> None:
    """200 threads that all need the first token cause one exchange, and get the same token."""
    authority.delay = 0.2
    creds = make()
    outcomes = herd(200, creds.token)
    assert {id(outcome) for outcome in outcomes} == {id(creds.token())}
    assert authority.exchanges == 1


def test_cold_herd_on_many_objects(authority: Authority, make: Callable[..., ServiceAccountCredentials]) -> None:
    """So do 200 threads that each make the credentials anew, as a worker per request does."""
    authority.delay = 0.2
    creds = make()
    outcomes = herd(200, lambda: creds.replace().token())
    assert {outcome.access_token for outcome in outcomes} == {creds.token().access_token}
    assert authority.exchanges == 1


def test_expired_herd(
    authority: Authority, make: Callable[..., ServiceAccountCredentials], sa_clock: ManualClock
) -> None:
    """200 threads that find the token expired cause one exchange, and none of them gets the old one."""
    creds = make()
    old = creds.token()
    sa_clock.advance(EXPIRED)
    authority.delay = 0.2
    outcomes = herd(200, creds.token)
    assert len({id(outcome) for outcome in outcomes}) == 1
    assert outcomes[0].access_token != old.access_token
    assert authority.exchanges == 2


def test_stale_herd(
    authority: Authority, make: Callable[..., ServiceAccountCredentials], sa_clock: ManualClock
) -> None:
    """200 threads that find the token stale get it at once, while one renewal goes on behind their backs."""
    creds = make()
    old = creds.token()
    sa_clock.advance(STALE)
    with authority.hold():
        outcomes = herd(200, creds.token)
        assert all(outcome is old for outcome in outcomes)
        assert flight_of(creds) is not None
    eventually(lambda: creds.token() is not old)
    assert authority.exchanges == 2


def test_poll_never_waits(
    authority: Authority, make: Callable[..., ServiceAccountCredentials], sa_clock: ManualClock
) -> None:
    """poll() gives the held token while it lives, and else the one future that all who ask are given."""
    creds = make()
    with authority.hold():
        first, second = creds.poll(), creds.poll()
        assert isinstance(first, Flight)
        assert first is second
    assert isinstance(first.result(10), Token)
    assert creds.poll() is first.result()
    sa_clock.advance(STALE)
    with authority.hold():
        assert creds.poll() is first.result()
    eventually(lambda: flight_of(creds) is None)
    sa_clock.advance(EXPIRED)
    third = creds.poll()
    assert isinstance(third, Flight)
    assert third.result(10) is not first.result()


@pytest.mark.parametrize("refused", [False, True])
def test_who_is_called_back_has_the_result(
    refused: bool, authority: Authority, make: Callable[..., ServiceAccountCredentials]
) -> None:
    """A callback of the future may ask it for its result, token or error, and waits for nobody."""
    if refused:
        authority.answer(400, {"error": "invalid_grant"})
    told: list[Any] = []

    def ask(flight: Any) -> None:
        try:
            told.append(flight.result())
        except SaAuthError as error:
            told.append(error)

    creds = make()
    with authority.hold():
        future = creds.poll()
        assert isinstance(future, Flight)
        future.add_done_callback(ask)
        assert told == []
    eventually(lambda: told)
    assert type(told[0]) is (InvalidGrant if refused else Token)


@pytest.mark.parametrize("trouble", ["503", "unreachable", "a web page", "invalid_grant"])
def test_endpoint_down_while_the_token_lives(
    trouble: str, authority: Authority, make: Callable[..., ServiceAccountCredentials], sa_clock: ManualClock
) -> None:
    """While the held token lives no failure reaches a caller, and the return of the endpoint is noticed."""
    creds = make()
    old = creds.token()
    sa_clock.advance(STALE)
    if trouble == "unreachable":
        authority.unreachable = True
    elif trouble == "invalid_grant":
        authority.answer(400, {"error": "invalid_grant"})
    else:
        authority.answer(503) if trouble == "503" else authority.answer(200, "<html>Sign in to the hotel's network")
    ends_at = sa_clock.now().boot + 100
    while sa_clock.now().boot < ends_at:
        assert creds.token() is old
        eventually(lambda: flight_of(creds) is None)
        sa_clock.advance(1)
    assert authority.exchanges == 1
    assert trouble == "unreachable" or len(authority.requests) > 1
    authority.up()
    sa_clock.advance(31)
    assert creds.token() is old
    eventually(lambda: creds.token() is not old)
    assert authority.exchanges == 2


def test_error_is_shared_as_copies(authority: Authority, make: Callable[..., ServiceAccountCredentials]) -> None:
    """A flight's error reaches each waiter as an object of its own, with its own traceback and no context."""
    authority.answer(400, {"error": "invalid_grant", "error_description": "no"})
    authority.delay = 0.2
    creds = make()
    errors = herd(50, creds.token)
    assert all(type(error) is InvalidGrant for error in errors)
    assert len({id(error) for error in errors}) == 50
    assert len({str(error) for error in errors}) == 1
    traces: set[int] = set()
    for error in errors:
        assert error.__cause__ is None
        assert error.__context__ is None
        trace = error.__traceback__
        while trace is not None:
            assert id(trace) not in traces
            traces.add(id(trace))
            trace = trace.tb_next
    assert len(authority.requests) == 1


def test_late_callers_are_told_without_asking(
    authority: Authority, make: Callable[..., ServiceAccountCredentials], sa_clock: ManualClock
) -> None:
    """Whoever comes during the pause after a refusal gets the same error, and the endpoint no request."""
    authority.answer(400, {"error": "invalid_grant"}, times=1)
    creds = make()
    with pytest.raises(InvalidGrant) as first:
        creds.token()
    errors = herd(20, creds.token)
    assert all(type(error) is InvalidGrant for error in errors)
    assert len({id(error) for error in [*errors, first.value]}) == 21
    assert all(error.retry_after == pytest.approx(10) for error in errors)
    assert len(authority.requests) == 1
    sa_clock.advance(10.1)
    assert creds.token()


def test_refused_token_herd(authority: Authority, make: Callable[..., ServiceAccountCredentials]) -> None:
    """200 threads holding the same refused token cause one exchange, and all get the same other token."""
    creds = make()
    refused = creds.token()
    authority.delay = 0.2

    def again() -> Token:
        creds.discard(refused)
        return creds.token()

    outcomes = herd(200, again)
    assert {id(outcome) for outcome in outcomes} == {id(creds.token())}
    assert outcomes[0] is not refused
    assert authority.exchanges == 2


def test_persistent_refusal(
    authority: Authority, make: Callable[..., ServiceAccountCredentials], sa_clock: ManualClock
) -> None:
    """However often an API says 401, renewals that it forces are at least 30 seconds apart."""
    creds = make()
    creds.token()
    renewed_at = []
    for _ in range(100):
        before = authority.exchanges
        creds.discard(creds.token())
        creds.token()
        if authority.exchanges > before:
            renewed_at.append(sa_clock.now().boot)
        sa_clock.advance(1)
    gaps = [later - earlier for earlier, later in zip(renewed_at, renewed_at[1:], strict=False)]
    assert gaps == [30.0, 30.0, 30.0]


def test_discard_of_another_token(authority: Authority, make: Callable[..., ServiceAccountCredentials]) -> None:
    """Discarding a token that is no longer the held one, or of another identity, changes nothing."""
    creds, other = make(), make()
    first = creds.token()
    creds.discard(first)
    second = creds.token()
    creds.discard(first)
    creds.discard(other.token())
    assert creds.token() is second
    assert authority.exchanges == 3


def test_last_resort(
    authority: Authority, make: Callable[..., ServiceAccountCredentials], sa_clock: ManualClock
) -> None:
    """If the renewal after a 401 fails, the discarded token is used on, and the API decides; no error is raised."""
    creds = make()
    token = creds.token()
    with authority.down():
        creds.discard(token)
        assert creds.token() is token
        asked = len(authority.requests)
        creds.discard(token)
        assert creds.token() is token
        assert len(authority.requests) == asked, "during the pause nobody asks again"
    sa_clock.advance(31)
    creds.discard(token)
    assert creds.token() is not token


def test_last_resort_does_not_outlive_itself(
    authority: Authority, make: Callable[..., ServiceAccountCredentials], sa_clock: ManualClock
) -> None:
    """A discarded token that has expired meanwhile is no resort: the error is raised."""
    creds = make()
    creds.discard(creds.token())
    sa_clock.advance(EXPIRED)
    authority.down()
    with pytest.raises(SaAuthError, match="503"):
        creds.token()


def test_min_ttl(authority: Authority, make: Callable[..., ServiceAccountCredentials], sa_clock: ManualClock) -> None:
    """min_ttl moves the line to EXPIRED for one call, and what the flight brings is given whatever its life."""
    creds = make()
    first = creds.token(min_ttl=LIFE)
    assert creds.token(min_ttl=LIFE) is first
    sa_clock.advance(1000)
    assert creds.token(min_ttl=2500) is first
    second = creds.token(min_ttl=2601)
    assert second is not first
    assert creds.token(min_ttl=10 * LIFE) is not second, "no token lives that long, and yet there is no loop"
    assert authority.exchanges == 3
    authority.delay = 0.2
    sa_clock.advance(1000)
    assert len({id(outcome) for outcome in herd(50, lambda: creds.token(min_ttl=3000))}) == 1
    assert authority.exchanges == 4


# --- tasks


def test_tasks(authority: Authority, make: Callable[..., ServiceAccountCredentials], sa_clock: ManualClock) -> None:
    """500 tasks that wait for an expired token cause one exchange; one cancelled and one timed out touch no other."""
    creds = make()
    creds.token()
    sa_clock.advance(EXPIRED)
    authority.delay = 0.3

    async def wait() -> Token:
        got = creds.poll()
        return got if isinstance(got, Token) else await asyncio.shield(asyncio.wrap_future(got))

    async def main() -> list[Any]:
        tasks = [asyncio.ensure_future(wait()) for _ in range(500)]
        impatient = asyncio.ensure_future(asyncio.wait_for(wait(), 0.02))
        await asyncio.sleep(0.05)
        tasks[7].cancel()
        outcomes = await asyncio.gather(*tasks, impatient, return_exceptions=True)
        return list(outcomes)

    outcomes = asyncio.run(main())
    assert isinstance(outcomes.pop(7), asyncio.CancelledError)
    assert isinstance(outcomes.pop(), asyncio.TimeoutError)
    assert {id(outcome) for outcome in outcomes} == {id(creds.token())}
    assert authority.exchanges == 2


def test_unshielded_tasks(authority: Authority, make: Callable[..., ServiceAccountCredentials]) -> None:
    """Even a waiter that forgot the shield cancels nobody's flight but its own waiting."""
    authority.delay = 0.2
    creds = make()

    async def main() -> Any:
        first = asyncio.wrap_future(creds.poll())  # type: ignore[arg-type]  # cold, so it is a future
        second = asyncio.wrap_future(creds.poll())  # type: ignore[arg-type]
        await asyncio.sleep(0.02)
        first.cancel()
        return await second

    assert asyncio.run(main()) is creds.token()
    assert authority.exchanges == 1


def test_failed_tasks_get_copies(authority: Authority, make: Callable[..., ServiceAccountCredentials]) -> None:
    """Tasks get the flight's error as objects of their own, too."""
    authority.answer(400, {"error": "invalid_grant"})
    creds = make()

    async def wait() -> Token:
        got = creds.poll()
        return got if isinstance(got, Token) else await asyncio.shield(asyncio.wrap_future(got))

    async def main() -> list[Any]:
        return list(await asyncio.gather(*(wait() for _ in range(20)), return_exceptions=True))

    errors = asyncio.run(main())
    assert all(type(error) is InvalidGrant for error in errors)
    assert len({id(error) for error in errors}) == 20
    assert len(authority.requests) == 1


def test_a_thread_that_gives_up(authority: Authority, make: Callable[..., ServiceAccountCredentials]) -> None:
    """A thread whose own deadline passes leaves the flight to the others."""
    creds = make()
    with authority.hold():
        future = creds.poll()
        assert isinstance(future, Flight)
        with pytest.raises(TimeoutError if sys.version_info >= (3, 11) else Exception):
            future.result(0.02)
        assert not future.cancel()
    assert future.result(10) is creds.token()
    assert authority.exchanges == 1
