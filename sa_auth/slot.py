"""One identity's place in this process: what it holds, what is under way, and what the last renewals taught.

Rule: a flight is begun under the lock by whoever finds that none is under way, and judged again there. Stands between
the source, which judges, and the flight, which asks.
"""

from __future__ import annotations

import logging
import random
import threading
from weakref import WeakValueDictionary

from ._clock import Instant
from ._forks import around
from .caches.base import TokenCache
from .caches.memory import MemoryCache
from .crew import Crew, Job
from .errors import SaAuthError
from .events import Event, on_change
from .exchange import Exchange
from .flight import Flight
from .policy import Held, State, Wanted, judge
from .token import Token

_FORCED_APART = 30.0  # seconds between two renewals that a 401 forced
_LOOK_AGAIN = 0.3  # seconds, at most, until it is seen whether another process has got the token it is asking for

_log = logging.getLogger("sa_auth")
_crew = Crew()
# One lock for all slots: it guards a few assignments, never I/O. Taken before the memory cache's, never after.
_lock = threading.Lock()
# A slot holds its memory, so the id of one is not another's while the slot is there.
_slots: WeakValueDictionary[tuple[int, bytes], Slot] = WeakValueDictionary()


class Slot:
    """One identity's place in this process: the held token, the flight, and what the last flights taught.

    Attributes:
        held: The token and when its life began; None where there is none, or a refused one was discarded.
        flight: The renewal under way.
    """

    __slots__ = (
        "__weakref__",
        "_busy_since",
        "_error",
        "_failures",
        "_forced_at",
        "_lives",
        "_look_at",
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
        self._busy_since: float | None = None  # since when another process has been asking
        self._look_at = float("-inf")  # when to see what came of it

    @property
    def shared(self) -> TokenCache | None:
        """The cache under this process's memory; None: there is none."""
        return self.memory.shared

    def begin(
        self, exchange: Exchange, seen: Held | None, now: Instant, *, wanted: bool, inline: bool, min_ttl: float = 0.0
    ) -> Flight | None:
        """Joins the flight, or begins one.

        Args:
            exchange: How to ask.
            seen: The held token that was judged; if another is held by now, there is nothing to begin.
            now: The instant of that judgement.
            wanted: Whether somebody waits for it.
            inline: Whether it may run on this very stack where the machine gives no thread.
            min_ttl: Seconds of life that the caller needs.

        Returns:
            The flight; one that has failed already during a back-off. None: another token is held by now.
        """
        with _lock:
            if not _same(self.held, seen):
                return None
            flight = self.flight
            if flight is None:
                flight = Flight(self, exchange, min_ttl)
                if self._failing(exchange, now):
                    flight.settle(None, self._backing_off(now))
                    return flight
                self.flight = flight
            flight.awaited, flight.min_ttl = flight.awaited or wanted, max(flight.min_ttl, min_ttl)
        # The thread is started outside the lock, or the whole herd would queue for it.
        if not _crew.launch(flight, wanted=wanted):
            flight.work() if inline else flight.give_up()
        return flight

    def resting(self, exchange: Exchange, now: Instant) -> bool:
        """Whether, while the held token lives, it is too early for a renewal: one failed just now, or another process is at it."""
        return now.boot < self._look_at or self._failing(exchange, now)

    def _failing(self, exchange: Exchange, now: Instant) -> bool:
        """Whether a renewal failed so recently that none is due yet; one that goes another way may go at once."""
        return now.boot < self._not_before and exchange.way in self._ways

    def _backing_off(self, now: Instant) -> SaAuthError:
        error = self._error.copy() if self._error is not None else SaAuthError("The last renewal failed.")
        wait = error.retry_after = max(self._not_before - now.boot, 0.0)
        again = f"This is the outcome of a moment ago; the next attempt is in {wait:.1f} s."
        error.hint = f"{error.hint} {again}".strip()
        return error

    def wanted(self, flight: Flight) -> Wanted:
        """What a flight is to bring."""
        return Wanted(self.held, self._resort, flight.min_ttl)

    def urgent(self, flight: Flight) -> bool:
        """Whether somebody waits for it, or another process has been asking for half of what an exchange may take."""
        since = self._busy_since
        return flight.awaited or (since is not None and flight.exchange.clock.boot() - since > flight.limit / 2)

    def postpone(self, flight: Flight) -> bool:
        """Takes a flight back, since another process is asking; False where somebody waits for it by now."""
        now = flight.exchange.clock.boot()
        with _lock:
            if self.urgent(flight):
                return False
            if self.flight is flight:
                self.flight = None
                self._look_at = now + _LOOK_AGAIN * random.uniform(0.3, 1.0)  # nosec B311 # noqa: S311 - no secret
                self._busy_since = now if self._busy_since is None else self._busy_since
            settled, flight.landed = flight.landed, True
        if not settled:
            flight.settle(
                None, SaAuthError("Another process is asking for the next token.", code="busy", retryable=True)
            )
        return True

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
        self.memory.prepare()
        with _lock:
            if self.flight is not flight:
                return  # given up: a late answer is dropped
            if not stuck:
                self.flight = None
            if flight.landed:
                return
            flight.landed, self._busy_since = True, None
            before = (self._failures, self._lives)
            outcome = held if failure is None else self._failed(flight.exchange, failure, now)
            kept = failure is None and held is not None and not flight.unwanted
            if kept and held is not None:
                self._landed(held, now)
                # Under the same lock, or what is revoked or refused at once would be kept for who comes later.
                self.memory.put(self.identity, held)
        if failure is not None:
            flight.story.append(Event("failure", self.identity.hex()[:8], code=failure.code))
        self._log(before, failure)  # outside the lock: a handler may do what it likes, ask for a token among it
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
        except Exception:  # nosec B110 # noqa: BLE001, S110 - a handler that fails is no reason to lose a token
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
            failure, failures=self._failures, chance=random.random(), time_left=time_left,  # nosec B311 # noqa: S311 - no secret
        )  # fmt: skip
        self._not_before = now.boot + wait
        resort, self._resort = self._resort, None
        if resort is None:
            return None
        self.held = resort  # even if its life is over: what came with it gets the next one
        return resort if time_left is not None else None

    def forget(self, held: Held) -> None:
        """Forgets a token for good, with what came with it, if it is still the newest."""
        with _lock:
            if _same(self.held, held):
                self.held = None
            if _same(self._resort, held):
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
            if held.refresh_token is None and self.memory.shared is None:
                self.memory.discard(self.identity, held)
            else:
                # Whoever takes it from there has the means to the next token, knows this one if it is found in the cache
                # below, and never hands it out.
                self.memory.put(self.identity, held._replace(since=float("-inf")))


def _same(one: Held | None, other: Held | None) -> bool:
    """Whether it is one token, in whichever box."""
    return one is other or (one is not None and other is not None and one.token is other.token)


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


def _settle_anew() -> None:
    """Puts every held token into a new box, so that each source judges it anew, and tells of it or no longer does."""
    with _lock:
        for slot in list(_slots.values()):
            held = slot.held
            if held is not None:
                slot.held = held._replace()
                if slot.memory.get(slot.identity) is held:
                    slot.memory.put(slot.identity, slot.held)


on_change(_settle_anew)


def _before_fork() -> None:
    _lock.acquire()
    _crew.hold()


def _in_parent() -> None:
    _crew.release()
    _lock.release()


def _after_fork() -> None:
    _crew.reset()
    for slot in list(_slots.values()):
        slot.flight = None  # its thread did not come along
    _lock.release()


around(_before_fork, _in_parent, _after_fork)
