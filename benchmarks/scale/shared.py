"""Workers who share their tokens: one looks, takes the lock, looks again and asks, and the others take what is there.

Rule: the protocol is that of `sa_auth.sharing` and `sa_auth.slot`, step for step, with a cache that never fails; the
figures that those keep to themselves are repeated here, and tests/docs/test_scale.py compares them. Stands on the fleet.
"""

from __future__ import annotations

import numpy as np

from benchmarks.scale.fleet import ASKING, CALLING, NEVER, SLEEPING, WAITING, Fleet, Plan
from benchmarks.scale.judgements import PER_SECOND, ticks
from sa_auth.caches.record import REMEMBERED

TIMEOUT = 10.0  # seconds that the library gives an exchange; another is waited for half of it
LOOK_AGAIN = 0.3  # seconds, at most, until a worker with a living token sees what became of another's renewal
RECENT = 5.0  # seconds after the end of an error's pause in which it is still taken for how things stand
MACHINE = 16  # workers; a cache of as many is one machine's, a larger one's workers are each on a machine of their own
AS_IF = 4  # failures in a row, by which the pause is drawn that an error left in the cache asks of the others
_HALF, _RECENT, _REMEMBERED = ticks(TIMEOUT / 2), ticks(RECENT), ticks(REMEMBERED)
_NOBODY = -1


class Shared(Fleet):
    """Runs a plan for groups of workers with one cache each.

    Attributes:
        looks: Looks at the caches by those whose renewal begins, by second; more looks of one that waits are not counted.
    """

    def __init__(self, plan: Plan) -> None:
        if plan.workers % plan.group:
            raise ValueError("The workers do not divide into groups of that size.")
        super().__init__(plan)
        self.looks = np.zeros_like(self.requests)
        groups = plan.workers // plan.group
        self._cache = np.full(groups, NEVER, np.int32)  # when the token was asked for that is there
        self._error = np.full(groups, NEVER, np.int32)  # until when the error counts that is there
        self._known = np.full(groups, NEVER, np.int32)  # until when it is known which machines met an error
        self._second = np.full(groups, plan.group <= MACHINE)  # whether who asks would be the second to meet it
        self._holder = np.full(groups, _NOBODY, np.int32)  # of the group's lock
        self._busy = np.full(plan.workers, NEVER, np.int32)  # since when another has been at it
        self._over = np.zeros(plan.workers, np.int32)  # when a worker has waited for long enough

    def _renew(self, who: np.ndarray, now: int) -> None:
        # A token that was adopted, or an error, ends a wait before its time, and may have done so at this very tick.
        who = _once(who[(self._due[who] == now) & (self._phase[who] != ASKING)])
        self.looks[now // PER_SECOND] += int((self._phase[who] == CALLING).sum())
        group = who // self.plan.group
        kept = self._cache[group]
        use = (kept > self.issued[who]) & (now - kept < self._says.expired)
        self._hold(who[use], kept[use], now)
        who, group = who[~use], group[~use]
        failing = now < self._error[group]
        takes = ~failing & (self._holder[group] == _NOBODY) & _first(group)
        self._holder[group[takes]] = who[takes]
        self._found(group[takes], now)
        self._ask(who[takes], now)
        self._stand_back(who[~takes], failing[~takes], now)

    def _stand_back(self, who: np.ndarray, failing: np.ndarray, now: int) -> None:
        """Those who find an error, or another at it: with a living token nobody waits, for a while."""
        if not len(who):
            return
        waits, since = self._phase[who] != CALLING, self._busy[who]
        over = waits & (now >= self._over[who])
        lives = now - self.issued[who] < self._says.expired
        urgent = waits | ~lives | ((since != NEVER) & (now - since > _HALF))
        self._over[who[urgent & ~waits]] = now + _HALF

        # Whoever met an error during the wait takes it for its own at the end of it, if its time was over just now.
        error = self._error[who // self.plan.group]
        met = error > np.maximum(self._over[who] - _HALF, now - _RECENT)
        told = who[(failing & (over | ~urgent)) | (~failing & over & met)]
        self._fail(told, np.maximum(self._error[told // self.plan.group] - now, 1), now)
        bypass = who[~failing & over & ~met]
        self._found(_once(bypass // self.plan.group), now)
        self._ask(bypass, now)  # two exchanges are a cost, a failed call is an error
        self._sleep(who[failing & urgent & ~over])
        waiting = who[~failing & urgent & ~over]
        self._set(waiting, WAITING, self._over[waiting])
        again = who[~failing & ~urgent]
        self._busy[again] = np.where(self._busy[again] == NEVER, now, self._busy[again])
        soon = np.ceil(LOOK_AGAIN * PER_SECOND * self._rng.uniform(0.3, 1.0, len(again))).astype(np.int32)
        self._set(again, CALLING, now + soon)

    def _found(self, groups: np.ndarray, now: int) -> None:
        """What one machine has met is believed where a second one meets it as well."""
        if self.plan.group > MACHINE:
            self._second[groups] = self._known[groups] > now

    def _sleep(self, who: np.ndarray) -> None:
        self._set(who, SLEEPING, np.minimum(self._error[who // self.plan.group], self._over[who]))

    def _land(self, who: np.ndarray, now: int) -> tuple[np.ndarray, np.ndarray]:
        got, lost = super()._land(who, now)
        group = who // self.plan.group
        self._holder[group[self._holder[group] == who]] = _NOBODY
        if len(got):
            news = got // self.plan.group
            np.maximum.at(self._cache, news, self._brings[got])
            self._known[news] = NEVER
            served = self._waiting(_once(news))
            self._hold(served, self._cache[served // self.plan.group], now)
        if len(lost):
            news, none = lost // self.plan.group, np.zeros(len(lost), np.int32)
            pause = self._says.back_off(none + AS_IF, none, none, self._rng)
            np.maximum.at(self._known, news, now + pause + _REMEMBERED)
            believed = self._second[news]
            np.maximum.at(self._error, news[believed], now + pause[believed])
            self._sleep(self._waiting(_once(news[believed])))
            self._set(self._waiting(_once(news[~believed])), SLEEPING, now + 1)
        return got, lost

    def _waiting(self, groups: np.ndarray) -> np.ndarray:
        rows, columns = np.nonzero(self._phase.reshape(-1, self.plan.group)[groups] == WAITING)
        return groups[rows] * self.plan.group + columns

    def _fail(self, who: np.ndarray, told: np.ndarray | int, now: int) -> None:
        self._busy[who] = NEVER
        super()._fail(who, told, now)

    def _hold(self, who: np.ndarray, issued: np.ndarray, now: int) -> None:
        self._busy[who] = NEVER
        super()._hold(who, issued, now)


def run(plan: Plan) -> Fleet:
    """Runs a plan, with sharing or without."""
    return (Fleet(plan) if plan.group == 1 else Shared(plan)).run()


def _once(numbers: np.ndarray) -> np.ndarray:
    """Each number once, in order; much faster than `np.unique`."""
    numbers = np.sort(numbers)
    return numbers[_first(numbers)]


def _first(ordered: np.ndarray) -> np.ndarray:
    """Where each number stands for the first time."""
    first = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return first
