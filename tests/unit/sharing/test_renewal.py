"""One renewal over a cache by itself: when it looks, takes the lock, waits, asks all the same, or gives up; and what it tells."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from sa_auth._clock import SYSTEM
from sa_auth._secret import Secret
from sa_auth.errors import SaAuthError, TokenEndpointError
from sa_auth.events import Event
from sa_auth.exchange import Exchange
from sa_auth.grants import RefreshToken
from sa_auth.place import Place
from sa_auth.policy import Held, Retry, Wanted
from sa_auth.sharing import Renewal
from sa_auth.testing import ManualClock
from sa_auth.token import Token
from sa_auth.wire import Response
from tests.unit.exchange_kit import Carrier, Once, exchange, said, token
from tests.unit.sharing.kit import Store, warnings_of

SECRET = b"s" * 32


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    """It, in the system clock's place."""
    made = ManualClock()
    monkeypatch.setattr(type(SYSTEM), "boot", lambda _self: made.boot())
    monkeypatch.setattr(type(SYSTEM), "sleep", lambda _self, seconds: made.sleep(max(seconds, 1e-6)))
    return made


class Taken(Store):
    """A cache whose lock another process has; who waits for it lets time pass."""

    def __init__(self, clock: ManualClock, meanwhile: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self.clock, self.meanwhile, self.waits = clock, meanwhile, []  # type: ignore[var-annotated]

    def take(self, name: str, seconds: float, *, lasts: float) -> Any:
        self.waits.append(seconds)
        self.clock.advance(max(seconds, 1e-6))  # however little is to be waited, some time goes by
        self.meanwhile()


class Run:
    """A renewal over a cache."""

    def __init__(
        self, clock: ManualClock, cache: Any, *answers: Any, urgent: bool = True, unwanted: bool = False, **changes: Any
    ):
        self.carrier, self.cache, self.story = Carrier(clock, *answers or (token(),)), cache, []  # type: ignore[var-annotated]
        self.exchange: Exchange = exchange(
            clock, self.carrier, **{"secret": lambda: SECRET, "retry": Retry(attempts=1), **changes}
        )
        self.urgent, self.unwanted = urgent, unwanted

    def go(self, wanted: Wanted | None = None) -> Held | None:
        """What it brings."""
        with self.exchange.conversation() as within:
            made = Renewal(self.exchange, within, self.story, lambda: self.urgent, lambda: self.unwanted)
            return made.shared(self.cache, wanted or Wanted())

    def place(self) -> Place:
        """Its place, as another process has it."""
        made = Place.of(self.cache, self.exchange, [])
        assert made is not None
        return made

    @property
    def names(self) -> list[str]:
        """What was told."""
        return [event.name for event in self.story]


def held(clock: ManualClock, text: str = "theirs", **more: Any) -> Held:
    """A token that another process has got."""
    now = clock.now()
    made = Token(text, expires_at=now.wall + 3600, refresh_at=now.wall + 3300, issued_at=now.wall)
    return Held(made, now.boot, **more)


def test_with_the_lock(clock: ManualClock) -> None:
    """It looks for a token and an error, takes the lock without waiting, looks again, asks, leaves it, and gives the lock back."""
    run = Run(clock, Store())
    found = run.go()
    assert found is not None
    assert found.token.access_token == "abc"
    assert run.cache.calls == ["get", "get", "take", "get", "get", "put", "release"]
    assert run.story == [Event("exchange", run.exchange.identity.hex()[:8], "", 0.0)]


def test_found(clock: ManualClock) -> None:
    """A token that is there is taken, and that is told with the cache's name; no lock is needed."""
    run = Run(clock, Store())
    run.place().publish(held(clock))
    run.cache.calls.clear()
    found = run.go()
    assert found is not None
    assert found.token.access_token == "theirs"
    assert run.cache.calls == ["get"]
    assert run.story == [Event("adopted", run.exchange.identity.hex()[:8], "mine", 0.0)]
    assert run.carrier.asked == []


def test_found_once_the_lock_was_had(clock: ManualClock) -> None:
    """What the one before left is taken once the lock is had, and the lock is given back."""
    cache = Store()
    run = Run(clock, cache)
    take = cache.take

    def left_something(*given: Any, **options: Any) -> Any:
        run.place().publish(held(clock))
        return take(*given, **options)

    cache.take = left_something  # type: ignore[method-assign]
    found = run.go()
    assert found is not None
    assert (found.token.access_token, cache.calls[-1], run.names) == ("theirs", "release", ["adopted"])


def test_nobody_waits(clock: ManualClock) -> None:
    """Where another process is asking and nobody here waits there is no token, no wait and no request."""
    cache = Taken(clock)
    run = Run(clock, cache, urgent=False)
    assert run.go() is None
    assert (cache.waits, run.story, run.carrier.asked) == ([0.0], [], [])


def test_waiting_and_then_asking(clock: ManualClock, caplog: pytest.LogCaptureFixture) -> None:
    """Who waits does so in short turns for half of its time, then asks all the same; told, and logged."""
    cache = Taken(clock)
    run = Run(clock, cache, timeout=2.0)
    found = run.go()
    assert found is not None
    assert cache.waits[0] == 0.0
    assert max(cache.waits) == 0.05
    assert sum(cache.waits) == pytest.approx(1.0, abs=1e-3)
    name = run.exchange.identity.hex()[:8]
    assert [(event.name, event.tier, round(event.seconds, 2)) for event in run.story] == [
        ("waited", "mine", 1.0), ("bypassed", "mine", 0.0), ("cache_failure", "mine", 0.0), ("exchange", "", 0.0),
    ]  # fmt: skip
    assert run.story[2].code == "slow_holder"
    assert warnings_of(caplog) == [
        f"identity {name}: the mine cache: another process has been asking for long; asking as well"
    ]
    assert run.carrier.left == [pytest.approx(1.0, abs=0.01)], "the wait was a part of the whole"
    assert run.place().look(Wanted()) is not None, "it is left for the others"


def test_waiting_and_then_finding(clock: ManualClock) -> None:
    """What another process leaves meanwhile is taken; the wait is told once, before that."""
    began = clock.boot()

    def meanwhile() -> None:
        if clock.boot() - began > 0.3:
            run.place().publish(held(clock))

    cache = Taken(clock, meanwhile)
    run = Run(clock, cache, timeout=2.0)
    found = run.go()
    assert found is not None
    assert found.token.access_token == "theirs"
    assert [(event.name, event.tier) for event in run.story] == [("waited", "mine"), ("adopted", "mine")]
    assert 0.29 < run.story[0].seconds < 0.5


def test_how_long_an_exchange_took(clock: ManualClock) -> None:
    """The seconds of an exchange are told, a wait for another process not among them."""
    run = Run(clock, Store())
    run.carrier.takes = 1.5
    run.go()
    assert [(event.name, event.seconds) for event in run.story] == [("exchange", 1.5)]


def test_a_refresh_token_where_nothing_is_shared(clock: ManualClock) -> None:
    """Without a place in the cache the refresh token of before is used all the same."""
    run = Run(clock, Store(), secret=lambda: None)
    run.go(Wanted(held(clock, refresh_token=Secret("again"))))
    assert run.carrier.asked == ["refresh_token"]


def test_what_is_good_once_is_not_spent_twice(clock: ManualClock) -> None:
    """Beside another process no second request is made with what is good once: that fails after nine tenths of the time."""
    cache = Taken(clock)
    run = Run(clock, cache, timeout=2.0, kind=Once)
    with pytest.raises(SaAuthError) as caught:
        run.go()
    assert (str(caught.value), caught.value.retryable) == (
        (
            "busy: Another process has been asking for this token for long. Hint: No second request is made beside it, since "
            "the server takes a code, or a refresh token that rotates, but once. Ask again; if this lasts, look for a process "
            "that is stopped. More: docs/errors/busy.md."
        ),
        True,
    )
    assert sum(cache.waits) == pytest.approx(1.8, abs=1e-3)
    assert run.carrier.asked == []
    assert [(event.name, event.tier) for event in run.story] == [("waited", "mine")]


def test_how_long_the_lock_lasts(clock: ManualClock) -> None:
    """Where what is asked by is good once, the lock has to last as long as the exchange; else as long as the cache will."""
    for kind, lasts in ((Once, 3.0), (None, 0.0)):
        cache = Store()
        seen: list[float] = []
        cache.take = lambda _name, _seconds, *, lasts, seen=seen: seen.append(lasts)  # type: ignore[method-assign, misc]
        run = Run(clock, cache, timeout=3.0, urgent=False, **({"kind": kind} if kind else {}))
        run.go()
        assert seen == [lasts]


def test_a_lock_that_cannot_be_had_at_all(clock: ManualClock) -> None:
    """Where the cache has no lock to give, it is asked at once, and what comes is left there."""
    cache = Store()

    def broken(*_given: Any, **_options: Any) -> Any:
        raise OSError

    cache.take = broken  # type: ignore[method-assign]
    run = Run(clock, cache)
    assert run.go() is not None
    assert cache.calls == ["get", "get", "get", "get", "put"]
    assert "waited" not in run.names


def test_a_failure_is_left_and_raised(clock: ManualClock) -> None:
    """What the server answered is raised to this one and left for the others, and the lock is given back."""
    run = Run(clock, Store(), said(503))
    with pytest.raises(TokenEndpointError) as caught:
        run.go()
    assert (caught.value.status, run.cache.calls[-2:]) == (503, ["put", "release"])
    assert run.place().failure() is not None


def test_what_is_unwanted_by_now(clock: ManualClock) -> None:
    """A token whose predecessor was revoked meanwhile is given to who waits, and left for nobody."""
    run = Run(clock, Store(), unwanted=True)
    assert run.go() is not None
    assert "put" not in run.cache.calls


def test_an_error_of_before(clock: ManualClock) -> None:
    """During another process's pause who waits is told the error as it is by then, after half of its time, and asks nothing."""
    failing = Run(clock, Store(), said(503), retry=Retry(attempts=1, shortest=2.0))
    with pytest.raises(TokenEndpointError):
        failing.go()
    run = Run(clock, failing.cache, timeout=2.0)
    with pytest.raises(TokenEndpointError) as caught:
        run.go()
    assert (caught.value.elsewhere, run.carrier.asked, run.names) == (True, [], ["waited"])
    assert caught.value.retry_after == pytest.approx(1.0, abs=0.01)
    clock.advance(1.1)
    assert run.go() is not None


def test_an_error_and_nobody_waits(clock: ManualClock) -> None:
    """Who renews behind a living token is told another process's error at once."""
    failing = Run(clock, Store(), said(503), retry=Retry(attempts=1, shortest=2.0))
    with pytest.raises(TokenEndpointError):
        failing.go()
    run = Run(clock, failing.cache, urgent=False)
    began = clock.boot()
    with pytest.raises(TokenEndpointError):
        run.go()
    assert clock.boot() == began


def test_an_error_that_ends_in_time(clock: ManualClock) -> None:
    """Who can wait for the end of that pause does, and then asks."""
    failing = Run(clock, Store(), said(503), retry=Retry(attempts=1, shortest=0.4, longest=0.4))
    with pytest.raises(TokenEndpointError):
        failing.go()
    run = Run(clock, failing.cache, timeout=2.0)
    began = clock.boot()
    assert run.go() is not None
    assert clock.boot() - began == pytest.approx(0.4, abs=0.01)
    assert run.names == ["waited", "exchange"]
    assert run.story[0].seconds == pytest.approx(0.4, abs=0.01)


def test_the_key_is_looked_at(clock: ManualClock) -> None:
    """A key that may have changed is looked at before the place is named by it, but not read for nothing."""
    looked: list[bool] = []

    def reload(whatever: bool) -> bool:
        looked.append(whatever)
        return False

    run = Run(clock, Store(), reload=reload)
    run.place().publish(held(clock))
    run.go()
    assert looked == [False]


def test_how_often_another_came(clock: ManualClock) -> None:
    """With each refresh token that takes another's place the count goes up by one, and with the same one it stays."""
    for kept, given, count in (("old", "new", 4), ("old", "old", 3), ("old", None, 3), (None, "new", 0)):
        fields = b'{"access_token": "abc", "expires_in": 60' + (
            b', "refresh_token": "%s"}' % given.encode() if given else b"}"
        )
        run = Run(clock, Store(), token()._replace(body=fields))
        before = held(clock, refresh_token=Secret(kept), rotations=3) if kept else held(clock)
        with run.exchange.conversation() as within:
            found = Renewal(run.exchange, within, [], lambda: True, lambda: False).ask(before)
        assert found.rotations == count, (kept, given)
        assert run.carrier.asked[0] == ("refresh_token" if kept else "jwt-bearer")
    with run.exchange.conversation() as within:
        assert Renewal(run.exchange, within, [], lambda: True, lambda: False).ask(None).rotations == 0


def test_how_often_another_came_of_a_given_one(clock: ManualClock) -> None:
    """What takes the place of the refresh token that the caller gave counts as well, and so does each that follows."""
    answer = token()._replace(body=b'{"access_token": "abc", "expires_in": 60, "refresh_token": "second"}')
    run = Run(clock, Store(), answer, grant=RefreshToken("first of a family"))
    with run.exchange.conversation() as within:
        renewal = Renewal(run.exchange, within, [], lambda: True, lambda: False)
        assert renewal.ask(None).rotations == 1
    following = Run(clock, Store(), answer, grant=RefreshToken("first of another"))
    with following.exchange.conversation() as within:
        renewal = Renewal(following.exchange, within, [], lambda: True, lambda: False)
        same = held(clock, refresh_token=Secret("second"), rotations=1)
        assert renewal.ask(same).rotations == 1


def test_no_place_at_all(clock: ManualClock) -> None:
    """Where nothing can be shared it is asked as if there were no cache."""
    run = Run(clock, Store(), secret=lambda: None)
    assert run.go() is not None
    assert (run.cache.calls, run.names) == ([], ["exchange"])


@pytest.mark.parametrize(("kind", "part"), [(None, 0.5), (Once, 0.9)])
def test_how_long_the_cache_may_take(kind: Any, part: float, clock: ManualClock) -> None:
    """A cache that is slow is left alone once half of the time is gone, or nine tenths where what is asked by is good once."""
    cache = Store()

    def slowly(_name: str) -> None:
        cache.calls.append("get")
        clock.advance(0.45)

    cache.get = slowly  # type: ignore[method-assign, assignment]
    run = Run(clock, cache, timeout=2.0, **({"kind": kind} if kind else {}))
    run.go()
    assert cache.calls.count("get") == -int(-part * 2.0 // 0.45)


def test_an_error_after_a_wait(clock: ManualClock) -> None:
    """Who has waited for a lock, and then is told of an error, waits no longer for both than half of its time."""
    began = clock.boot()
    left: list[bool] = []

    def meanwhile() -> None:
        if clock.boot() - began > 0.3 and not left:
            left.append(True)
            run.place().fail(TokenEndpointError("503", retryable=True, status=503))

    run = Run(clock, Taken(clock, meanwhile), timeout=2.0, retry=Retry(attempts=1, shortest=2.0))
    with pytest.raises(TokenEndpointError):
        run.go()
    assert clock.boot() - began == pytest.approx(1.0, abs=0.01)


def test_a_wait_that_nobody_needs_any_more(clock: ManualClock) -> None:
    """Where nobody waits any more nothing is brought, and how long the lock was waited for is told by the cache's name."""

    def meanwhile() -> None:
        run.urgent = clock.boot() - began < 0.04

    began = clock.boot()
    run = Run(clock, Taken(clock, meanwhile))
    assert run.go() is None
    assert run.story == [Event("waited", run.exchange.identity.hex()[:8], "mine", pytest.approx(0.05, abs=1e-3))]


@pytest.mark.parametrize(("takes", "left"), [(6.8, True), (7.2, False)])
@pytest.mark.parametrize("answer", [token(), said(503)], ids=["token", "error"])
def test_time_for_two_acts_is_kept_free(clock: ManualClock, answer: Response, takes: float, left: bool) -> None:
    """What came of an exchange is left for the others where two acts, as slow as the slowest so far, are over in time."""
    cache = Store()

    def slowly(_name: str) -> None:
        clock.advance(0.5)

    cache.get = slowly  # type: ignore[method-assign, assignment]
    run = Run(clock, cache, answer, timeout=10.0)
    run.carrier.takes = takes
    with suppress(TokenEndpointError):
        run.go()
    assert run.carrier.asked == ["jwt-bearer"]
    assert cache.calls == ["take", *["put"] * left, "release"]
