"""The fleet on paper does what the library would, and its page shows what was found.

Rule: small fleets and short days; the page is compared with the stored results, and nothing is drawn.
"""

from __future__ import annotations

import inspect
import json
import random
from itertools import count

import numpy as np
import pytest
import simpy

from benchmarks.scale import page, shared
from benchmarks.scale.fleet import LATENCY, Plan
from benchmarks.scale.judgements import LIFE, default, down
from sa_auth import place, sharing, slot
from sa_auth._clock import Instant
from sa_auth.exchange import Exchange
from sa_auth.policy import Held, RefreshPolicy, Retry, State, judge
from sa_auth.token import Token

WORKERS, GROUP, HOURS = 200, 20, 3
PERIODS = 4  # of 3,300 s and a little, begun within three hours
OUTAGE = (6590, 6590 + 400)  # the third token of a fleet without jitter is due as it begins
SETTLED = 60  # seconds after which the start is over
FOUND = json.loads(page.RESULTS.read_text(encoding="utf-8"))


def day(**changes):
    """A small fleet's day."""
    return shared.run(Plan(WORKERS, hours=HOURS)._replace(**changes))


@pytest.mark.parametrize("jitter", [False, True])
def test_own(jitter: bool) -> None:
    """Without sharing each worker makes one exchange per period, and is never without a token."""
    fleet = day(jitter=jitter)
    assert fleet.exchanges == fleet.requests.sum() == WORKERS * PERIODS
    assert fleet.without_token().max() == fleet.last_back == 0


@pytest.mark.parametrize("jitter", [False, True])
@pytest.mark.parametrize("group", [GROUP, WORKERS])
def test_sharing(group: int, jitter: bool) -> None:
    """With sharing each group makes exactly one exchange per period, and in the end all hold its token."""
    fleet = day(group=group, jitter=jitter)
    assert fleet.exchanges == fleet.requests.sum() == WORKERS // group * PERIODS
    assert all(len(set(held)) == 1 for held in fleet.issued.reshape(-1, group).tolist())
    assert fleet.without_token().max() == 0


@pytest.mark.parametrize("group", [1, 4])
def test_jitter(group: int) -> None:
    """With jitter the worst second after the start is far lower than without."""
    bare, drawn = (day(group=group, jitter=jitter).requests[SETTLED:].max() for jitter in (False, True))
    assert bare > 4 * drawn


@pytest.mark.parametrize("group", [1, GROUP, WORKERS])
@pytest.mark.parametrize("jitter", [False, True])
def test_short_outage(group: int, jitter: bool) -> None:
    """Nobody who holds a living token is left without one by an outage that is shorter than what a renewal has of time."""
    says = default()
    safe = (says.expired - says.stale(np.ones(1))[0]) / 10
    begin = OUTAGE[0]
    fleet = day(group=group, jitter=jitter, outage=(begin, begin + int(safe) - 5))
    assert safe == 210
    assert fleet.requests[begin:].sum() > fleet.exchanges - WORKERS  # it was met
    assert fleet.without_token().max() == 0


def test_long_outage() -> None:
    """An outage that outlasts the tokens leaves all without one who were due, until the endpoint is back, and no longer."""
    fleet = day(jitter=False, outage=OUTAGE)
    dark = OUTAGE[1] - 6600 - (LIFE - 30 - 3300)  # from the end of the tokens that were issued at 3,300 s
    assert (fleet.without_token() > 0).all()
    assert dark - 2 < fleet.without_token().max() < dark + 3
    assert OUTAGE[1] < fleet.last_back / 10 < OUTAGE[1] + 2.5


def test_an_error_is_shared() -> None:
    """What one of a group is told during an outage spares the others most of their requests."""
    alone, together = (day(group=group, outage=OUTAGE).requests[slice(*OUTAGE)].sum() for group in (1, WORKERS))
    assert 0 < together < alone


def one_by_one(workers: int, outage: tuple[int, int]) -> tuple[list[float], list[float]]:
    """The same without arrays, tables and ticks: seconds of all requests, and of each time without a token."""
    policy, retry, error, chance = RefreshPolicy(), Retry(), down(), random.Random(1).random
    sent, without = [], []

    def worker(env: simpy.Environment):
        held, failures = None, 0
        yield env.timeout(chance())
        while True:
            for attempt in count(1):
                asked = env.now
                sent.append(asked)
                yield env.timeout(LATENCY)
                if not outage[0] <= asked < outage[1]:
                    if held is not None and (gap := env.now - policy.life(held, 0.0).expired.boot) > 0:
                        without.append(gap)
                    token = Token("t", issued_at=asked, expires_at=asked + LIFE, refresh_at=0.0)
                    held, failures = Held(token, asked), 0
                    yield env.timeout(policy.life(held, 0.0).stale.boot - env.now)
                    break
                pause = retry.pause(error, attempt=attempt, chance=chance(), time_left=9.0)
                if pause is None:
                    life, failures, now = policy.life(held, 0.0), failures + 1, Instant(env.now, env.now)
                    left = None if judge(life, now) is State.EXPIRED else life.expired.boot - env.now
                    yield env.timeout(retry.back_off(error, failures=failures, chance=chance(), time_left=left))
                    break
                yield env.timeout(pause)

    env = simpy.Environment()
    for _ in range(workers):
        env.process(worker(env))
    env.run(until=HOURS * 3600)
    return sent, without


def test_same_as_one_by_one() -> None:
    """Arrays, kept answers and tenths of a second change little: workers that are simulated singly do nearly the same."""
    sent, without = one_by_one(WORKERS, OUTAGE)
    fleet = day(jitter=False, outage=OUTAGE)
    during = sum(OUTAGE[0] <= second < OUTAGE[1] for second in sent)
    assert fleet.requests[slice(*OUTAGE)].sum() == pytest.approx(during, rel=0.03)
    assert len(without) == (fleet.without_token() > 0).sum() == WORKERS
    assert fleet.without_token().mean() == pytest.approx(sum(without) / WORKERS, abs=1.5)


def test_same_figures() -> None:
    """The figures of the sharing are those that the library goes by."""
    assert inspect.signature(Exchange).parameters["timeout"].default == shared.TIMEOUT
    assert shared.LOOK_AGAIN == slot._LOOK_AGAIN
    assert shared.AS_IF == place._AS_IF
    assert shared.RECENT == sharing._RECENT


def test_groups_are_whole() -> None:
    """Workers that do not divide into groups of that size are refused."""
    with pytest.raises(ValueError, match="divide"):
        shared.run(Plan(10, 3))


def test_the_page_shows_the_results() -> None:
    """The page is what the stored results give, for all fleets, with its picture beside it."""
    assert page.PAGE.read_text(encoding="utf-8") == page.page(FOUND)
    assert len(FOUND["rows"]) == 24
    assert 0 < page.PICTURE.stat().st_size < 200_000


@pytest.mark.parametrize(
    "row", FOUND["rows"], ids=lambda row: f"{row['workers']} {row['group']} {row['jitter']} {row['window']}"
)
def test_the_results_are_in_order(row: dict) -> None:
    """On a quiet day each group makes one exchange per period, and after an outage all are soon back."""
    periods = row["quiet"]["exchanges"] * row["group"] / row["workers"]
    assert 86_400 / 3_361 < periods <= 86_400 / 3_300 + 1
    assert row["outage"]["back"] < 2.6
