"""One identity's place in a cache by itself: what is taken from it, what is left in it, and what is said of it."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from sa_auth._clock import SYSTEM
from sa_auth._secret import Secret
from sa_auth.caches import FileCache, Record
from sa_auth.caches.base import CacheFault
from sa_auth.caches.record import REMEMBERED, Met, Seal, worth
from sa_auth.dpop import DPoP
from sa_auth.errors import ConfigError, InvalidGrant, SaAuthError, TokenEndpointError, TransportError
from sa_auth.events import Event
from sa_auth.exchange import Exchange
from sa_auth.grants.refresh_token import RefreshToken
from sa_auth.place import Place, machine
from sa_auth.policy import Held, Retry, Wanted
from sa_auth.sharing import check_sealable, kept, withdraw
from sa_auth.testing import ManualClock
from sa_auth.token import Token
from tests.unit.exchange_kit import SIGNER, Carrier, exchange, token
from tests.unit.sharing.kit import OWN_KEY, Store, warnings_of

SECRET = b"s" * 32
BUSY = TokenEndpointError("The token endpoint answered 503.", code="http_503", retryable=True, status=503)


class Shelf(Store):
    """A cache of the caller's own that notes what it was given, and fails as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.puts: list[tuple[str, bytes, float, bytes | None]] = []

    def put(self, name: str, data: bytes, seconds: float, *, over: bytes | None) -> bool:
        self.puts.append((name, data, seconds, over))
        return super().put(name, data, seconds, over=over)


@pytest.fixture
def shelf() -> Shelf:
    """An empty one."""
    return Shelf()


@pytest.fixture
def asked(sa_clock: ManualClock) -> Exchange:
    """An exchange whose key is in this process."""
    return exchange(sa_clock, Carrier(sa_clock, token()), secret=lambda: SECRET)


@pytest.fixture
def place(shelf: Shelf, asked: Exchange) -> Place:
    """Its place."""
    return placed(shelf, asked)


def placed(cache: Any, asked: Exchange, story: list[Event] | None = None) -> Place:
    """The place of an exchange in a cache."""
    made = Place.of(cache, asked, [] if story is None else story)
    assert made is not None
    return made


def held(text: str = "one", life: float = 3600.0, *, ago: float = 0.0, again: str = "", rotations: int = 0) -> Held:
    """A token of the hand-moved clock's."""
    wall, boot = 1_700_000_000.0 - ago, 1000.0 - ago
    made = Token(text, expires_at=wall + life, refresh_at=wall + life, issued_at=wall)
    return Held(made, boot, Secret(again) if again else None, rotations)


def text(found: Held | None) -> str | None:
    """Which token it is."""
    return None if found is None else found.token.access_token


# --- whose place it is


def test_nothing_to_seal_with(asked: Exchange) -> None:
    """Neither a local key nor the cache's own: that is refused, with how to make one, by the cache's class."""
    for secret, key in ((SECRET, None), (None, Secret(OWN_KEY)), (SECRET, Secret(OWN_KEY))):
        asked.secret = lambda secret=secret: secret  # type: ignore[misc]
        check_sealable(SimpleNamespace(key=key), asked)  # type: ignore[arg-type]
    asked.secret = lambda: None
    with pytest.raises(ConfigError) as caught:
        check_sealable(FileCache("x"), asked)
    assert str(caught.value) == (
        "no_cache_key: A shared cache needs a key to seal tokens with, and no private key is in this process. Hint: Give the "
        "cache one, the same for all who share it: FileCache(..., key=...), at least 32 characters, or a function that reads "
        "them from a secret store. More: docs/errors/no_cache_key.md."
    )


@pytest.mark.parametrize(
    ("secret", "key", "code", "says"),
    [
        (
            lambda: None,
            lambda: "short",
            "bad_argument",
            "The function given as a cache's key= gave fewer than 32 bytes.",
        ),
        (lambda: 1 / 0, None, "ZeroDivisionError", "nothing to seal with: ZeroDivisionError was raised"),
    ],
)
def test_a_key_that_cannot_be_had(
    secret: Callable[[], Any], key: Any, code: str, says: str, shelf: Shelf, asked: Exchange,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """Where what seals cannot be had there is no place, an event and one line in the log, which shows no text of others'."""
    asked.secret, shelf.key = secret, key
    story: list[Event] = []
    for _ in range(2):
        assert Place.of(shelf, asked, story) is None
    name = asked.identity.hex()[:8]
    assert story == [Event("cache_failure", name, "mine", code=code)] * 2
    (said,) = warnings_of(caplog)
    assert said.startswith(f"identity {name}: the mine cache: ")
    assert says in said


def test_nothing_to_seal_with_by_now(shelf: Shelf, asked: Exchange, caplog: pytest.LogCaptureFixture) -> None:
    """Where there is neither key any more there is no place, and nothing to say of it."""
    asked.secret = lambda: None
    assert Place.of(shelf, asked, []) is None
    assert warnings_of(caplog) == []


def test_what_can_be_nobody_elses(shelf: Shelf, asked: Exchange, caplog: pytest.LogCaptureFixture) -> None:
    """An identity that no other process can have, or that cannot be told just now, has no place, without a word."""
    asked.dpop = DPoP(SIGNER, throw_away=True)
    assert Place.of(shelf, asked, []) is None
    unknown = SimpleNamespace(shared_identity=failing(SaAuthError("the token service is gone")))
    assert Place.of(shelf, unknown, []) is None  # type: ignore[arg-type]
    assert warnings_of(caplog) == []


def test_each_key_has_places_of_its_own(shelf: Shelf, asked: Exchange) -> None:
    """A place is named by the local key, the cache's key and the identity together."""
    names = set()
    for secret, key in ((SECRET, None), (b"t" * 32, None), (SECRET, Secret(OWN_KEY)), (None, Secret(OWN_KEY))):
        asked.secret, shelf.key = (lambda secret=secret: secret), key  # type: ignore[misc, assignment]
        names.add(placed(shelf, asked)._seal.name)
    assert len(names) == 4


# --- what is taken from it


def test_what_is_of_use(place: Place, asked: Exchange, shelf: Shelf, sa_clock: ManualClock) -> None:
    """A token is taken where it lives as long as is needed, longer than what is held, and was not refused."""
    place.publish(held("one"))
    later, earlier = held("x", 7200), held("x", 1800)
    for wanted, taken in (
        (Wanted(), "one"), (Wanted(min_ttl=3600), "one"), (Wanted(min_ttl=3601), None), (Wanted(held=earlier), "one"),
        (Wanted(held=later), None), (Wanted(held=held("x")), None), (Wanted(held=held("one", 1800)), None),
        (Wanted(refused=held("one")), None), (Wanted(refused=later), "one"),
    ):  # fmt: skip
        assert text(placed(shelf, asked).look(wanted)) == taken, wanted
    sa_clock.advance(3580)
    assert placed(shelf, asked).look(Wanted()) is None, "it is in its margin"


def test_nothing_there(place: Place, shelf: Shelf) -> None:
    """Where nothing is there nothing is taken, nor anything of before."""
    place.publish(held("one", again="r"))
    assert text(place.look(Wanted())) == "one"
    shelf.kept.clear()
    assert place.look(Wanted()) is None
    assert place.newest(Wanted()) is None
    place.publish(held("two"))
    assert shelf.puts[-1][3] is None


def test_whose_refresh_token_is_the_newest(place: Place) -> None:
    """Of two refresh tokens the one that had more before it goes on, here or there; where one side has none, the other's."""
    place.publish(held("one", again="theirs", rotations=2))
    place.look(Wanted())
    for ours, newest in (
        (None, "theirs"), (held("x"), "theirs"), (held("x", again="ours", rotations=1), "theirs"),
        (held("x", again="ours", rotations=2), "ours"), (held("x", again="ours", rotations=3), "ours"),
    ):  # fmt: skip
        found = place.newest(Wanted(held=ours))
        assert found is not None
        assert found.refresh_token is not None
        assert found.refresh_token.reveal() == newest.encode()
    place.publish(held("two"))
    place.look(Wanted())
    ours = held("x", again="ours")
    assert (place.newest(Wanted(refused=ours)), place.newest(Wanted())) == (ours, None)


def test_a_family_hears_of_the_newest(shelf: Shelf, sa_clock: ManualClock) -> None:
    """A refresh token that the caller gave is followed by the newest that is found, whoever got it, and never by an older."""
    given = RefreshToken("first-token")
    asked = exchange(sa_clock, Carrier(sa_clock, token()), secret=lambda: SECRET, grant=given)
    family = asked.family
    assert family is not None
    place = placed(shelf, asked)
    place.publish(held("one", again="second", rotations=1))
    place.look(Wanted(held=held("x", 10, again="third", rotations=1)))
    assert family.newest is None or family.newest.reveal() != b"second"
    place.look(Wanted(held=held("x", 10, again="first-token", rotations=0)))
    assert family.newest is not None
    assert family.newest.reveal() == b"second"


def test_a_program_that_starts_anew(shelf: Shelf, sa_clock: ManualClock) -> None:
    """Who holds nothing yet goes on with the refresh token that was kept, and not with the one that it was given."""
    asked = exchange(sa_clock, Carrier(sa_clock, token()), secret=lambda: SECRET, grant=RefreshToken("given-to-start"))
    place = placed(shelf, asked)
    place.publish(held("one", again="kept", rotations=1))
    place.look(Wanted())
    assert asked.family is not None
    assert asked.family.newest.reveal() == b"kept"


# --- what is left in it


def test_what_is_left(place: Place, shelf: Shelf, sa_clock: ManualClock) -> None:
    """A token is left for as long as it is worth keeping, in place of what was found to be of no use."""
    place.publish(held("one"))
    ((name, data, seconds, over),) = shelf.puts
    assert (name, seconds, over) == (place._seal.name, worth(data, sa_clock.wall()), None)
    sa_clock.advance(3600)
    assert place.look(Wanted()) is None
    place.publish(held("two", 7200))
    assert shelf.puts[-1][3] == data


@pytest.mark.parametrize(("life", "count"), [(0.5, 0), (1.0, 0), (1.001, 1), (2.0, 1)])
def test_too_short_to_share(life: float, count: int, place: Place, shelf: Shelf) -> None:
    """A token that lives no longer than a second is not left."""
    place.publish(held("one", life))
    assert len(shelf.puts) == count


def test_anothers_by_now(place: Place, shelf: Shelf, asked: Exchange) -> None:
    """A token is left only while the key that names the place is still the one in use."""
    asked.secret = lambda: b"t" * 32
    place.publish(held("one"))
    asked.secret = lambda: None
    place.publish(held("one"))
    assert shelf.puts == []


def test_a_key_that_cannot_be_had_any_more(asked: Exchange, shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    """Where the cache's key is gone as the token comes, the token is kept back, and that is told."""
    keys = [OWN_KEY]
    shelf.key = keys.pop  # type: ignore[assignment]
    story: list[Event] = []
    placed(shelf, asked, story).publish(held("one"))
    assert shelf.puts == []
    assert [(one.name, one.tier) for one in story] == [("cache_failure", "mine")]
    assert len(warnings_of(caplog)) == 1


def test_by_whichever_clock_it_ends_first(shelf: Shelf, asked: Exchange, sa_clock: ManualClock) -> None:
    """What the cache says is left counts for a token and for an error, and this machine's own clock where that wrote it."""
    place = placed(shelf, asked)
    place.publish(held("one"))
    (name,) = shelf.kept
    shelf.kept[name] = Record(shelf.kept[name].data, 100.0)
    found = place.look(Wanted())
    assert found is not None
    assert found.token.expires_at == pytest.approx(sa_clock.wall() + 100.0)
    shelf.kept[name] = Record(shelf.kept[name].data, None)
    sa_clock.jump(-3000.0)
    sa_clock.advance(1000.0)
    found = place.look(Wanted())
    assert found is not None
    assert found.token.remaining(sa_clock.wall()) == pytest.approx(2600.0)


def test_taken_out_if_it_is_still_there(place: Place, shelf: Shelf, asked: Exchange) -> None:
    """A token is taken out of the cache, and another that is there by now stays."""
    place.publish(held("one"))
    withdraw(shelf, asked, held("two"))
    assert text(kept(shelf, asked)) == "one"
    withdraw(shelf, asked, held("one"))
    assert (kept(shelf, asked), shelf.kept) == (None, {})
    withdraw(shelf, asked, held("one"))
    shelf.kept[place._seal.name] = Record(b"junk")
    withdraw(shelf, asked, held("one"))
    assert shelf.kept != {}


# --- errors of the server


def on(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on this is that machine."""
    monkeypatch.setattr("sa_auth.place.machine", lambda: name)


@pytest.mark.parametrize(
    ("error", "left"),
    [
        (BUSY, True), (BUSY.but(status=500), True), (BUSY.but(status=429), True), (BUSY.but(status=499), False),
        (BUSY.but(status=428), False), (InvalidGrant("no", status=400), False), (TransportError("lost", retryable=True), False),
    ],
)  # fmt: skip
def test_which_errors_are_left(error: SaAuthError, left: bool, place: Place, shelf: Shelf) -> None:
    """What a server says when it is in trouble is left for the others; what this machine alone may have met is not."""
    place.fail(error)
    assert len(shelf.puts) == left


@pytest.mark.parametrize(
    ("retry_after", "longest", "pause"), [(None, 2.0, 2.0), (60.0, 2.0, 2.0), (60.0, 600.0, 2.0), (60.0, 1.0, 1.0), (0.7, 0.5, 0.5)]
)  # fmt: skip
def test_for_how_long(
    retry_after: float | None, longest: float, pause: float, shelf: Shelf, asked: Exchange, monkeypatch: pytest.MonkeyPatch,
    sa_clock: ManualClock,
) -> None:  # fmt: skip
    """An error binds the others for the pause that one process would make, two seconds at most, whatever its settings are."""
    monkeypatch.setattr("sa_auth.place.random.random", lambda: 1.0)
    asked.retry = Retry(longest=longest)
    place = placed(shelf, asked)
    place.fail(BUSY.but(retry_after=retry_after))
    ((name, data, seconds, over),) = shelf.puts
    assert (name, seconds, over) == (place._seal.failure_name, pause + REMEMBERED, None)
    met = place._seal.open_failure(data, sa_clock.now(), left=None)
    assert (met.machines, met.error.retry_after) == ({machine()}, pytest.approx(pause, abs=1e-3))


def test_the_shortest_pause(place: Place, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pause is at random, as one process would make it."""
    monkeypatch.setattr("sa_auth.place.random.random", lambda: 0.0)
    place.fail(BUSY)
    assert shelf.puts[0][2] == 0.2 + REMEMBERED


def test_a_look_by_itself(shelf: Shelf, asked: Exchange, caplog: pytest.LogCaptureFixture) -> None:
    """A look or a withdrawal where nothing can be shared, or the cache fails, finds nothing and raises nothing."""
    shelf.error = OSError()
    assert kept(shelf, asked) is None
    withdraw(shelf, asked, held("one"))
    assert [said.rpartition(": ")[2] for said in warnings_of(caplog)] == ["it raised OSError"]
    asked.secret = lambda: None
    assert kept(shelf, asked) is None
    withdraw(shelf, asked, held("one"))


def test_whom_an_error_binds(
    place: Place, asked: Exchange, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, sa_clock: ManualClock
) -> None:
    """One machine's error is its own, two machines' is everybody's, and after its pause nobody's; a token ends it for all."""
    on("a", monkeypatch)
    assert place.failure() is None
    place.fail(BUSY)
    assert (placed(shelf, asked).failure() or BUSY).elsewhere
    on("b", monkeypatch)
    assert place.failure() is None
    place.fail(BUSY)
    assert shelf.puts[-1][3] == shelf.puts[0][1], "it stands in the first one's place"
    on("c", monkeypatch)
    third = placed(shelf, asked)
    assert third.failure() is not None
    sa_clock.advance(3)
    assert third.failure() is None
    third.publish(held("one"))
    assert [name for name in shelf.kept if name == place._seal.failure_name] == []


def test_an_error_that_the_cache_forgets_early(place: Place, shelf: Shelf) -> None:
    """Where a cache says it is about to forget an error, it binds nobody any more, whatever the clock of this machine says."""
    place.fail(BUSY)
    name = place._seal.failure_name
    assert place.failure() is not None
    shelf.kept[name] = shelf.kept[name]._replace(left=REMEMBERED - 0.5)
    assert place.failure() is None


def test_a_place_of_before(asked: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a token is does not change with the version, nor what it is sealed with: workers are replaced one by one."""
    monkeypatch.setattr(Exchange, "shared_identity", lambda _self: b"i" * 32)
    assert placed(Shelf(), asked)._seal.name == "50460ae04f11ddcaa9e37158fae747d08dbe877053a7664a753a738cbfdd0667"


def test_an_error_that_does_not_open(place: Place, shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    """Something else in an error's place is no error: it is said, and a token that comes leaves it where it is."""
    shelf.kept[place._seal.failure_name] = Record(b"junk")
    assert place.failure() is None
    place.publish(held("one"))
    assert shelf.kept[place._seal.failure_name] == Record(b"junk")
    assert [said.rpartition(": ")[2] for said in warnings_of(caplog)] == ["a record is damaged"]


def test_machines_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine is known by its start and its name, and shows neither."""
    import socket

    names = set()
    for start, host in (("a", "x"), ("b", "x"), ("a", "y")):
        monkeypatch.setattr("sa_auth.place.boot_id", lambda start=start: start)
        monkeypatch.setattr(socket, "gethostname", lambda host=host: host)
        machine.cache_clear()
        names.add(machine())
    machine.cache_clear()
    assert len(names) == 3
    assert {len(name) for name in names} == {16}


# --- what goes wrong


def failing(error: BaseException) -> Callable[..., Any]:
    """Something that raises that."""

    def act(*_arguments: Any, **_options: Any) -> Any:
        raise error

    return act


def test_what_is_said_and_when(shelf: Shelf, asked: Exchange, caplog: pytest.LogCaptureFixture) -> None:
    """The log has one line for each kind of fault until the cache works again, and one then; a renewal has one event each."""
    caplog.set_level(logging.INFO)
    name = asked.identity.hex()[:8]
    story: list[Event] = []
    get = shelf.get
    for _ in range(2):
        place = placed(shelf, asked, story)
        for error in (
            CacheFault("It is full.", code="full"),
            OSError("canary"),
            CacheFault("It is full!", code="full"),
        ):
            shelf.get = failing(error)  # type: ignore[method-assign]
            assert place.look(Wanted()) is None
    lines = [f"identity {name}: the mine cache: {said}" for said in ("It is full.", "it raised OSError")]
    assert caplog.messages == lines
    assert story == [Event("cache_failure", name, "mine", code=code) for code in ("full", "OSError")] * 2
    shelf.get = get  # type: ignore[method-assign]
    for _ in range(2):
        placed(shelf, asked).publish(held("one"))
    assert caplog.messages == [*lines, f"identity {name}: the mine cache: works again"]
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING", "INFO"]
    shelf.get = failing(OSError())  # type: ignore[method-assign]
    placed(shelf, asked).look(Wanted())
    assert caplog.messages[3:] == [lines[1]]


def test_two_caches_are_told_apart(asked: Exchange, caplog: pytest.LogCaptureFixture) -> None:
    """What was said of one cache is said of another as well, though that may come to stand where the first was."""
    for _ in range(5):
        cache = Shelf()
        cache.error = OSError()
        placed(cache, asked).look(Wanted())
        del cache
        gc.collect()
    assert len(warnings_of(caplog)) == 5


def test_a_log_handler_that_fails(place: Place, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler of the caller's own that raises loses no token."""
    monkeypatch.setattr("sa_auth.place._log.log", failing(RuntimeError()))
    shelf.error = OSError()
    assert place.look(Wanted()) is None


def test_a_lock_that_cannot_be_had(place: Place, shelf: Shelf) -> None:
    """Where the lock cannot be had at all that is known; where another has it, or a look failed, the cache works."""
    shelf.take = lambda *_arguments, **_options: None  # type: ignore[method-assign]
    assert (place.take(0, lasts=0.0), place.works) == (None, True)
    shelf.get = failing(OSError())  # type: ignore[method-assign]
    assert (place.look(Wanted()), place.works) == (None, True)
    shelf.take = failing(OSError())  # type: ignore[method-assign]
    assert (place.take(0, lasts=0.0), place.works) == (None, False)


def test_what_a_lock_is_asked_for(place: Place, shelf: Shelf) -> None:
    """A lock is asked for under the record's name, for so long, and to last so long."""
    seen: list[Any] = []
    shelf.take = lambda *given, **options: seen.append((given, options)) or shelf  # type: ignore[method-assign, func-returns-value]
    lock = place.take(0.5, lasts=7.0)
    assert seen == [((place._seal.name, 0.5), {"lasts": 7.0})]
    place.give_back(lock)
    assert shelf.calls == ["release"]
    place.give_back(None)
    place.give_back(object())  # type: ignore[arg-type]


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    """The system's clock, moved by hand."""
    made = ManualClock()
    monkeypatch.setattr(type(SYSTEM), "boot", lambda _self: made.boot())
    return made


def test_a_cache_that_takes_too_long(
    place: Place, shelf: Shelf, time: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Acts take from the time that is allowed; once it is used up none is made, and the log says how slow the cache is."""
    get = shelf.get

    def slowly(name: str) -> Record | None:
        time.advance(0.4)
        return get(name)

    shelf.get = slowly  # type: ignore[method-assign]
    place.allow(1.0)
    for _ in range(4):
        place.look(Wanted())
    assert [(told.name, told.code) for told in place._story] == [("cache_failure", "slow")]
    assert shelf.calls == ["get"] * 3
    assert [said.partition("cache: ")[2] for said in warnings_of(caplog)] == [
        "it takes up to 0.4 s an act, too long within timeout=10; going on without it"
    ]
    place.allow(1.0, acts=2)
    place.look(Wanted())
    assert len(shelf.calls) == 4, "two acts of the slowest kind are kept free"
    place.look(Wanted())
    assert len(shelf.calls) == 4
    place.give_back(shelf)
    assert shelf.calls[-1] == "release", "a lock is given back whatever the time"


def test_waiting_for_a_lock_is_not_slowness(place: Place, shelf: Shelf, time: ManualClock) -> None:
    """The time that was to be waited for a lock does not count, and what goes beyond it does."""

    def wait(_name: str, seconds: float, **_options: Any) -> None:
        time.advance(seconds + 0.5)

    shelf.take = wait  # type: ignore[method-assign, assignment]
    place.allow(1.0)
    place.take(5.0, lasts=0.0)
    assert place._may_take == pytest.approx(0.5)
    assert place._slowest == pytest.approx(0.5)
    shelf.take = lambda *_arguments, **_options: None  # type: ignore[method-assign]
    place.take(5.0, lasts=0.0)
    assert place._may_take == pytest.approx(0.5)


def test_a_seal_of_ones_own(place: Place, asked: Exchange) -> None:
    """What is sealed opens with the key and identity of the place alone."""
    made = place._seal.close_failure(Met(BUSY, frozenset({"a"})), asked.clock.wall(), 1.0)
    with pytest.raises(CacheFault):
        Seal(b"x" * 32, b"i" * 32).open_failure(made, asked.clock.now(), left=None)
