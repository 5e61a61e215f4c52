"""One renewal per identity, whatever threads, tasks, signals and forks do; over HTTP on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import sa_auth
from sa_auth import InvalidGrant, SaAuthError, ServiceAccountCredentials, Token, flight
from sa_auth.caches.memory import MemoryCache
from sa_auth.flight import Flight
from sa_auth.testing import Authority, ManualClock, Server
from sa_auth.transports import RequestsTransport
from sa_auth.wire import Request, Response
from tests.flow.kit import PRIVATE, PUBLIC, eventually, herd

LIFE = 3600.0
STALE_AT, EXPIRED_AT = 3400.0, 3571.0  # seconds into that life by which a token surely is the one or the other


@pytest.fixture
def authority(sa_clock: ManualClock) -> Authority:
    """An authority by the hand-moved clock."""
    return Authority(clock=sa_clock, token_lifetime=LIFE)


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
    sa_clock.advance(EXPIRED_AT)
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
    sa_clock.advance(STALE_AT)
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
    sa_clock.advance(STALE_AT)
    with authority.hold():
        assert creds.poll() is first.result()
    eventually(lambda: flight_of(creds) is None)
    sa_clock.advance(EXPIRED_AT)
    third = creds.poll()
    assert isinstance(third, Flight)
    assert third.result(10) is not first.result()


@pytest.mark.parametrize("trouble", ["503", "unreachable", "a web page", "invalid_grant"])
def test_endpoint_down_while_the_token_lives(
    trouble: str, authority: Authority, make: Callable[..., ServiceAccountCredentials], sa_clock: ManualClock
) -> None:
    """While the held token lives no failure reaches a caller, and the return of the endpoint is noticed."""
    creds = make()
    old = creds.token()
    sa_clock.advance(STALE_AT)
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
    sa_clock.advance(EXPIRED_AT)
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
    sa_clock.advance(EXPIRED_AT)
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


# --- signals, forks, the end: in a process of its own


HEAD = """
import os, signal, sys, threading, time
from sa_auth import ServiceAccountCredentials, Token
from sa_auth.errors import SaAuthError

path, issuer, endpoint = sys.argv[1:4]
creds = ServiceAccountCredentials(path, issuer=issuer, token_endpoint=endpoint)

def say(*words):
    print(*words, flush=True)

def heard():
    return sys.stdin.readline()
"""


class Child:
    """A script in an interpreter of its own, spoken to line by line."""

    def __init__(self, script: str, *arguments: str) -> None:
        environment = {**os.environ, "PYTHONPATH": str(Path(sa_auth.__file__).parents[1])}
        self.process = subprocess.Popen(
            [sys.executable, "-c", HEAD + script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip

    def hear(self) -> str:
        """The next line it says."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def tell(self) -> None:
        """Lets it go on."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self, *, within: float = 20.0) -> list[str]:
        """Waits for its end, which must be a good one, and gives the rest of what it said."""
        said, complaints = self.process.communicate(timeout=within)
        assert self.process.returncode == 0, complaints
        return said.split("\n")[:-1]


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Callable[[Server, str], Child]]:
    """Starts children, and ends them at the end of the test."""
    children: list[Child] = []

    def start(server: Server, script: str) -> Child:
        issuer = f"robot-{secrets.token_hex(6)}"
        server.authority.register(issuer, PUBLIC)
        path = tmp_path / "key.pem"
        if not path.exists():
            path.touch(0o600)
            path.write_text(PRIVATE)
        children.append(Child(script, str(path), issuer, server.token_endpoint))
        return children[-1]

    yield start
    for one in children:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()


@pytest.fixture
def live(sa_authority: Authority) -> Iterator[Server]:
    """An authority by the real clock, for children."""
    with sa_authority.serve() as served:
        yield served


def test_ctrl_c(live: Server, child: Callable[[Server, str], Child]) -> None:
    """Ctrl-C takes the main thread out of its waiting, and the 20 that wait with it get their token."""
    script = """
signal.signal(signal.SIGINT, signal.default_int_handler)  # a parent in the background has it ignored
got = []
threads = [threading.Thread(target=lambda: got.append(creds.token().access_token)) for _ in range(20)]
[thread.start() for thread in threads]
say("waiting")
try:
    creds.token()
except KeyboardInterrupt:
    say("interrupted")
[thread.join(20) for thread in threads]
say(len(got), len(set(got)), creds.token().access_token == got[0])
"""
    with live.authority.hold():
        process = child(live, script)
        assert process.hear() == "waiting"
        eventually(lambda: live.authority.exchanges == 1)
        time.sleep(0.1)
        process.process.send_signal(signal.SIGINT)
        assert process.hear() == "interrupted"
    assert process.end() == ["20 1 True"]
    assert live.authority.exchanges == 1


def test_ctrl_c_at_any_moment(live: Server, child: Callable[[Server, str], Child]) -> None:
    """Wherever Ctrl-C strikes on the way to a token, the next call gets one."""
    script = """
import random
from sa_auth.caches.memory import MemoryCache
random.seed(7)
creds.token()  # what is imported late is there
signal.signal(signal.SIGALRM, signal.default_int_handler)
interrupted = 0
for round in range(150):
    one = creds.replace(subject=str(round))
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(0.00001, 0.0015))
        try:
            one.token()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except (KeyboardInterrupt, RuntimeError):  # the latter is threading.Condition's own, where it is struck in its wait
        interrupted += 1
    started = time.monotonic()
    assert isinstance(one.token(), Token)
    assert time.monotonic() - started < 5
say("interrupted" if interrupted > 10 else f"too few to tell: {interrupted}")
"""
    assert child(live, script).end(within=60) == ["interrupted"]


def test_fork_with_a_held_token(live: Server, child: Callable[[Server, str], Child]) -> None:
    """A forked child has the held token, and asks for nothing."""
    script = """
token = creds.token().access_token
pid = os.fork()
if pid == 0:
    signal.alarm(10)
    os._exit(0 if creds.token().access_token == token else 1)
say(os.waitpid(pid, 0)[1])
"""
    assert child(live, script).end() == ["0"]
    assert live.authority.exchanges == 1


def test_fork_with_a_flight_under_way(live: Server, child: Callable[[Server, str], Child]) -> None:
    """A child forked while a flight is under way begins its own and does not hang; the parent's goes on."""
    live.authority.delay = 0.5
    script = """
future = creds.poll()
heard()
pid = os.fork()
if pid == 0:
    signal.alarm(15)
    os._exit(0 if isinstance(creds.token(), Token) else 1)
say(isinstance(future.result(10), Token), creds.token() is future.result(), os.waitpid(pid, 0)[1])
"""
    process = child(live, script)
    eventually(lambda: live.authority.exchanges == 1)
    process.tell()
    assert process.end() == ["True True 0"]
    assert live.authority.exchanges == 2


def test_fork_while_threads_call(live: Server, child: Callable[[Server, str], Child]) -> None:
    """Children forked at any moment while threads use credentials get tokens of their own, never stuck on a lock."""
    script = """
made = [creds.replace(subject=f"{number}") for number in range(5)]
[one.token() for one in made]
stop = threading.Event()

def work():
    count = 0
    while not stop.is_set():
        count += 1
        made[count % 5].token(min_ttl=count % 2)
        made[count % 5].poll()

threads = [threading.Thread(target=work) for _ in range(4)]
[thread.start() for thread in threads]
statuses = set()
for number in range(15):
    pid = os.fork()
    if pid == 0:
        signal.alarm(10)
        os._exit(0 if isinstance(creds.replace(subject=f"child-{number}").token(), Token) else 1)
    statuses.add(os.waitpid(pid, 0)[1])
stop.set()
[thread.join(10) for thread in threads]
say(statuses)
"""
    assert child(live, script).end(within=50) == ["{0}"]
    assert live.authority.exchanges == 20


@pytest.mark.parametrize("delay", [0.0, 0.005, 0.02, 0.05])
def test_fork_while_modules_are_loaded(live: Server, child: Callable[[Server, str], Child], delay: float) -> None:
    """A child forked while the first flight still imports its libraries gets a token of its own."""
    script = f"""
creds.poll()
time.sleep({delay})
pid = os.fork()
if pid == 0:
    signal.alarm(15)
    os._exit(0 if isinstance(creds.token(), Token) else 1)
say(os.waitpid(pid, 0)[1])
"""
    assert child(live, script).end(within=40) == ["0"]


def test_exit_with_a_flight_under_way(live: Server, child: Callable[[Server, str], Child]) -> None:
    """A process ends at once though a flight is under way."""
    with live.authority.hold():
        process = child(live, "creds.poll()\nheard()\nsay('bye')\n")
        eventually(lambda: live.authority.exchanges == 1)
        started = time.monotonic()
        process.tell()
        assert process.end() == ["bye"]
        assert time.monotonic() - started < 5


def test_token_while_the_interpreter_ends(live: Server, child: Callable[[Server, str], Child]) -> None:
    """A token asked for at exit, when no thread may start any more, is had or refused in words; nothing hangs."""
    script = """
import atexit

def last():
    try:
        creds.token()
        say("token")
    except SaAuthError as error:
        say(error.code)

atexit.register(last)
threading._register_atexit(lambda: None)
"""
    assert child(live, script).end() in (["token"], ["no_thread"])


# --- seats


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
    sa_clock.advance(STALE_AT)
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
    from sa_auth import flight

    return flight._crew._wanted


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
    monkeypatch.setattr(flight._crew, "_spawn", lambda _job: False)
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
    sa_clock.advance(STALE_AT)
    with caplog.at_level(logging.WARNING, "sa_auth"):
        for _ in range(20):
            assert creds.token() is token
            sa_clock.advance(1)
    assert len(caplog.records) == 1
    sa_clock.advance(EXPIRED_AT)
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
    with pytest.raises(SaAuthError, match=r"RuntimeError was raised .* at test_concurrency\.py:\d+") as caught:
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
