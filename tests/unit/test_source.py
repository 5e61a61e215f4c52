"""One identity's tokens over planned answers: when is asked, what a failure leaves, what is said; by a clock moved by hand."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest

from sa_auth import slot
from sa_auth import source as module
from sa_auth._clock import Instant
from sa_auth.caches import MemoryCache
from sa_auth.crew import Crew
from sa_auth.errors import ConfigError, InvalidGrant, SaAuthError, TransportError
from sa_auth.events import listen
from sa_auth.exchange import Exchange
from sa_auth.flight import Flight, timed_out, unmade
from sa_auth.policy import Held, Retry
from sa_auth.source import TokenSource
from sa_auth.testing import ManualClock
from sa_auth.token import Token
from sa_auth.wire import Response
from tests.flow.kit import eventually
from tests.unit.exchange_kit import LOST, Answer, Carrier, exchange, said, token

ONCE = Retry(attempts=1)


def named(text: str, life: float = 3600) -> Response:
    """An answer with a token of that name."""
    return Response(200, {}, b'{"access_token": "%s", "expires_in": %d}' % (text.encode(), life))


class Site:
    """A source over planned answers."""

    def __init__(self, clock: ManualClock, *answers: Answer, **changes: Any) -> None:
        self.clock, self.memory = clock, MemoryCache()
        self.carrier = Carrier(clock, *answers)
        self.exchange: Exchange = exchange(clock, self.carrier, **{"retry": ONCE, **changes})
        self.source = TokenSource(self.exchange, self.memory)

    def settled(self) -> Site:
        """Waits until nothing is under way."""
        eventually(lambda: self.source._slot.flight is None)
        return self

    def text(self, min_ttl: float = 0.0) -> str:
        """The token that is given."""
        return self.source.token(min_ttl).access_token

    def error(self) -> SaAuthError:
        """The error that is raised."""
        with pytest.raises(SaAuthError) as caught:
            self.source.token()
        return caught.value

    @property
    def count(self) -> int:
        """Requests so far."""
        return len(self.carrier.asked)


# --- what is asked for


@pytest.mark.parametrize("min_ttl", [True, "5", None, [], 1j])
def test_no_number_of_seconds(min_ttl: Any, sa_clock: ManualClock) -> None:
    """What a caller needs of a life is a number of seconds; anything else is refused before anything is asked."""
    site = Site(sa_clock, named("one"))
    with pytest.raises(ConfigError) as caught:
        site.source.token("x" if min_ttl is None else min_ttl)
    assert (
        str(caught.value)
        == "bad_argument: min_ttl is no number. Hint: It is in seconds. More: docs/errors/bad_argument.md."
    )
    assert site.count == 0


def test_a_life_that_is_needed(sa_clock: ManualClock) -> None:
    """A held token that lives shorter than the caller needs is renewed for it, and one that lives that long is given."""
    site = Site(sa_clock, named("one", 100), named("two", 100))
    assert (site.text(), site.text(100)) == ("one", "one")
    sa_clock.advance(1)
    assert (site.text(99), site.text(99.5), site.text()) == ("one", "two", "two")
    assert site.count == 2


def test_what_a_renewal_brings_is_given(sa_clock: ManualClock) -> None:
    """Whatever life is needed, a token that was just asked for is given: the next would live no longer."""
    site = Site(sa_clock, named("one", 100), named("two", 100), named("three", 100))
    assert (site.text(1000), site.text(1000)) == ("one", "two")


def test_the_margin_is_everybodys(sa_clock: ManualClock) -> None:
    """poll() and token() both take a token with seconds left where nobody needs more."""
    site = Site(sa_clock, named("one", 5), named("two"))
    site.text()
    sa_clock.advance(4.2)
    with_a_moment_left = site.source.poll()
    assert isinstance(with_a_moment_left, Token)
    assert with_a_moment_left.access_token == "one"
    site.settled()


def test_a_moment_is_enough(sa_clock: ManualClock) -> None:
    """token() gives a token with less than a second left where nobody says that more is needed."""
    site = Site(sa_clock, named("one", 5), named("two"))
    site.text()
    sa_clock.advance(4.3)
    assert site.source.token().access_token == "one"
    site.settled()


def test_what_discard_takes(sa_clock: ManualClock) -> None:
    """A text is no token to discard; the refusal says what is."""
    with pytest.raises(ConfigError) as caught:
        Site(sa_clock, named("one")).source.discard("one")  # type: ignore[arg-type]
    assert (
        str(caught.value)
        == "bad_argument: discard() was given a str. Hint: It takes a Token. More: docs/errors/bad_argument.md."
    )


# --- what a failure leaves


def test_a_failure_is_everybodys_for_its_pause(sa_clock: ManualClock) -> None:
    """For the pause after a failure who asks is told how it ended and when the next attempt is, and nothing is sent."""
    site = Site(sa_clock, Response(400, {}, b'{"error": "invalid_grant"}'), named("one"))
    first = site.error()
    assert type(first) is InvalidGrant
    sa_clock.advance(4)
    again = site.error()
    assert (type(again), again.code, again.retry_after, site.count) == (InvalidGrant, "invalid_grant", 6.0, 1)
    assert again.hint == f"{first.hint} This is the outcome of a moment ago; the next attempt is in 6.0 s."
    sa_clock.advance(5.5)
    assert site.error().retry_after == 0.5
    sa_clock.advance(0.5)
    assert (site.text(), site.count) == ("one", 2)


def test_a_failure_without_advice(sa_clock: ManualClock) -> None:
    """The time of the next attempt is said as well where the error had no advice of its own."""
    site = Site(sa_clock, SaAuthError("no", retryable=True))
    site.error()
    assert site.error().hint.startswith("This is the outcome of a moment ago; the next attempt is in ")


def test_pauses_grow(sa_clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each failure in a row makes the next pause longer, to the longest; a success begins again with the least."""
    monkeypatch.setattr("sa_auth.slot.random.random", lambda: 1.0)
    site = Site(sa_clock, *[LOST] * 5, named("one", 10), LOST)
    pauses = []
    for _ in range(5):
        site.error()
        pauses.append(round(site.error().retry_after or 0, 6))
        sa_clock.advance(pauses[-1])
    assert pauses == [0.4, 0.8, 1.6, 2.0, 2.0]
    assert site.text() == "one"
    sa_clock.advance(10)
    site.error()
    assert site.error().retry_after == pytest.approx(0.4)


def test_another_way_may_be_asked_at_once(sa_clock: ManualClock) -> None:
    """Who asks by another transport, time-out or retry is not held up by a failure of this way, and has one of its own."""
    site = Site(sa_clock, said(400, "invalid_grant"))
    site.error()
    other = exchange(sa_clock, Carrier(sa_clock, said(400, "invalid_scope")), retry=ONCE)
    second = TokenSource(other, site.memory)
    for _ in range(2):
        with pytest.raises(SaAuthError) as caught:
            second.token()
        assert caught.value.code == "invalid_scope"
    assert len(other.transport.asked) == 1  # type: ignore[attr-defined]
    site.error()
    assert site.count == 1, "the first way's pause still holds"


def test_a_way_is_free_again_after_its_pause(sa_clock: ManualClock) -> None:
    """Once a pause is over, the failure of another way holds up that way alone."""
    site = Site(sa_clock, said(400, "invalid_grant"))
    site.error()
    sa_clock.advance(10)
    other = exchange(sa_clock, Carrier(sa_clock, said(400, "invalid_scope")), retry=ONCE)
    with pytest.raises(SaAuthError):
        TokenSource(other, site.memory).token()
    site.error()
    assert site.count == 2


def test_a_pause_while_a_token_lives(sa_clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a token lives, by both clocks, a pause after a failure is a third of what is left of it at most."""
    monkeypatch.setattr("sa_auth.slot.random.random", lambda: 1.0)
    for wall, boot, third in ((3540, 3540, 10.0), (3555, 3500, 5.0), (3500, 3555, 5.0)):
        clock = ManualClock()
        site = Site(clock, named("one"), said(400, "invalid_grant"))
        site.text()
        clock.advance(boot)
        clock.jump(wall - boot)
        assert site.text() == "one"
        site.settled()
        assert site.source._slot._not_before - clock.boot() == pytest.approx(third)


def test_what_is_logged(sa_clock: ManualClock, caplog: pytest.LogCaptureFixture) -> None:
    """The log has a line at the first failure, at the end of the token during failures, and when it works again."""
    site = Site(sa_clock, named("one"), *[TransportError("lost", code="cut", retryable=True)] * 4, named("two"))
    name = site.source.identity.hex()[:8]
    site.text()
    caplog.set_level(logging.INFO, "sa_auth")
    for _ in range(2):
        sa_clock.advance(3400 if site.count == 1 else 31)
        site.text()
        site.settled()
    sa_clock.advance(200)
    for _ in range(2):
        site.error()
        sa_clock.advance(3)
    assert (site.text(), site.count) == ("two", 6)
    assert [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "sa_auth"] == [
        ("WARNING", f"identity {name}: renewal failed; the held token lives on: cut: lost More: docs/errors/cut.md."),
        ("WARNING", f"identity {name}: renewal failed: cut: lost More: docs/errors/cut.md."),
        ("INFO", f"identity {name}: renewed after 4 failures"),
    ]


# --- what an API refused


def test_refused_and_renewed(sa_clock: ManualClock) -> None:
    """A refused token is replaced; for 30 s after its replacement came, a refusal of that one renews nothing."""
    site = Site(sa_clock, named("one"), named("two"), named("three"))
    first = site.source.token()
    site.source.discard(first)
    second = site.source.token()
    site.source.discard(first)
    for seconds, text in ((0, "two"), (29.9, "two"), (0.1, "three")):
        sa_clock.advance(seconds)
        site.source.discard(second)
        assert site.text() == text


def test_refused_without_a_replacement(sa_clock: ManualClock) -> None:
    """Where no other can be had the refused token is given all the same, and is not discarded again during the pause."""
    site = Site(sa_clock, named("one"), said(400, "invalid_grant"), named("two"))
    first = site.source.token()
    site.source.discard(first)
    assert site.source.token() is first
    site.source.discard(first)
    assert (site.source.token() is first, site.count) == (True, 2)
    sa_clock.advance(10)
    site.source.discard(first)
    assert site.text() == "two"


def test_a_refused_token_that_is_over(sa_clock: ManualClock) -> None:
    """One that is over by the time that no other can be had is not given."""
    site = Site(sa_clock, named("one", 100), said(400, "invalid_grant"))
    site.source.discard(site.source.token())
    sa_clock.advance(95)
    site.error()
    assert site.error().code == "invalid_grant"


# --- what else happens


def test_revoke_and_what_it_cannot_do(sa_clock: ManualClock) -> None:
    """Whatever a part of the caller's own raises as a token is revoked comes out as an error of the library's."""
    site = Site(sa_clock, named("one"), revocation_endpoint="https://as.example/revoke")
    site.text()

    def odd(*_arguments: Any) -> None:
        raise SystemExit

    site.exchange.reload = odd
    site.carrier.send = odd  # type: ignore[method-assign, assignment]
    with pytest.raises(SaAuthError) as caught:
        site.source.revoke()
    assert str(caught.value) == "unexpected: The revocation ended in SystemExit. More: docs/errors/unexpected.md."
    assert site.source._slot.held is not None


def test_no_word_of_a_revocation(sa_clock: ManualClock) -> None:
    """Where the server says nothing in time, the caller is free and is told so; the token is still held."""
    site = Site(sa_clock, named("one"), revocation_endpoint="https://as.example/revoke", timeout=0.2)
    site.text()
    end, began = threading.Event(), time.monotonic()

    def stuck(*_arguments: Any) -> Response:
        end.wait(10)
        return Response(200)

    site.carrier.send = stuck  # type: ignore[method-assign, assignment]
    try:
        with pytest.raises(TransportError) as caught:
            site.source.revoke()
        assert site.source._slot.held is not None
        assert time.monotonic() - began >= 0.25, "the server's own deadline goes first"
    finally:
        end.set()
    error = caught.value
    assert (str(error), error.retryable) == (
        (
            "timeout: No word from as.example within 0.2 s that the token is revoked. Hint: The server, or this machine's "
            "name service, is too slow; timeout= sets the seconds. More: docs/errors/timeout.md."
        ),
        True,
    )


def test_words_of_a_flight(sa_clock: ManualClock) -> None:
    """What a caller is told whose time is up, or whose machine gives no thread, says what to do, and that it may pass."""
    late, none = timed_out(Site(sa_clock, token(), timeout=2.5).exchange), unmade()
    assert (str(late), late.retryable) == (
        (
            "timeout: No token from as.example within 2.5 s. Hint: The server, or this machine's name service, is too slow; "
            "timeout= sets the seconds. More: docs/errors/timeout.md."
        ),
        True,
    )
    assert (str(none), none.retryable) == (
        "no_thread: The machine gives no thread to renew on. More: docs/errors/no_thread.md.",
        True,
    )


class Home:
    """Where a flight lands: it notes what it was brought."""

    shared = None

    def __init__(self) -> None:
        self.landed: list[Any] = []

    def land(self, flight: Flight, held: Any, failure: SaAuthError | None, *, stuck: bool = False) -> None:
        self.landed.append((flight, held, failure, stuck))
        flight.settle(None, failure)


@pytest.mark.parametrize("abandoned", [True, False])
def test_a_flight_that_is_overdue(abandoned: bool, sa_clock: ManualClock) -> None:
    """One whose thread is stuck frees its waiters with a time-out; unless that thread was let go no other may begin."""
    home, site = Home(), Site(sa_clock, token())
    flight = Flight(home, site.exchange)  # type: ignore[arg-type]
    flight.overdue(abandoned=abandoned)
    ((whose, held, failure, stuck),) = home.landed
    assert (whose, held, failure.code, stuck) == (flight, None, "timeout", not abandoned)
    for _ in range(2):
        with pytest.raises(TransportError) as caught:
            flight.result(0)
        assert caught.value is not failure


def test_a_flight_that_nobody_flies(sa_clock: ManualClock) -> None:
    """Given up it lands once, with what the machine lacks; one that some thread is at work on is not given up."""
    home, site = Home(), Site(sa_clock, token())
    flight = Flight(home, site.exchange)  # type: ignore[arg-type]
    flight.give_up()
    flight.give_up()
    flight.work()
    assert [failure.code for _, _, failure, _ in home.landed] == ["no_thread"]
    assert site.count == 0


def test_waiting_for_a_flight(sa_clock: ManualClock) -> None:
    """Who waits is given the token, the error as a copy of its own, or a TimeoutError when its time is up, on any thread."""
    flight = Flight(Home(), Site(sa_clock, token()).exchange)  # type: ignore[arg-type]
    outcomes: list[Any] = []

    def wait(seconds: float | None) -> None:
        try:
            outcomes.append(flight.result(seconds))
        except Exception as error:
            outcomes.append(error)

    def on_a_thread(seconds: float | None) -> Any:
        thread = threading.Thread(target=wait, args=(seconds,))
        thread.start()
        thread.join(10)
        return outcomes.pop()

    for within in (0, 0.05):
        assert type(on_a_thread(within)).__name__ == "TimeoutError"
    made = Token("abc", expires_at=2e9, refresh_at=2e9, issued_at=1e9)
    flight.settle(made, None)
    assert [on_a_thread(None), on_a_thread(0), on_a_thread(5)] == [made] * 3
    assert (flight.result(0), flight.exception()) == (made, None)


class Gate:
    """A flight's gate that notes who comes, and opens as the flight lands."""

    def __init__(self, flight: Flight) -> None:
        self.flight = flight
        self.waits: list[float] = []

    def acquire(self, *, timeout: float) -> bool:
        self.waits.append(timeout)
        self.flight.settle(Token("abc", expires_at=2e9, refresh_at=2e9, issued_at=1e9), None)
        return True

    def release(self) -> None: ...


def test_who_goes_through_the_gate(sa_clock: ManualClock) -> None:
    """A thread waits at the gate, without an end where it names none; the main thread, which Ctrl-C strikes, does not."""

    def gate() -> Gate:
        flight = Flight(Home(), Site(sa_clock, token()).exchange)  # type: ignore[arg-type]
        made = flight._gate = Gate(flight)  # type: ignore[assignment]
        return made  # type: ignore[return-value]

    waits: list[float] = []
    for seconds in (None, 0.5):
        other = gate()
        thread = threading.Thread(target=other.flight.result, args=(seconds,))
        thread.start()
        thread.join(10)
        waits += other.waits
    assert waits == [-1, 0.5]
    ours = gate()
    with pytest.raises(module.NotInTime):
        ours.flight.result(0)
    assert ours.waits == []


def test_a_flight_that_never_lands(sa_clock: ManualClock) -> None:
    """A caller waits a tenth of a second longer than an exchange may take, and is told so with nothing behind the error."""
    site, waits = Site(sa_clock, token(), timeout=2.5), []

    class Never(Future[Token]):
        def result(self, timeout: float | None = None) -> Token:
            waits.append(timeout)
            raise module.NotInTime

    with pytest.raises(TransportError, match=r"^timeout: No token from as\.example within 2\.5 s\.") as caught:
        site.source._wait(Never())
    assert waits == [2.6]
    assert caught.value.__context__ is None


def test_a_flight_that_lands_in_between(sa_clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another flight lands between the judgement and the joining, what it brought is given, whatever its life."""
    site, begin = Site(sa_clock, named("one", 100)), slot.Slot.begin

    def landed(home: slot.Slot, *given: Any, **options: Any) -> Flight | None:
        monkeypatch.setattr(slot.Slot, "begin", begin)
        site.text()
        return None

    monkeypatch.setattr(slot.Slot, "begin", landed)
    assert site.text(1000) == "one"
    assert site.count == 1


def test_a_flight_that_is_unwanted(sa_clock: ManualClock) -> None:
    """What comes of one whose token was revoked meanwhile goes to its waiters, and is held by nobody who comes later."""
    site = Site(sa_clock, token())
    home = site.source._slot
    for failure in (None, timed_out(site.exchange)):
        flight = home.flight = Flight(home, site.exchange)
        flight.unwanted = True
        made = Token("abc", expires_at=2e9, refresh_at=2e9, issued_at=1e9)
        home.land(flight, None if failure else Held(made, 0.0), failure)
        assert (flight.token, home.held, site.memory.get(site.source.identity)) == (
            None if failure else made,
            None,
            None,
        )


def test_a_flight_that_lands_late(sa_clock: ManualClock) -> None:
    """What a thread brings that was stuck, once its waiters were freed, is dropped; from then on another flight may begin."""
    site = Site(sa_clock, token())
    home = site.source._slot
    flight = home.flight = Flight(home, site.exchange)
    flight.overdue(abandoned=False)
    assert home.flight is flight
    late = Held(Token("late", expires_at=2e9, refresh_at=2e9, issued_at=1e9), 0.0)
    home.land(flight, late, None)
    assert (home.flight, home.held, site.memory.get(site.source.identity)) == (None, None, None)
    assert flight.token is None


def test_a_future_of_the_standard_library(sa_clock: ManualClock) -> None:
    """What poll() gives cannot be cancelled by one of those who wait for it."""
    site = Site(sa_clock, named("one"))
    future = site.source.poll()
    assert isinstance(future, Future)
    assert not future.cancel()
    assert future.result(10).access_token == "one"


def test_a_clock_that_fails(sa_clock: ManualClock) -> None:
    """Where a clock of the caller's own fails as a token lands, nobody is left waiting, and the next call asks again."""

    class Failing:
        def __init__(self) -> None:
            self.fails = False

        def __getattr__(self, name: str) -> Any:
            return getattr(sa_clock, name)

        def now(self) -> Instant:
            if self.fails and threading.current_thread() is not threading.main_thread():
                raise RuntimeError("no time")
            return sa_clock.now()

    clock = Failing()
    carrier = Carrier(sa_clock, named("one"))
    made = exchange(clock, carrier, retry=ONCE)  # type: ignore[arg-type]
    source = TokenSource(made, MemoryCache())

    def then_fails(*given: Any) -> Response:
        clock.fails = True
        return Carrier.send(carrier, *given)

    carrier.send = then_fails  # type: ignore[method-assign]
    with pytest.raises(SaAuthError) as caught:
        source.token()
    assert caught.value.code == "unexpected"
    clock.fails = False
    carrier.send = lambda *given: Carrier.send(carrier, *given)  # type: ignore[method-assign]
    assert source.token().access_token == "one"


def test_a_forked_child_draws_its_own_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """A forked child renews at a time of its own in the window, so that a fleet of them does not renew in step."""
    monkeypatch.setattr(module, "_share", 2.0)
    module._draw()
    assert 0 <= module._share < 1


@pytest.mark.parametrize("error", [SaAuthError("no", code="odd"), RuntimeError("canary")])
def test_a_token_of_a_call_that_fails(error: Exception, sa_clock: ManualClock) -> None:
    """Where a token for one call cannot be signed the library's error is raised, without a context."""

    def failing(*_arguments: Any) -> Any:
        raise error

    site = Site(sa_clock, token())
    site.exchange.grant = SimpleNamespace(binds="uri", token_for=failing)  # type: ignore[assignment]
    with pytest.raises(SaAuthError) as caught:
        site.source.token_for("GET", "https://api.example/")
    assert (caught.value.code == "odd") is isinstance(error, SaAuthError)
    assert caught.value is not error
    assert (caught.value.__context__, "canary" in str(caught.value)) == (None, False)


def test_a_token_of_a_call(sa_clock: ManualClock) -> None:
    """A token for one call is signed for it by the server's clock, with the key as it is by then."""
    seen: list[Any] = []
    site = Site(sa_clock, token())
    site.exchange.reload = lambda whatever: bool(seen.append(whatever))  # type: ignore[func-returns-value]
    made = Token("abc", expires_at=2e9, refresh_at=2e9, issued_at=1e9)
    site.exchange.grant = SimpleNamespace(binds="uri", token_for=lambda *given: seen.append(given) or made)  # type: ignore[assignment, func-returns-value]
    skewed = SimpleNamespace(skew=lambda now: 90.0 if now == sa_clock.now() else 0.0)
    site.exchange.server_clock = skewed  # type: ignore[assignment]
    wall = sa_clock.wall()
    assert site.source.token_for("PUT", "https://api.example/") is made
    assert seen == [False, ("PUT", "https://api.example/", wall, wall + 90)]


def test_what_a_forked_child_begins_with(sa_clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is under way in it, since no thread came along; the tokens are there, and the next renewal may begin."""
    site = Site(sa_clock, named("one"), named("two"))
    site.text()
    lock = threading.Lock()
    lock.acquire()
    monkeypatch.setattr(slot, "_crew", Crew())
    monkeypatch.setattr(slot, "_lock", lock)
    site.source._slot.flight = Flight(site.source._slot, site.exchange)
    slot._after_fork()
    assert (site.source._slot.flight, lock.locked()) == (None, False)
    assert site.text() == "one"
    sa_clock.advance(3600)
    assert site.text() == "two"


@pytest.mark.parametrize("another", [False, True])
def test_what_was_revoked_is_in_no_memory(another: bool, sa_clock: ManualClock) -> None:
    """A revoked token is forgotten by the memory that others share as well; one that took its place there meanwhile stays."""
    site = Site(sa_clock, named("one"), Response(200), revocation_endpoint="https://as.example/revoke")
    site.text()
    held = site.source._slot.held
    assert held is not None
    theirs = held._replace(token=Token("theirs", expires_at=2e9, refresh_at=2e9, issued_at=1e9))
    if another:
        site.memory.put(site.source.identity, theirs)
    site.source.revoke()
    assert (site.source._slot.newest(), site.memory.get(site.source.identity)) == (None, theirs if another else None)


def test_somebody_waits_for_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job like a revocation goes before renewals that nobody waits for."""
    seen: list[Any] = []
    crew = SimpleNamespace(launch=lambda job, *, wanted: seen.append((job, wanted)) or True)  # type: ignore[func-returns-value]
    monkeypatch.setattr(slot, "_crew", crew)
    job: Any = object()
    assert slot.launch(job)
    assert seen == [(job, True)]


# --- while another process is asking


def test_postponed(sa_clock: ManualClock) -> None:
    """A flight for which nobody waits is taken back: its future says so, and it is looked again within a third of a second."""
    site = Site(sa_clock, token())
    home, now = site.source._slot, sa_clock.now()
    flight = Flight(home, site.exchange)
    home.flight = flight
    assert home.postpone(flight)
    assert (home.flight, flight.landed) == (None, True)
    error = flight.exception(0)
    assert error is not None
    assert (str(error), error.retryable) == (
        "busy: Another process is asking for the next token. More: docs/errors/busy.md.",
        True,
    )
    assert home.resting(site.exchange, now)
    assert not home.resting(site.exchange, Instant(now.wall + 0.3, now.boot + 0.3))
    assert home.resting(site.exchange, Instant(now.wall + 0.08, now.boot + 0.08))


def test_not_postponed_for_ever(sa_clock: ManualClock) -> None:
    """One that somebody waits for is not taken back, nor one whose token another process has been asking for for long."""
    site = Site(sa_clock, token(), timeout=4.0)
    home = site.source._slot
    awaited = Flight(home, site.exchange)
    awaited.awaited = True
    assert home.urgent(awaited)
    assert not home.postpone(awaited)
    assert not awaited.done()
    for seconds, again in ((0.0, True), (2.0, True), (0.1, False)):
        sa_clock.advance(seconds)
        flight = Flight(home, site.exchange)
        home.flight = flight
        assert home.postpone(flight) is again, seconds
    assert home.flight is flight


def test_postponed_after_it_was_given_up(sa_clock: ManualClock) -> None:
    """One whose waiters were freed meanwhile is not told twice what came of it, and takes no other flight's place."""
    site = Site(sa_clock, token())
    home = site.source._slot
    late, other = Flight(home, site.exchange), Flight(home, site.exchange)
    late.landed = True
    late.settle(None, timed_out(site.exchange))
    home.flight = other
    assert home.postpone(late)
    error = late.exception(0)
    assert error is not None
    assert (error.code, home.flight) == ("timeout", other)
    assert not home.resting(site.exchange, sa_clock.now())


def test_who_begins_to_listen(sa_clock: ManualClock) -> None:
    """Where somebody begins to listen or stops, what is held is the same token in a new box, in the memory as well."""
    site = Site(sa_clock, named("one"))
    token = site.source.token()
    boxes = [site.source._slot.held]
    stop = listen(lambda _event: None)
    boxes.append(site.source._slot.held)
    assert site.memory.get(site.source.identity) is boxes[1]
    stop()
    assert boxes[0] is not boxes[1]
    assert site.source.token() is token


# --- what nobody foresaw


def test_a_part_that_fails_where_nobody_looks(sa_clock: ManualClock) -> None:
    """What a part of the caller's own raises in the middle of a renewal ends it in words, and the next one is as good as ever."""
    site = Site(sa_clock, named("one"), reload=lambda _look: {}["gone"])
    assert str(site.error()).startswith("unexpected: The renewal ended in KeyError.")
    object.__setattr__(site.exchange, "reload", None)
    sa_clock.advance(60)
    assert site.text() == "one"


def test_a_memory_that_fails(sa_clock: ManualClock) -> None:
    """Where a token cannot be taken into the memory its waiters are told, or told of the failure that it was."""
    site = Site(sa_clock, named("one"))
    site.memory.prepare = lambda: {}["gone"]  # type: ignore[method-assign]
    assert str(site.error()).startswith("unexpected: The renewal could not be taken.")
    refused = Site(sa_clock, said(400, "invalid_grant"))
    refused.memory.prepare = lambda: {}["gone"]  # type: ignore[method-assign]
    assert refused.error().code == "invalid_grant"
