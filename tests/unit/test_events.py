"""What is told of tokens: each event in the situations it is promised for, and that telling does no harm."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sa_auth import Retry, SaAuthError, ServiceAccountCredentials, Token, events
from sa_auth.caches import MemoryCache
from sa_auth.caches.base import CacheFault, Record
from sa_auth.client_auth import ClientSecretPost
from sa_auth.events import Counts, Event, listen
from sa_auth.testing import Authority, ManualClock, new_key
from sa_auth.wire import Request, Response

PRIVATE, PUBLIC = new_key("p256")
TOKEN, CLIENT_SECRET = "canary.access-token.5f5f5f", "canary-client-secret-77aa"
LIFE, STALE, EXPIRED = 3600.0, 3400.0, 3580.0  # seconds; by the later two a token surely is that
MEMORY = ("hit", "memory")


class Taken:
    """The lock of one name, taken."""

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock

    def release(self) -> None:
        self._lock.release()


class Shelf:
    """A shared cache of the caller's own: two over one dictionary are as the caches of two processes.

    Attributes:
        waits: How often somebody began to wait for a lock.
    """

    tier, key = "shelf", None

    def __init__(self, data: dict[str, bytes] | None = None, locks: dict[str, threading.Lock] | None = None) -> None:
        self.data = {} if data is None else data
        self.locks = {} if locks is None else locks
        self.waits = 0

    def other(self) -> Shelf:
        """That of another process."""
        return Shelf(self.data, self.locks)

    def get(self, name: str) -> Record | None:
        data = self.data.get(name)
        return None if data is None else Record(data)

    def put(self, name: str, data: bytes, seconds: float, *, over: bytes | None) -> bool:
        self.data[name] = data
        return True

    def discard(self, name: str, data: bytes) -> None:
        self.data.pop(name, None)

    def take(self, name: str, seconds: float, *, lasts: float) -> Taken | None:
        self.waits += seconds > 0
        lock = self.locks.setdefault(name, threading.Lock())
        return Taken(lock) if lock.acquire(timeout=seconds) else None


class Guarded(Shelf):
    """One whose lock another process never gives back."""

    def take(self, name: str, seconds: float, *, lasts: float) -> None:
        time.sleep(seconds)


class Broken(Shelf):
    """One that does not work, and says so with a token in its mouth."""

    def __init__(self, fault: Exception) -> None:
        super().__init__()
        self.fault = fault

    def _fail(self, *_: Any, **__: Any) -> Any:
        raise self.fault

    get = put = discard = take = _fail


def sign_in(authority: Authority, **changes: Any) -> ServiceAccountCredentials:
    """Credentials of a robot that the authority knows, with a memory of their own."""
    arguments = {"token_endpoint": authority.token_endpoint, "transport": authority.transport(), "cache": MemoryCache()}
    return ServiceAccountCredentials(PRIVATE, issuer="robot", **{**arguments, **changes})


@pytest.fixture
def authority(sa_authority: Authority) -> Authority:
    """One that knows the robot."""
    sa_authority.register("robot", PUBLIC)
    return sa_authority


@contextmanager
def heard(*credentials: ServiceAccountCredentials) -> Iterator[list[Event]]:
    """The events of these credentials, as they are told; other tests' threads may still have something to tell."""
    told: list[Event] = []
    ours = {one.identity.hex()[:8] for one in credentials}
    stop = listen(lambda event: told.append(event) if event.identity in ours else None)
    try:
        yield told
    finally:
        stop()


def names(told: list[Event]) -> list[str]:
    """What they are called."""
    return [event.name for event in told]


def at_once(count: int, call: Callable[[], object]) -> None:
    """Calls from so many threads at the same moment."""
    barrier = threading.Barrier(count)

    def run() -> None:
        barrier.wait(5)
        call()

    threads = [threading.Thread(target=run, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads), "somebody is still at it"


def eventually(condition: Callable[[], object], *, within: float = 5.0) -> None:
    """Waits until something holds."""
    ends_at = time.monotonic() + within
    while not condition():
        assert time.monotonic() < ends_at, "it did not come to that"
        time.sleep(0.002)


# What is told of a hit


def test_a_token_handed_out_at_once_is_a_hit(authority: Authority) -> None:
    """The call that gets the token is an exchange, each later one a hit of the memory, all of that identity."""
    creds = sign_in(authority)
    with heard(creds) as told:
        for _ in range(5):
            creds.token()
    assert names(told) == ["exchange", "hit", "hit", "hit", "hit"]
    assert [event.tier for event in told] == ["", *["memory"] * 4]
    assert {event.identity for event in told} == {creds.identity.hex()[:8]}


def test_hits_are_counted_exactly_on_many_threads(authority: Authority) -> None:
    """Of 8 threads with 50 calls each none is lost, and none is counted twice."""
    creds = sign_in(authority)
    creds.token()
    with heard(creds) as told:
        at_once(8, lambda: [creds.token() for _ in range(50)])
    assert names(told) == ["hit"] * 400


def test_who_waits_for_an_exchange_of_this_process_is_no_hit(authority: Authority) -> None:
    """Eight threads that come while there is no token are one exchange, and nothing else."""
    creds = sign_in(authority)
    with heard(creds) as told, authority.hold():
        waiting = [threading.Thread(target=creds.token) for _ in range(8)]
        for thread in waiting:
            thread.start()
        eventually(lambda: authority.exchanges)
        authority.up()
        for thread in waiting:
            thread.join(5)
    assert names(told) == ["exchange"]


def test_listening_may_begin_and_end_while_a_token_is_held(authority: Authority) -> None:
    """Of the hits of a held token those are told which happen while somebody listens; for each who listens then."""
    creds = sign_in(authority)
    creds.token()
    creds.token()
    with heard(creds) as first:
        creds.token()
        with heard(creds) as second:
            creds.token()
        creds.token()
    creds.token()
    with heard(creds) as third:
        creds.token()
    assert (len(first), len(second), len(third)) == (3, 1, 1)
    assert authority.exchanges == 1


def test_all_credentials_of_an_identity_are_told_of(authority: Authority) -> None:
    """A second object of the same identity finds the token in the memory: a hit, also where both were there before."""
    memory = MemoryCache()
    one, two = sign_in(authority, cache=memory), sign_in(authority, cache=memory)
    one.token()
    two.token()
    with heard(one) as told:
        one.token()
        two.token()
        sign_in(authority, cache=memory).token()
    assert names(told) == ["hit"] * 3


def test_a_stale_token_is_a_hit_and_its_renewal_an_exchange(authority: Authority, sa_clock: ManualClock) -> None:
    """While it lives nobody waits: the call is a hit, and the renewal behind it is told when it is there."""
    creds = sign_in(authority, clock=sa_clock)
    creds.token()
    sa_clock.advance(STALE)
    with heard(creds) as told:
        creds.token()
        eventually(lambda: len(told) == 2)
    assert sorted(names(told)) == ["exchange", "hit"]


def test_poll_and_token_for_are_told_as_token_is(authority: Authority, sa_clock: ManualClock) -> None:
    """A poll that gives a token, and a token for a call that any call may have, are hits; a future is none."""
    creds = sign_in(authority, clock=sa_clock)
    with heard(creds) as told:
        future = creds.poll()
        assert isinstance(future, Future)
        future.result(5)
        assert isinstance(creds.poll(), Token)
        creds.token_for("GET", "https://api.example/")
    assert names(told) == ["exchange", "hit", "hit"]


def test_a_token_too_short_for_the_call_is_no_hit(authority: Authority, sa_clock: ManualClock) -> None:
    """Where `min_ttl` asks for more than is left there is an exchange; where it does not, a hit."""
    creds = sign_in(authority, clock=sa_clock)
    creds.token()
    sa_clock.advance(LIFE / 2)
    with heard(creds) as told:
        creds.token(min_ttl=LIFE / 4)
        creds.token(min_ttl=LIFE * 3 / 4)
    assert names(told) == ["hit", "exchange"]


# What is told of an exchange, and of one that fails


def test_an_exchange_says_how_long_it_took(authority: Authority) -> None:
    """Its seconds are those between the request and the answer, pauses included."""
    creds = sign_in(authority)
    authority.answer(503, times=1)
    with heard(creds) as told:
        began = time.monotonic()
        creds.token()
        took = time.monotonic() - began
    (event,) = told
    assert (event.name, event.tier, event.code) == ("exchange", "", "")
    assert 0.1 < event.seconds < took + 0.01  # Retry(shortest=0.2), give or take its chance


def test_an_expired_token_is_no_hit(authority: Authority, sa_clock: ManualClock) -> None:
    """After its end there is an exchange, and no hit before it."""
    creds = sign_in(authority, clock=sa_clock)
    creds.token()
    sa_clock.advance(EXPIRED)
    with heard(creds) as told:
        creds.token()
    assert names(told) == ["exchange"]


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [(400, {"error": "invalid_grant"}, "invalid_grant"), (503, "", "http_503"), (200, "<html>", "not_json")],
)
def test_a_failure_has_the_code_of_the_error(status: int, body: Any, code: str, authority: Authority) -> None:
    """It is told once for a renewal, not again for each caller who is given the same error, and the next may succeed."""
    creds = sign_in(authority, retry=Retry(attempts=1, shortest=0.05, longest=0.05, after_refusal=0.05))
    with heard(creds) as told:
        with authority.answer(status, body):
            for _ in range(3):
                with pytest.raises(SaAuthError) as caught:
                    creds.token()
                assert caught.value.code == code
                assert names(told) == ["failure"]
        eventually(lambda: _comes(creds))
    assert [(event.name, event.code) for event in told] == [("failure", code), ("exchange", "")]


def _comes(creds: ServiceAccountCredentials) -> bool:
    try:
        creds.token()
    except SaAuthError:
        return False
    return True


def test_a_failure_behind_a_living_token_is_told(authority: Authority, sa_clock: ManualClock) -> None:
    """No caller sees it, since the token lives on; who listens does."""
    creds = sign_in(authority, clock=sa_clock)
    creds.token()
    sa_clock.advance(STALE)
    with heard(creds) as told, authority.answer(400, {"error": "invalid_client"}):
        creds.token()
        eventually(lambda: len(told) == 2)
        creds.token()
    assert sorted((event.name, event.code) for event in told) == [
        ("failure", "invalid_client"), ("hit", ""), ("hit", ""),
    ]  # fmt: skip


def test_a_renewal_that_hangs_is_a_failure(authority: Authority) -> None:
    """Its code is that of the error: timeout."""
    creds = sign_in(authority, timeout=0.05)
    with heard(creds) as told, authority.hold():
        with pytest.raises(SaAuthError):
            creds.token()
        eventually(lambda: told)
    assert [(event.name, event.code) for event in told] == [("failure", "timeout")]


def test_a_revocation_is_told_of_by_what_comes_after_it(authority: Authority) -> None:
    """Nothing is promised of it; the next call is an exchange, and no hit."""
    creds = sign_in(authority, server=authority.issuer)
    creds.token()
    with heard(creds) as told:
        creds.revoke()
        creds.token()
    assert names(told) == ["exchange"]


# What is told of a cache that processes share


def test_a_token_of_another_process_is_adopted(authority: Authority) -> None:
    """Whoever finds it in the shared cache makes no exchange; the event names the cache, and later calls are hits."""
    shelf = Shelf()
    one, two = sign_in(authority, cache=shelf), sign_in(authority, cache=shelf.other())
    one.token()
    with heard(two) as told:
        two.token()
        two.token()
    assert [(event.name, event.tier) for event in told] == [("adopted", "shelf"), MEMORY]
    assert authority.exchanges == 1


def test_another_process_s_exchange_is_waited_for(authority: Authority) -> None:
    """Who needs the token while another process is asking for it waits, says how long, and adopts it."""
    shelf = Shelf()
    one, two = sign_in(authority, cache=shelf), sign_in(authority, cache=(theirs := shelf.other()))
    threads = [threading.Thread(target=creds.token) for creds in (one, two)]
    with heard(one) as told, authority.hold():
        threads[0].start()
        eventually(lambda: authority.exchanges)
        threads[1].start()
        eventually(lambda: theirs.waits >= 2)
        authority.up()
        for thread in threads:
            thread.join(5)
    assert sorted((event.name, event.tier) for event in told) == [
        ("adopted", "shelf"), ("exchange", ""), ("waited", "shelf"),
    ]  # fmt: skip
    (waited,) = (event for event in told if event.name == "waited")
    assert 0.04 < waited.seconds < 5
    assert authority.exchanges == 1


def test_who_waits_too_long_makes_an_exchange_of_their_own(authority: Authority) -> None:
    """Half of the time that an exchange may take is waited, and then another is made: waited, bypassed, exchange."""
    creds = sign_in(authority, cache=Guarded(), timeout=0.3)
    with heard(creds) as told:
        creds.token()
    assert [name for name in names(told) if name != "cache_failure"] == ["waited", "bypassed", "exchange"]
    assert 0.1 < told[0].seconds < 0.3
    assert [(event.tier, event.code) for event in told if event.name == "bypassed"] == [("shelf", "")]
    assert [(event.tier, event.code) for event in told if event.name == "cache_failure"] == [("shelf", "slow_holder")]


@pytest.mark.parametrize(
    ("fault", "code"),
    [(CacheFault(f"down, {TOKEN}", code="down"), "down"), (OSError(f"{TOKEN}: no such file"), "OSError")],
)
def test_a_cache_that_fails_is_told_and_the_token_comes(fault: Exception, code: str, authority: Authority) -> None:
    """It says which cache and why in a word; what else the failure said stays out of it."""
    creds = sign_in(authority, cache=Broken(fault))
    with heard(creds) as told:
        assert creds.token()
    assert {(event.tier, event.code) for event in told if event.name == "cache_failure"} == {("shelf", code)}
    assert names(told).count("exchange") == 1
    assert {event.name for event in told} == {"cache_failure", "exchange"}
    assert TOKEN not in repr(told)


# To whom


def test_a_listener_that_raises_does_no_harm(authority: Authority, caplog: pytest.LogCaptureFixture) -> None:
    """The call gets its token, who listens beside it is told, and nothing of what was raised is logged."""
    creds = sign_in(authority)

    def raises(event: Event) -> None:
        raise KeyError(f"{TOKEN} {event}")

    with heard(creds) as before:
        stop = listen(raises)
        with heard(creds) as after, caplog.at_level(logging.DEBUG, "sa_auth"):
            creds.token()
            creds.token()
        stop()
    assert names(before) == names(after) == ["exchange", "hit"]
    assert TOKEN not in caplog.text


def test_a_listener_may_begin_and_end_listening(authority: Authority) -> None:
    """It is told of events under no lock of theirs; whoever begins now is told from the next event on."""
    creds, late = sign_in(authority), []
    ours = creds.identity.hex()[:8]

    def once(event: Event) -> None:
        if event.identity == ours:
            stop()
            ends.append(listen(late.append))

    ends: list[Callable[[], None]] = []
    stop = listen(once)
    creds.token()
    creds.token()
    assert len(ends) == 1
    ends[0]()
    creds.token()
    assert [event.name for event in late if event.identity == ours] == ["hit"]


def test_one_function_may_listen_twice(authority: Authority) -> None:
    """Each `listen` has an end of its own; ended twice, it ends no other."""
    creds = sign_in(authority)
    counts = Counts()
    first, second = listen(counts), listen(counts)
    creds.token()
    assert counts["exchange"] == 2
    first()
    first()
    creds.token()
    assert counts[MEMORY] == 1
    second()
    creds.token()
    assert counts[MEMORY] == 1


def test_none_is_lost_who_begins_at_the_same_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight threads that begin and end at once, with a pause where it hurts most: who stayed is told, nobody else is."""

    class Slow:
        """The lock that guards who listens, had a moment later."""

        def __init__(self, lock: Any) -> None:
            self.lock = lock

        def __enter__(self) -> None:
            time.sleep(0.001)
            self.lock.__enter__()

        def __exit__(self, *raised: object) -> None:
            self.lock.__exit__(*raised)

    monkeypatch.setattr(events, "_lock", Slow(events._lock))
    staying, leaving = Counts(), Counts()
    ends: list[Callable[[], None]] = []

    def begin_and_end() -> None:
        for _ in range(5):
            ends.append(listen(partial(staying)))  # a function of each one's own
            listen(partial(leaving))()

    at_once(8, begin_and_end)
    events.tell(Event("told to all"))
    at_once(8, lambda: [ends.pop()() for _ in range(5)])
    assert (staying["told to all"], leaving["told to all"]) == (40, 0)
    events.tell(Event("told to all"))
    assert staying["told to all"] == 40


# Where nobody listens


def test_nobody_listening_costs_nothing(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anybody listens, and after the last has ended, a fresh token takes the short way, and no event is made."""
    creds = sign_in(authority)
    source = creds._source

    def short() -> bool:
        token = creds.token()
        creds.token()
        held, known, wall, boot = source._fresh
        return held is source._slot.held and known is token and wall > time.time() and boot > 0

    assert short()
    with heard(creds) as told:
        assert not short()
        assert len(told) == 2
    made: list[str] = []
    monkeypatch.setattr(events, "Event", lambda *fields: made.append(fields))
    assert short()
    creds.discard(creds.token())
    assert short()
    assert authority.exchanges == 2
    assert made == []


def test_listening_changes_nothing_of_a_call_under_way(
    authority: Authority, sa_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that needs a longer life than is left gets one, also where somebody begins to listen meanwhile."""
    creds = sign_in(authority, clock=sa_clock)
    creds.token()
    sa_clock.advance(LIFE / 2)
    slot = type(creds._source._slot)
    begin = slot.begin

    def begun(*arguments: Any, **more: Any) -> Any:
        monkeypatch.setattr(slot, "begin", begin)
        listen(Counts())()
        return begin(*arguments, **more)

    monkeypatch.setattr(slot, "begin", begun)
    token = creds.token(min_ttl=LIFE * 3 / 4)
    assert token.expires_at - sa_clock.wall() == LIFE


def test_listening_brings_no_revoked_token_back(authority: Authority) -> None:
    """A token is forgotten when the server has revoked it, also where somebody begins to listen meanwhile."""
    carry = authority.transport()

    class Listening:
        def send(self, request: Request, deadline: Any) -> Response:
            if request.url.endswith("/revoke"):
                listen(Counts())()
            return carry.send(request, deadline)

    creds = sign_in(authority, server=authority.issuer, transport=Listening())
    token = creds.token()
    creds.revoke()
    assert creds.token().access_token != token.access_token


def test_listening_brings_no_refused_token_back(authority: Authority) -> None:
    """A token that an API refused is out of the memory, also where somebody began to listen as it came in."""

    class Listening(MemoryCache):
        def put(self, identity: bytes, held: Any) -> None:
            if listener.ident is None:
                listener.start()
            super().put(identity, held)

    def briefly() -> None:
        listen(Counts())()

    listener = threading.Thread(target=briefly)
    memory = Listening()
    creds = sign_in(authority, cache=memory)
    token = creds.token()
    listener.join(10)
    creds.discard(token)
    assert memory.get(creds.identity) is None


# What is in them


def test_no_event_holds_a_secret(authority: Authority) -> None:
    """Neither key, secret, assertion nor token is in any, even where the server says them in its own words."""
    authority.register("robot", PUBLIC, client_id="robot", client_secret=CLIENT_SECRET)
    quick = {"retry": Retry(attempts=1, shortest=0.01, longest=0.01, after_refusal=0.01), "timeout": 0.2}
    told: list[Event] = []
    stop = listen(told.append)
    shelf = Shelf()
    one, two, three, four = (
        sign_in(authority, client_auth=ClientSecretPost("robot", CLIENT_SECRET), cache=cache, **quick)
        for cache in (shelf, shelf.other(), Guarded(), Broken(OSError(TOKEN)))
    )
    with pytest.raises(SaAuthError), authority.answer(400, {"error": "invalid_grant", "error_description": TOKEN}):
        one.token()
    assertion = authority.requests[-1].form["assertion"]
    with pytest.raises(SaAuthError), authority.answer(400, {"error": assertion, "error_description": assertion}):
        four.token()
    eventually(lambda: _comes(one))
    tokens = [creds.token().access_token for creds in (one, two, three)]
    eventually(lambda: _comes(four))
    stop()
    assert set(names(told)) >= {"hit", "adopted", "exchange", "waited", "bypassed", "failure", "cache_failure"}
    shown = repr(told)
    assertions = [record.form["assertion"] for record in authority.requests]
    pieces = [part[:24] for assertion in assertions for part in assertion.split(".")[1:]]
    for canary in (TOKEN, CLIENT_SECRET, *tokens, *pieces, *PRIVATE.splitlines()[1:-1]):
        assert canary not in shown


def test_counts_by_name_and_by_what_it_is_of() -> None:
    """Each event counts by its name, and by its name with its tier, or else its code; what never was counts nothing."""
    counts = Counts()
    for event in (Event("hit", tier="memory"), Event("hit", tier="memory"), Event("failure", code="timeout")):
        counts(event)
    assert (counts["hit"], counts[MEMORY], counts["failure", "timeout"], counts["exchange"]) == (2, 2, 1, 0)
    assert counts.as_dict() == {"hit": 2, MEMORY: 2, "failure": 1, ("failure", "timeout"): 1}


def test_counts_are_exact_on_many_threads() -> None:
    """Of 8 threads with 500 events each none is lost."""
    counts = Counts()
    at_once(8, lambda: [counts(Event("hit", tier="memory")) for _ in range(500)])
    assert counts.as_dict() == {"hit": 4000, MEMORY: 4000}


# Processes that fork


HEAD = """
import os, signal, sys, threading, time
from sa_auth import ServiceAccountCredentials
from sa_auth.events import Counts, Event, listen, tell
from sa_auth.testing import Authority, new_key

def forked(act):
    child = os.fork()
    if child == 0:
        signal.alarm(3)
        os._exit(0 if act() else 1)
    assert os.waitpid(child, 0)[1] == 0, "the child hung, or was told something else"
"""
BUSY = """
private, public = new_key("p256")
authority = Authority()
authority.register("robot", public)
creds = ServiceAccountCredentials(
    private, issuer="robot", token_endpoint=authority.token_endpoint, transport=authority.transport())
creds.token()
heard = []
listen(heard.append)
over = threading.Event()

def busy():
    while not over.is_set():
        listen(lambda event: None)()
        creds.token()

def act():
    counts = Counts()
    before = len(heard)
    stop = listen(counts)
    creds.token()
    stop()
    creds.token()
    return counts.as_dict() == {"hit": 1, ("hit", "memory"): 1} and len(heard) == before + 2

threads = [threading.Thread(target=busy, daemon=True) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(10):
    forked(act)
over.set()
for thread in threads:
    thread.join()
"""
COUNTING = """
class Slow(str):
    def __hash__(self):
        begun.set()
        time.sleep(0.2)
        return 1

begun = threading.Event()
counts = Counts()
listen(counts)
threading.Thread(target=tell, args=(Event(Slow("slow")),), daemon=True).start()
begun.wait()

def act():
    tell(Event("quick"))
    return counts["quick"] == 1

forked(act)
"""


@pytest.mark.parametrize("script", [BUSY, COUNTING], ids=["busy", "counting"])
def test_a_fork_in_the_middle_does_no_harm(script: str) -> None:
    """A child forked while other threads begin, end, or count is told its own events, and hangs in none."""
    done = subprocess.run(
        [sys.executable, "-c", HEAD + script], capture_output=True, text=True, timeout=30, cwd=Path(__file__).parents[2]
    )
    assert done.returncode == 0, done.stderr
