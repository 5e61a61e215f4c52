"""Threads that meet at the worst moment: herds, and what races with the landing of a renewal.

Rule: real threads, switched every microsecond, and held at a gate inside the exchange; what is asserted is counted, never
timed. What happens one after another is in `test_life`.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sa_auth import SaAuthError, ServiceAccountCredentials, Token, events
from sa_auth._clock import Deadline
from sa_auth.caches import MemoryCache
from sa_auth.policy import Held
from sa_auth.testing import Authority, ManualClock
from sa_auth.wire import Request, Response
from tests.flow.kit import EXPIRED, PRIVATE, PUBLIC, STALE, eventually, herd

ROUNDS = 30


@pytest.fixture(autouse=True)
def swift() -> Iterator[None]:
    """Threads are switched as often as can be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


class Gate:
    """A transport whose answers wait at a gate, after they were counted."""

    def __init__(self, authority: Authority) -> None:
        self._inner = authority.transport()
        self.here = threading.Semaphore(0)  # released by each answer that has come to the gate
        self.open = threading.Event()
        self.open.set()

    def send(self, request: Request, deadline: Deadline) -> Response:
        response = self._inner.send(request, deadline)
        if request.url.endswith("/token"):
            self.here.release()
            assert self.open.wait(20)
        return response

    def close(self) -> None:
        """Nothing is open."""

    def shut(self) -> None:
        """Holds the answers back from now on."""
        self.open.clear()
        while self.here.acquire(blocking=False):
            pass

    def reached(self) -> None:
        """Waits until an answer has come."""
        assert self.here.acquire(timeout=20)


@pytest.fixture
def authority(sa_clock: ManualClock) -> Authority:
    """An authority in this process."""
    made = Authority(clock=sa_clock)
    made.register("robot", PUBLIC)
    return made


@pytest.fixture
def gate(authority: Authority) -> Gate:
    """The way there."""
    return Gate(authority)


@pytest.fixture
def make(authority: Authority, gate: Gate, sa_clock: ManualClock) -> Callable[..., ServiceAccountCredentials]:
    """Makes credentials."""

    def credentials(subject: object = "one", **changes: Any) -> ServiceAccountCredentials:
        given = {
            "issuer": "robot", "subject": str(subject), "server": authority.issuer, "cache": MemoryCache(), "clock": sa_clock,
            "token_endpoint": authority.token_endpoint, "transport": gate, **changes,
        }  # fmt: skip
        return ServiceAccountCredentials(PRIVATE, **given)

    return credentials


def together(*calls: Callable[[], Any]) -> list[Any]:
    """Makes different calls at one moment; gives what came of each, in their order."""
    outcomes: dict[int, Any] = {}
    numbers = iter(range(len(calls)))
    lock = threading.Lock()

    def one() -> None:
        with lock:
            number = next(numbers)
        try:
            outcomes[number] = calls[number]()
        except SaAuthError as error:
            outcomes[number] = error

    errors = [outcome for outcome in herd(len(calls), one) if outcome is not None]
    assert not errors
    return [outcomes[number] for number in range(len(calls))]


def settle(creds: ServiceAccountCredentials) -> None:
    """Waits until nothing is under way."""
    eventually(lambda: creds._source._slot.flight is None)


def begin(creds: ServiceAccountCredentials, gate: Gate) -> None:
    """Has a renewal of a stale token begin, and holds its answer at the gate."""
    gate.shut()
    creds.token()
    gate.reached()


# --- herds


def test_cold_herd(make: Callable[..., ServiceAccountCredentials], gate: Gate, authority: Authority) -> None:
    """Threads that all need the first token make one exchange, wherever each of them is struck."""
    for number in range(ROUNDS):
        creds, before = make(number), authority.exchanges
        gate.shut()
        opener = threading.Thread(target=lambda: (gate.reached(), gate.open.set()))
        opener.start()
        tokens = herd(30, creds.token)
        opener.join()
        assert {id(token) for token in tokens} == {id(creds.token())}
        assert authority.exchanges == before + 1


def test_expired_herd(
    make: Callable[..., ServiceAccountCredentials], authority: Authority, sa_clock: ManualClock
) -> None:
    """Threads that find the token expired make one exchange, and none is given the old one."""
    creds = make()
    old = creds.token()
    for number in range(ROUNDS):
        sa_clock.advance(EXPIRED)
        tokens = herd(30, creds.token)
        assert len({id(token) for token in tokens}) == 1
        assert tokens[0].access_token != old.access_token
        assert authority.exchanges == number + 2
        old = tokens[0]


def test_herd_with_an_error(make: Callable[..., ServiceAccountCredentials], authority: Authority) -> None:
    """Threads that need a token while the server says no are all told so, and make one exchange between them."""
    with authority.answer(400, {"error": "invalid_grant"}):
        for number in range(ROUNDS):
            before = len(authority.requests)
            errors = herd(30, make(number).token)
            assert {type(error).__name__ for error in errors} == {"InvalidGrant"}
            assert len({id(error) for error in errors}) == 30
            assert len(authority.requests) == before + 1


def test_two_sources_of_one_slot(
    make: Callable[..., ServiceAccountCredentials], authority: Authority, sa_clock: ManualClock
) -> None:
    """Threads with credentials of their own, made at that moment, share one exchange and one token."""
    memory = MemoryCache()
    make(cache=memory).token()
    for number in range(ROUNDS):
        sa_clock.advance(EXPIRED)
        tokens = herd(20, lambda: make(cache=memory).token())
        assert len({token.access_token for token in tokens}) == 1
        assert authority.exchanges == number + 2


# --- what races with a landing


def test_discard_and_landing(
    make: Callable[..., ServiceAccountCredentials], gate: Gate, authority: Authority, sa_clock: ManualClock
) -> None:
    """A token that is refused while its successor lands costs no second exchange, and who refused it is given the other."""
    creds = make()
    creds.token()
    for number in range(ROUNDS):
        old = creds.token()
        sa_clock.advance(STALE)
        begin(creds, gate)

        def refuse(old: Token = old) -> Token:
            creds.discard(old)
            return creds.token()

        _, *tokens = together(gate.open.set, *[refuse] * 8)
        settle(creds)
        # Before the landing the old one may be given to whoever did not refuse it; all of these did.
        assert {token.access_token for token in tokens} == {creds.token().access_token}
        assert tokens[0].access_token != old.access_token
        assert authority.exchanges == number + 2


def test_revoke_and_landing(
    make: Callable[..., ServiceAccountCredentials], gate: Gate, authority: Authority, sa_clock: ManualClock
) -> None:
    """A token that is revoked while its successor lands is not given to anybody after that."""
    creds = make()
    for _ in range(ROUNDS):
        old = creds.token()
        sa_clock.advance(STALE)
        begin(creds, gate)
        said = len(authority.revocations)
        _, outcome, *_ = together(gate.open.set, creds.revoke, creds.token)
        settle(creds)
        assert outcome is None
        assert authority.revocations[said:]
        assert creds.token().access_token != old.access_token
        sa_clock.advance(EXPIRED)


class Slow(MemoryCache):
    """A memory that takes its time before it keeps a token."""

    def __init__(self) -> None:
        super().__init__()
        self.here, self.open = threading.Event(), threading.Event()

    def put(self, identity: bytes, held: Held) -> None:
        self.here.set()
        self.open.wait(0.2)
        super().put(identity, held)


@pytest.mark.parametrize("how", ["revoke", "discard"])
def test_forgotten_while_it_is_kept(
    how: str, make: Callable[..., ServiceAccountCredentials], authority: Authority
) -> None:
    """A token that is revoked or refused in the moment it comes is not what credentials that are made later are given."""
    memory = Slow()
    creds = make(cache=memory)
    asking = threading.Thread(target=creds.token)
    asking.start()
    assert memory.here.wait(10)
    held = creds._source._slot.held
    assert held is not None
    token = held.token
    del held
    creds.revoke() if how == "revoke" else creds.discard(token)
    memory.open.set()
    asking.join(10)
    settle(creds)
    del creds, asking
    gc.collect()
    assert make(cache=memory).token().access_token != token.access_token


# --- forks, listeners, evictions


def test_fork_during_a_herd(make: Callable[..., ServiceAccountCredentials], gate: Gate, authority: Authority) -> None:
    """Children forked while threads wait for a token get one of their own, and the herd's one exchange goes on."""
    for number in range(8):
        creds, before = make(number), authority.exchanges
        gate.shut()
        statuses: list[int] = []

        def fork(creds: ServiceAccountCredentials = creds, statuses: list[int] = statuses) -> None:
            gate.reached()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # that there are threads is what this is about
                child = os.fork()
            if child == 0:
                try:
                    signal.alarm(10)
                    gate.open = threading.Event()  # a lock of the other may be held by a thread that did not come along
                    gate.open.set()
                    os._exit(0 if isinstance(creds.token(), Token) else 1)
                finally:
                    os._exit(2)
            statuses.append(os.waitpid(child, 0)[1])
            gate.open.set()

        forking = threading.Thread(target=fork)
        forking.start()
        tokens = herd(10, creds.token)
        forking.join()
        assert statuses == [0]
        assert len({id(token) for token in tokens}) == 1
        assert authority.exchanges == before + 1


def test_listeners_come_and_go(
    make: Callable[..., ServiceAccountCredentials], authority: Authority, sa_clock: ManualClock
) -> None:
    """While listeners come and go no call fails or asks, and once they are gone calls take the short way again."""
    creds = make()
    token = creds.token()

    def listen() -> None:
        for _ in range(50):
            events.listen(events.Counts())()

    def call() -> None:
        for _ in range(300):
            assert creds.token().access_token == token.access_token

    together(listen, listen, *[call] * 6)
    assert authority.exchanges == 1
    counts = events.Counts()
    stop = events.listen(counts)
    creds.token()
    creds.token()
    stop()
    assert counts["hit", "memory"] == 2
    creds.token()
    assert creds._source._fresh[2] > sa_clock.wall()


def test_evictions(make: Callable[..., ServiceAccountCredentials], authority: Authority) -> None:
    """A memory smaller than the number of identities loses no token that somebody holds, and mixes none up."""
    memory = MemoryCache(maxsize=2)
    several = [make(number, cache=memory) for number in range(6)]
    first = [creds.token() for creds in several]

    def work(number: int) -> None:
        for _ in range(40):
            assert several[number].token() is first[number]
            other = make(f"other {number}", cache=memory)
            assert other.token().access_token == other.token().access_token

    together(*[lambda number=number: work(number) for number in range(6)])
    assert len(memory) == 2
    assert len({token.access_token for token in first}) == 6
