"""The library's judgements as arrays: each question is put once to `sa_auth.policy`, and the answer kept.

Rule: no figure of the policy stands here; what is found here was said by `RefreshPolicy.life`, `judge`, `Retry.pause` or
`Retry.back_off`. A life is laid out from second 0 and moved to where its token was issued. Stands under the fleet.
"""

from __future__ import annotations

from functools import cache
from math import ceil

import numpy as np

from sa_auth._clock import Instant
from sa_auth.answer import read_answer
from sa_auth.errors import SaAuthError
from sa_auth.policy import Held, Life, RefreshPolicy, Retry, State, judge
from sa_auth.token import Token
from sa_auth.wire import Response

PER_SECOND = 10  # ticks; things happen at one, but when a token turns is told between them
LIFE = 3600.0
CHANCES = 50  # steps in which the chance that a pause is drawn by is told
_FAILURES = 9  # by then the pause is the longest: one failure more changes nothing
_LEAST_LEFT = 4.0  # seconds of the deadline that anybody has left after two requests, who waited for a lock or not
_UNASKED = -1
_FUZZ = 1e-6  # of a tick, by which two ways to compute one instant may differ


def ticks(seconds: float) -> int:
    """The first tick so many seconds on, or later."""
    return ceil(round(seconds * PER_SECOND, 6))


def rounded(waits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Waits in whole ticks, one at least: up or down by chance, so that they are neither longer nor shorter on the whole."""
    return np.maximum(np.floor(waits + rng.random(len(waits))), 1).astype(np.int32)


def at(tick: int) -> Instant:
    """Both clocks at a tick; they agree here."""
    return Instant(tick / PER_SECOND, tick / PER_SECOND)


def down() -> SaAuthError:
    """What the library makes of a 503 without a body."""
    failure: SaAuthError | None = None
    try:
        read_answer(Response(503, {}, b""), asked=at(0), policy=RefreshPolicy())
    except SaAuthError as error:
        failure = error.copy()
    if failure is None:
        raise AssertionError("a 503 was taken for a token")
    return failure


class Judgements:
    """What the policy says, for tokens of an hour and an endpoint that answers 503 while it is down.

    Attributes:
        expired: Ticks from issue from which a token is EXPIRED; the share does not move it.
        pauses: For each request of an exchange but the last, the ticks until the next one, with their fraction, by chance.
    """

    def __init__(self, policy: RefreshPolicy, retry: Retry) -> None:
        self._policy, self._retry, self._down = policy, retry, down()
        self._errors = [
            self._down,
            *(self._down.but(retry_after=at(tick + 1).boot, elsewhere=True) for tick in range(ticks(retry.longest))),
        ]
        token = Token("t", expires_at=LIFE, refresh_at=policy.stale_after(LIFE), issued_at=0.0)
        self._held = Held(token, 0.0)
        life = policy.life(self._held, 0.0)
        self.expired = _first(life, life.expired, (State.FRESH, State.STALE))
        self._chances = (np.arange(CHANCES) + 0.5) / CHANCES
        self.pauses = list(self._pauses())
        most_left = self.expired - _first(life, life.stale, (State.FRESH,))  # nobody asks while a token is fresh
        longest = ticks(retry.longest)
        self._waits = np.full((_FAILURES + 1, most_left + 1, longest + 1, CHANCES), _UNASKED, np.float32)
        if self._ask(_FAILURES, most_left, 0, CHANCES - 1) != self._ask(_FAILURES + 1, most_left, 0, CHANCES - 1):
            raise AssertionError("one failure more makes a longer pause")

    def stale(self, shares: np.ndarray) -> np.ndarray:
        """Ticks from issue from which a token is STALE, with their fraction, for each share.

        Raises:
            AssertionError: by `judge` the turn is elsewhere.
        """
        turns = np.empty(len(shares))
        for index, share in enumerate(shares.tolist()):
            life = self._policy.life(self._held, share)
            turn, first = life.stale.boot * PER_SECOND, _first(life, life.stale, (State.FRESH,))
            if not first - 1 - _FUZZ < turn < first + _FUZZ:
                raise AssertionError(f"judged to be stale from tick {first} on, and not from {turn}")
            turns[index] = turn
        return turns

    def back_off(
        self, failures: np.ndarray, left: np.ndarray, told: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Ticks until the next renewal may begin, after so many failures in a row.

        Args:
            failures: In a row, the last one included.
            left: Ticks until the held token is EXPIRED; 0: it is, or there is none.
            told: Ticks for which the error says to wait (`retry_after`); 0: it says nothing.
            rng: Draws the chance.
        """
        key = (np.minimum(failures, _FAILURES), left, told, rng.integers(0, CHANCES, len(failures)))
        waits = self._waits[key]
        new = waits == _UNASKED
        if new.any():
            for one in set(zip(*(part[new].tolist() for part in key), strict=True)):
                self._waits[one] = self._ask(*one)
            waits = self._waits[key]
        return rounded(waits, rng)

    def _ask(self, failures: int, left: int, told: int, step: int) -> float:
        time_left = left / PER_SECOND if left else None
        chance = float(self._chances[step])
        error = self._errors[told]
        wait = self._retry.back_off(error, failures=failures, chance=chance, time_left=time_left)
        return wait * PER_SECOND

    def _pauses(self):
        for attempt in range(1, self._retry.attempts + 1):
            said = [
                self._retry.pause(self._down, attempt=attempt, chance=chance, time_left=_LEAST_LEFT)
                for chance in self._chances.tolist()
            ]
            if None in said:
                return
            yield np.array(said) * PER_SECOND


def _first(life: Life, turn: Instant, before: tuple[State, ...]) -> int:
    """The first tick at which a token is judged to be past those states; its turn is where the search begins."""
    tick = ticks(turn.boot)
    while judge(life, at(tick)) in before:
        tick += 1
    while judge(life, at(tick - 1)) not in before:
        tick -= 1
    return tick


@cache
def default() -> Judgements:
    """Those of a client that was told nothing, with the answers so far."""
    return Judgements(RefreshPolicy(), Retry())


@cache
def turns(workers: int, seed: int) -> np.ndarray:
    """When each worker's tokens turn stale, by a share that each drew once."""
    return default().stale(np.random.default_rng(seed).random(workers))
