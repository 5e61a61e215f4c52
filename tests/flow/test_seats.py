"""The threads that renew: so many seats and no more, none to be had, and what log handlers do in them; over HTTP."""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sa_auth import InvalidGrant, SaAuthError, ServiceAccountCredentials, Token, slot
from sa_auth.caches.memory import MemoryCache
from sa_auth.flight import Flight
from sa_auth.testing import Authority, ManualClock
from sa_auth.transports import RequestsTransport
from sa_auth.wire import Request, Response
from tests.flow.kit import EXPIRED, LIFE, PUBLIC, STALE, eventually, herd


@pytest.fixture
def make(make_robot: Callable[..., ServiceAccountCredentials]) -> Callable[..., ServiceAccountCredentials]:
    """Makes credentials of an identity of their own."""
    return make_robot


class Gate:
    """Lets requests through to the network one by one, and notes who came when."""

    def __init__(self) -> None:
        self.inner = RequestsTransport()
        self.turns = threading.Semaphore(0)
        self.lock = threading.Lock()
        self.came: list[str] = []
        self.inside = 0
        self.most = 0

    def send(self, request: Request, deadline: Any) -> Response:
        """Sends once, when it is let to."""
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.came.append(request.body.decode().partition("&name=")[2])
        assert self.turns.acquire(timeout=20)
        try:
            return self.inner.send(request, deadline)
        finally:
            with self.lock:
                self.inside -= 1


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A gate that is open at the end, whatever happened."""
    gate = Gate()
    yield gate
    gate.turns.release(1000)


def test_seats(make: Callable[..., ServiceAccountCredentials], sa_clock: ManualClock, gate: Gate) -> None:
    """At most 16 flights go at once; of those that queue, what somebody waits for goes first, whenever it came."""

    def named(name: str) -> ServiceAccountCredentials:
        return make(transport=gate, form={"name": name})

    held = [named(f"held{number}") for number in range(3)]
    gate.turns.release(3)
    for creds in held:
        creds.token()
    sa_clock.advance(STALE)
    gate.came.clear()

    first = [named(f"first{number}").poll() for number in range(16)]
    eventually(lambda: gate.inside == 16)
    for creds in held:
        assert isinstance(creds.poll(), Token)  # stale: queued behind, for nobody waits
    late = named("late").poll()
    waiting = threading.Thread(target=held[2].token, args=(LIFE,), daemon=True)
    waiting.start()  # somebody waits for this one now, so it moves ahead
    eventually(lambda: len(_wanted()) == 2)
    assert gate.inside == 16

    for expected in ("late", "held2", "held0", "held1"):
        came = len(gate.came)
        gate.turns.release()
        eventually(lambda count=came: len(gate.came) > count)
        assert gate.came[-1] == expected
    assert gate.most == 16
    gate.turns.release(16)
    waiting.join(10)
    assert not waiting.is_alive()
    assert all(isinstance(flight.result(10), Token) for flight in [*first, late] if isinstance(flight, Flight))


def _wanted() -> Any:

    return slot._crew._wanted


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that gives threads to the authority and the test, and to nobody else."""
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "sa_auth" or isinstance(thread, threading.Timer):
            raise RuntimeError("can't start new thread")
        start(thread)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        yield


@pytest.mark.usefixtures("no_threads")
def test_no_thread_to_be_had(authority: Authority, make: Callable[..., ServiceAccountCredentials]) -> None:
    """Where the machine gives no thread, a caller that waits does the exchange itself."""
    creds = make()
    assert isinstance(creds.token(), Token)
    assert authority.exchanges == 1
    with authority.down(), pytest.raises(SaAuthError, match="503"):
        make().token()


def test_a_herd_without_threads(
    authority: Authority, make: Callable[..., ServiceAccountCredentials], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of fifty callers that no thread can be had for, one does the exchange, and the others wait for it."""
    creds = make()
    monkeypatch.setattr(slot._crew, "_spawn", lambda _job: False)
    outcomes = herd(50, creds.token)
    assert len({id(outcome) for outcome in outcomes}) == 1
    assert isinstance(outcomes[0], Token)
    assert authority.exchanges == 1


def test_a_log_handler_may_ask_for_a_token(
    make: Callable[..., ServiceAccountCredentials], authority: Authority
) -> None:
    """A handler that itself needs a token is not locked out while a failure is logged."""
    other, creds, asked = make(), make(), []

    class Asking(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            asked.append(other.token())

    handler = Asking()
    logging.getLogger("sa_auth").addHandler(handler)
    try:
        authority.answer(400, {"error": "invalid_grant"}, times=1)
        with pytest.raises(InvalidGrant):
            creds.token()
    finally:
        logging.getLogger("sa_auth").removeHandler(handler)
    eventually(lambda: asked)
    assert isinstance(asked[0], Token)


@pytest.mark.usefixtures("no_threads")
def test_no_thread_for_a_caller_that_may_not_wait(make: Callable[..., ServiceAccountCredentials]) -> None:
    """poll() then gives a future that has failed in words, rather than do the exchange on an event loop."""
    got = make().poll()
    assert isinstance(got, Flight)
    with pytest.raises(SaAuthError) as caught:
        got.result(0)
    assert (caught.value.code, caught.value.retryable) == ("no_thread", True)


@pytest.mark.usefixtures("no_threads")
def test_no_thread_for_a_stale_token(
    make: Callable[..., ServiceAccountCredentials], sa_clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A stale token is handed out on though no thread can renew it; that is logged once."""
    creds = make()
    token = creds.token()
    sa_clock.advance(STALE)
    with caplog.at_level(logging.WARNING, "sa_auth"):
        for _ in range(20):
            assert creds.token() is token
            sa_clock.advance(1)
    assert len(caplog.records) == 1
    sa_clock.advance(EXPIRED)
    assert creds.token() is not token


def test_an_error_of_the_machine_is_not_kept(
    authority: Authority, make: Callable[..., ServiceAccountCredentials], sa_clock: ManualClock
) -> None:
    """Once there are threads again, so are tokens."""
    creds = make()
    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(threading.Thread, "start", _refuse_all)
        got = creds.poll()
    assert isinstance(got, Flight)
    assert isinstance(got.exception(0), SaAuthError)
    sa_clock.advance(2.1)
    assert isinstance(creds.token(), Token)
    assert authority.exchanges == 1


def _refuse_all(_thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_a_failure_by_one_way_is_none_by_another(
    authority: Authority, make: Callable[..., ServiceAccountCredentials]
) -> None:
    """Whoever mends timeout or transport is not told the old error, while the old way's error says it is remembered."""
    memory, issuer = MemoryCache(), f"robot-{secrets.token_hex(6)}"
    authority.register(issuer, PUBLIC)
    broken = make(issuer=issuer, cache=memory, timeout=1.0)
    with authority.answer(400, {"error": "invalid_grant"}), pytest.raises(InvalidGrant):
        broken.token()
    with pytest.raises(InvalidGrant, match="next attempt is in"):
        broken.token()
    assert isinstance(make(issuer=issuer, cache=memory, timeout=2.0).token(), Token)


def test_a_part_of_the_callers_own_that_fails(make: Callable[..., ServiceAccountCredentials]) -> None:
    """A transport that raises what it should not frees its caller at once, with the place that raised."""

    class Broken:
        def send(self, request: Request, deadline: Any) -> Response:
            raise RuntimeError("secret text")

    started = time.monotonic()
    with pytest.raises(SaAuthError, match=r"RuntimeError was raised .* at test_seats\.py:\d+") as caught:
        make(transport=Broken()).token()
    assert "secret text" not in str(caught.value)
    assert time.monotonic() - started < 5


def test_two_ways_do_not_take_turns(authority: Authority, make: Callable[..., ServiceAccountCredentials]) -> None:
    """Two credentials of one identity that ask in different ways rest both, once both have failed."""
    memory, issuer = MemoryCache(), f"robot-{secrets.token_hex(6)}"
    authority.register(issuer, PUBLIC)
    ways = [make(issuer=issuer, cache=memory, timeout=seconds) for seconds in (1.0, 2.0)]
    with authority.answer(400, {"error": "invalid_grant"}):
        for number in range(20):
            with pytest.raises(InvalidGrant):
                ways[number % 2].token()
    assert len(authority.requests) == 2


def test_a_log_handler_that_fails(make: Callable[..., ServiceAccountCredentials], authority: Authority) -> None:
    """A log handler that raises takes no error and no token away from a caller."""

    class Failing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError("full disk")

    handler, creds = Failing(), make()
    logging.getLogger("sa_auth").addHandler(handler)
    try:
        authority.answer(400, {"error": "invalid_grant"}, times=1)
        with pytest.raises(InvalidGrant):
            creds.token()
    finally:
        logging.getLogger("sa_auth").removeHandler(handler)
