"""One renewal at a time per identity, its result and error shared by all who wait.

Rule: a flight is begun under the lock by whoever finds that none is under way, and judged again there; it never runs
on a waiter's stack. Stands between the source, which judges, and the exchange, which talks.
"""

from __future__ import annotations

import logging
import os
import random
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from weakref import WeakValueDictionary

from ._clock import Instant
from ._secret import Secret
from .caches.memory import MemoryCache
from .crew import Crew, Job
from .errors import SaAuthError, TransportError
from .exchange import Exchange
from .policy import Held, State, judge
from .token import Token

_FORCED_APART = 30.0  # seconds between two renewals that a 401 forced

_log = logging.getLogger("sa_auth")
_crew = Crew()
# One lock for all slots: it guards a few assignments, never I/O. Taken before the memory cache's, never after.
_lock = threading.Lock()
# A slot holds its memory, so the id of one is not another's while the slot is there.
_slots: WeakValueDictionary[tuple[int, bytes], Slot] = WeakValueDictionary()


class Flight(Future[Token]):
    """One renewal, and what its waiters wait for.

    Each waiter gets an error of its own: one exception object raised in 64 threads would share its traceback.
    """

    def __init__(self, slot: Slot, exchange: Exchange) -> None:
        super().__init__()
        self.set_running_or_notify_cancel()  # so that no waiter's cancellation reaches the others
        self.slot, self.exchange = slot, exchange
        self.limit, self.host = exchange.timeout, exchange.host
        self.token: Token | None = None
        self.unwanted = False  # what it brings is for its waiters alone: the token before it was revoked meanwhile
        self.landed = False  # set under the lock: of its thread and the watch, one settles it
        self._gate = threading.Lock()  # closed until the flight has landed
        self._gate.acquire()
        self._claim = threading.Lock()  # taken by the one thread that does the work

    def work(self) -> None:
        """Asks, and lands with a token or an error; the second who tries does nothing."""
        if not self._claim.acquire(blocking=False):
            return
        held: Held | None = None
        failure: SaAuthError | None = None
        try:
            held = self.exchange.run(self.slot.refresh_token())
        except SaAuthError as error:
            failure = error.copy()
        except BaseException as error:  # noqa: BLE001 - whatever happened, nobody may be left waiting
            failure = SaAuthError(f"The renewal ended in {type(error).__name__}.", code="unexpected")
        try:
            self.slot.land(self, held, failure)
        except Exception:  # noqa: BLE001, S110 - of a clock or a log handler; the waiters were told
            pass

    def give_up(self) -> None:
        """Lands with an error, unless some thread is at work on it after all."""
        if self._claim.acquire(blocking=False):
            self.slot.land(self, None, _no_thread())

    def overdue(self, *, abandoned: bool) -> None:
        """Frees the waiters of a flight whose thread is stuck."""
        self.slot.land(self, None, timed_out(self.exchange), stuck=not abandoned)

    def settle(self, token: Token | None, failure: SaAuthError | None) -> None:
        """Wakes the waiters, with a token or an error."""
        self.token = token
        if token is not None:
            self.set_result(token)
        else:
            self.set_exception(failure)
        self._gate.release()

    def exception(self, timeout: float | None = None) -> SaAuthError | None:
        """The error, as a copy for this caller; None where there is a token."""
        error = super().exception(timeout)
        return error.copy() if isinstance(error, SaAuthError) else None

    def result(self, timeout: float | None = None) -> Token:
        """The token.

        Raises:
            SaAuthError: the flight failed.
            TimeoutError: it did not land in so many seconds.
        """
        # A herd wakes twice as fast one by one through a gate as all at once through the future's condition. Not so the
        # main thread: Ctrl-C could strike it in the gate, and leave that closed to those behind.
        if threading.current_thread() is not threading.main_thread():
            if not self._gate.acquire(timeout=-1 if timeout is None else timeout):
                raise NotInTime
            self._gate.release()
            if self.token is not None:
                return self.token
            timeout = 0
        error = self.exception(timeout)
        if error is not None:
            try:
                raise error
            finally:
                del error  # or the error's traceback would hold the error
        return super().result()


class Slot:
    """One identity's place in this process: the held token, the flight, and what the last flights taught.

    Attributes:
        held: The token and when its life began; None where there is none, or a refused one was discarded.
        flight: The renewal under way.
    """

    __slots__ = (
        "__weakref__",
        "_error",
        "_failures",
        "_forced_at",
        "_lives",
        "_not_before",
        "_resort",
        "_ways",
        "flight",
        "held",
        "identity",
        "memory",
    )  # fmt: skip

    def __init__(self, identity: bytes, memory: MemoryCache) -> None:
        self.identity, self.memory = identity, memory
        self.held: Held | None = memory.get(identity)
        self.flight: Flight | None = None
        self._resort: Held | None = None  # a discarded token, used if its replacement cannot be had
        self._failures = 0
        self._ways: frozenset[tuple[object, ...]] = frozenset()  # how was asked, of the failures of this pause
        self._lives = False  # whether there was a living token at the last failure
        self._not_before = float("-inf")
        self._forced_at = float("-inf")
        self._error: SaAuthError | None = None

    def begin(
        self, exchange: Exchange, seen: Held | None, now: Instant, *, wanted: bool, inline: bool
    ) -> Flight | None:
        """Joins the flight, or begins one.

        Args:
            exchange: How to ask.
            seen: The held token that was judged; if another is held by now, there is nothing to begin.
            now: The instant of that judgement.
            wanted: Whether somebody waits for it.
            inline: Whether it may run on this very stack where the machine gives no thread.

        Returns:
            The flight; one that has failed already during a back-off. None: another token is held by now.
        """
        with _lock:
            if self.held is not seen:
                return None
            flight = self.flight
            if flight is None:
                flight = Flight(self, exchange)
                if self.resting(exchange, now):
                    flight.settle(None, self._backing_off(now))
                    return flight
                self.flight = flight
        # The thread is started outside the lock, or the whole herd would queue for it.
        if not _crew.launch(flight, wanted=wanted):
            flight.work() if inline else flight.give_up()
        return flight

    def resting(self, exchange: Exchange, now: Instant) -> bool:
        """Whether a renewal failed so recently that none is due yet; one that goes another way may go at once."""
        return now.boot < self._not_before and exchange.way in self._ways

    def _backing_off(self, now: Instant) -> SaAuthError:
        error = self._error.copy() if self._error is not None else SaAuthError("The last renewal failed.")
        wait = error.retry_after = max(self._not_before - now.boot, 0.0)
        again = f"This is the outcome of a moment ago; the next attempt is in {wait:.1f} s."
        error.hint = f"{error.hint} {again}".strip()
        return error

    def land(self, flight: Flight, held: Held | None, failure: SaAuthError | None, *, stuck: bool = False) -> None:
        """Takes what a flight brought, unless it was given up, and wakes its waiters.

        Args:
            flight: Which one.
            held: The token; None where it failed.
            failure: The error; None where it did not.
            stuck: Whether its thread still holds on, so that no other flight may begin.
        """
        try:
            self._take(flight, held, failure, stuck=stuck)
        except BaseException:  # a clock or policy of the caller's own failed us: nobody may be left waiting
            with _lock:
                if self.flight is flight:
                    self.flight = None
            if not flight.done():
                flight.settle(None, failure or SaAuthError("The renewal could not be taken.", code="unexpected"))
            raise

    def _take(self, flight: Flight, held: Held | None, failure: SaAuthError | None, *, stuck: bool) -> None:
        now = flight.exchange.clock.now()
        with _lock:
            if self.flight is not flight:
                return  # given up: a late answer is dropped
            if not stuck:
                self.flight = None
            if flight.landed:
                return
            flight.landed = True
            before = (self._failures, self._lives)
            outcome = held if failure is None else self._failed(flight.exchange, failure, now)
            kept = failure is None and held is not None and not flight.unwanted
            if kept and held is not None:
                self._landed(held, now)
        self._log(before, failure)  # outside the lock: a handler may do what it likes, ask for a token among it
        if kept and held is not None:
            self.memory.put(self.identity, held)
        flight.settle(outcome.token if outcome is not None else None, failure)

    def _landed(self, held: Held, now: Instant) -> None:
        if self._resort is not None:
            self._forced_at = now.boot
        self.held, self._resort, self._error = held, None, None
        self._failures, self._not_before = 0, float("-inf")

    def _log(self, before: tuple[int, bool], failure: SaAuthError | None) -> None:
        """Writes a line on a change of state: the first failure, the held token's end during failures, the recovery."""
        failures, lived = before
        name = self.identity.hex()[:8]
        try:
            if failure is None and failures:
                _log.info("identity %s: renewed after %d failures", name, failures)
            elif failure is not None and (not failures or lived != self._lives):
                lives = "; the held token lives on" if self._lives else ""
                _log.warning("identity %s: renewal failed%s: %s", name, lives, failure)
        except Exception:  # noqa: BLE001, S110 - a handler that fails is no reason to lose a token
            pass

    def _failed(self, exchange: Exchange, failure: SaAuthError, now: Instant) -> Held | None:
        """Notes a failure and when to try again; gives the discarded token back if it still lives."""
        current = self._resort or self.held
        time_left: float | None = None
        if current is not None:
            life = exchange.policy.life(current, 0.0)
            if judge(life, now) is not State.EXPIRED:
                time_left = min(life.expired.wall - now.wall, life.expired.boot - now.boot)
        self._failures += 1
        self._error = failure
        self._ways = frozenset({exchange.way}) | (self._ways if now.boot < self._not_before else frozenset())
        self._lives = time_left is not None
        wait = exchange.retry.back_off(
            failure, failures=self._failures, chance=random.random(), time_left=time_left,  # noqa: S311 - no secret
        )  # fmt: skip
        self._not_before = now.boot + wait
        resort, self._resort = self._resort, None
        if resort is None:
            return None
        self.held = resort  # even if its life is over: what came with it gets the next one
        return resort if time_left is not None else None

    def refresh_token(self) -> Secret | None:
        """What came with the newest token, be it held or discarded; None where nothing did."""
        newest = self.newest()
        return newest.refresh_token if newest is not None else None

    def forget(self, held: Held) -> None:
        """Forgets a token for good, with what came with it, if it is still the newest."""
        with _lock:
            if self.held is held:
                self.held = None
            if self._resort is held:
                self._resort = None
            if self.flight is not None:
                self.flight.unwanted = True
            kept = self.memory.get(self.identity)
            if kept is not None and kept.token is held.token:
                self.memory.discard(self.identity, kept)

    def newest(self) -> Held | None:
        """The token that is held, or was discarded and not replaced yet; None where there is none."""
        return self.held or self._resort

    def discard(self, token: Token, now: Instant) -> None:
        """Forgets a token if it is still the held one, unless a renewal for that reason was just made, or failed."""
        with _lock:
            held = self.held
            if held is None or held.token.access_token != token.access_token:
                return
            if now.boot < self._not_before or now.boot - self._forced_at < _FORCED_APART:
                return
            self._resort, self.held = held, None
            if held.refresh_token is None:
                self.memory.discard(self.identity, held)
            else:
                # Whoever takes it from there has the means to the next token, and never hands this one out.
                self.memory.put(self.identity, held._replace(since=float("-inf")))


def launch(job: Job) -> bool:
    """Has a job that somebody waits for done by the threads of the flights; False where the machine gives none."""
    return _crew.launch(job, wanted=True)


def slot_at(memory: MemoryCache, identity: bytes) -> Slot:
    """The one slot of an identity, among those who share a memory.

    Slots are held weakly: an identity that nobody uses has only its token in the memory.
    """
    with _lock:
        slot = _slots.get((id(memory), identity))
        if slot is None:
            slot = _slots[id(memory), identity] = Slot(identity, memory)
        return slot


def timed_out(exchange: Exchange) -> TransportError:
    """The error of a caller whose time is up."""
    return TransportError(
        f"No token from {exchange.host} within {exchange.timeout:g} s.", code="timeout", retryable=True,
        hint="The server, or this machine's name service, is too slow; timeout= sets the seconds.",
    )  # fmt: skip


def _no_thread() -> SaAuthError:
    return SaAuthError("The machine gives no thread to renew on.", code="no_thread", retryable=True)


def _after_fork() -> None:
    _crew.reset()
    for slot in list(_slots.values()):
        slot.flight = None  # its thread did not come along
    _lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_after_fork)
