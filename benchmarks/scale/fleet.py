"""A fleet on paper: many workers over one day, who judge as the library does, on a clock that simpy moves.

Rule: every worker is there, with a share, a token, failures and chances of its own; none stands for others. Those who
are due at the same tenth of a second are dealt with together, as arrays. What is modelled stands in docs/scale.md.
Stands on `judgements`, under `shared`, where workers share their tokens.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import simpy

from benchmarks.scale.judgements import PER_SECOND, default, rounded, ticks, turns

HOUR = 3600
LATENCY = 0.2  # seconds from a request to its answer, whatever the load
SEED = 7523
CALLING, ASKING, WAITING, SLEEPING = range(4)  # what a worker does next, or until then
NEVER = -(10**7)
_NOTHING = -1
_LATENCY = ticks(LATENCY)
_BLOCK = 60 * PER_SECOND  # ticks that are put in order at once


class Plan(NamedTuple):
    """One day of one fleet.

    Attributes:
        workers: How many processes.
        group: How many of them share one cache; 1: nobody shares. The workers must divide into such groups.
        jitter: Whether each draws a share, as the library does; else it is 0 for all.
        window: Seconds over which they start.
        outage: From which second to which the endpoint answers 503; None: never.
        hours: Length of the day.
    """

    workers: int
    group: int = 1
    jitter: bool = True
    window: int = 1
    outage: tuple[int, int] | None = None
    hours: int = 24


class Fleet:
    """Runs a plan for workers who each have a token of their own.

    Args:
        plan: What to run.

    Attributes:
        requests: Token requests at the endpoint, by second.
        exchanges: Tokens that the endpoint gave.
        issued: The tick at which each worker's token was asked for.
        last_back: The last tick at which somebody without a living token got one, the start left out; 0: nobody.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan, self._says = plan, default()
        self._rng = np.random.default_rng(SEED + plan.workers)
        self.requests = np.zeros(plan.hours * HOUR + 60, np.int64)
        self.exchanges = self.last_back = 0
        count = plan.workers
        self.issued, self._without = np.full(count, NEVER, np.int32), np.zeros(count, np.int32)
        no_jitter = np.broadcast_to(self._says.stale(np.zeros(1)), count)
        self._turn = turns(count, SEED) if plan.jitter else no_jitter
        self._due = self._rng.integers(0, plan.window * PER_SECOND, count, np.int32)
        self._phase, self._failures = np.zeros(count, np.int8), np.zeros(count, np.int16)
        self._brings = np.zeros(count, np.int32)  # when the token was asked for that is under way
        start, end = plan.outage or (0, 0)
        self._down = start * PER_SECOND, end * PER_SECOND
        self._diary: dict[int, list[np.ndarray]] = {}
        self._horizon = 0

    def run(self) -> Fleet:
        """Lets the day pass."""
        self._env = simpy.Environment()
        self._env.process(self._day())
        self._env.run(until=self.plan.hours * HOUR * PER_SECOND)
        return self

    def without_token(self) -> np.ndarray:
        """Seconds for which each worker that had a token was without a living one, the longest time."""
        over = self._env.now - self.issued - self._says.expired
        still = np.where(self.issued == NEVER, 0, over)  # who has none at the end of the day is counted as well
        return np.maximum(self._without, still) / PER_SECOND

    def _day(self):
        # Only what falls due within the minute is put in order: sorting in every renewal an hour ahead would cost more.
        while True:
            now = self._env.now
            self._horizon = now + _BLOCK
            soon = np.flatnonzero((self._due >= now) & (self._due < self._horizon))
            self._note(soon, self._due[soon])
            yield self._env.timeout(_BLOCK)

    def _note(self, who: np.ndarray, when: np.ndarray) -> None:
        if not len(who):
            return
        order = np.argsort(when, kind="stable")
        instants, first = np.unique(when[order], return_index=True)
        for tick, some in zip(instants.tolist(), np.split(who[order], first[1:]), strict=True):
            self._page(tick).append(some)

    def _page(self, tick: int) -> list[np.ndarray]:
        page = self._diary.get(tick)
        if page is None:
            page = self._diary[tick] = []
            self._env.timeout(tick - self._env.now).callbacks.append(self._tick)
        return page

    def _set(self, who: np.ndarray, phase: int, when: np.ndarray | int) -> None:
        """Has workers do the next thing at a tick of each, or of all."""
        self._phase[who] = phase
        self._due[who] = when
        if isinstance(when, int):
            if when < self._horizon and len(who):
                self._page(when).append(who)
            return
        soon = when < self._horizon
        self._note(who[soon], when[soon])

    def _tick(self, _event: simpy.Event) -> None:
        now = int(self._env.now)
        some = self._diary.pop(now)
        who = some[0] if len(some) == 1 else np.concatenate(some)
        lands = self._phase[who] == ASKING
        if lands.any():
            self._land(who[lands], now)
        if not lands.all():
            self._renew(who[~lands], now)

    def _renew(self, who: np.ndarray, now: int) -> None:
        """Those whose token is due, or over."""
        self._ask(who, now)

    def _ask(self, who: np.ndarray, now: int) -> None:
        """One exchange each: its requests, and what it will bring when it lands."""
        if not len(who):
            return
        self.requests[now // PER_SECOND] += len(who)
        start, end = self._down
        if not start <= now < end:
            self._brings[who] = now
            self._set(who, ASKING, now + _LATENCY)
            return
        sent, failed = np.full(len(who), now, np.int32), np.arange(len(who))
        for pauses in self._says.pauses:
            sent[failed] += _LATENCY + rounded(self._rng.choice(pauses, len(failed)), self._rng)
            self._count(sent[failed])
            failed = failed[sent[failed] < end]
        brings = sent.copy()
        brings[failed] = _NOTHING
        self._brings[who] = brings
        self._set(who, ASKING, sent + _LATENCY)

    def _count(self, sent: np.ndarray) -> None:
        if len(sent):
            first = int(sent.min()) // PER_SECOND
            counts = np.bincount(sent // PER_SECOND - first)
            self.requests[first : first + len(counts)] += counts

    def _land(self, who: np.ndarray, now: int) -> tuple[np.ndarray, np.ndarray]:
        """Exchanges that are over; gives those that brought a token, and those that did not."""
        brings = self._brings[who]
        good = brings != _NOTHING
        got, lost = who[good], who[~good]
        self.exchanges += len(got)
        self._hold(got, brings[good], now)
        self._fail(lost, 0, now)
        return got, lost

    def _fail(self, who: np.ndarray, told: np.ndarray | int, now: int) -> None:
        """A renewal that failed: a pause, where another was told to wait at least so many ticks."""
        if not len(who):
            return
        self._failures[who] += 1
        left = np.maximum(self._says.expired - (now - self.issued[who]), 0)
        wait = self._says.back_off(self._failures[who], left, np.broadcast_to(told, len(who)), self._rng)
        self._set(who, CALLING, now + wait)

    def _hold(self, who: np.ndarray, issued: np.ndarray, now: int) -> None:
        """Takes a token into use."""
        if not len(who):
            return
        before = self.issued[who]
        gap = np.where(before == NEVER, 0, now - before - self._says.expired)
        if gap.max() > 0:
            self._without[who] = np.maximum(self._without[who], gap)
            self.last_back = now
        self.issued[who], self._failures[who] = issued, 0
        # The next call comes somewhere in the tenth of a second after the turn, and is seen at the tick after that. Were
        # it always the first tick after the turn, those of like shares would be in step for ever.
        call = np.floor(issued + self._turn[who] + self._rng.random(len(who))).astype(np.int32) + 1
        self._set(who, CALLING, np.maximum(call, now + 1))
