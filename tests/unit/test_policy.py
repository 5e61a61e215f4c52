"""When a token is renewed and when a request goes again: pure judgements, at every boundary."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sa_auth._clock import Instant
from sa_auth.errors import ConfigError, InvalidGrant, ResponseError, SaAuthError, TokenEndpointError, TransportError
from sa_auth.policy import (
    LONGEST_RETRY_AFTER,
    Held,
    RefreshPolicy,
    Retry,
    State,
    judge,
    left,
    positive,
    seconds,
)
from sa_auth.token import Token

WALL, BOOT = 1_700_000_000.0, 5_000.0
FRESH, STALE, EXPIRED = State.FRESH, State.STALE, State.EXPIRED
lives = st.floats(0.001, 86_400)
shares = st.floats(0, 1)


def held(life: float, **extra: Any) -> Held:
    """A token that lives so many seconds from WALL and BOOT."""
    return Held(Token("t", expires_at=WALL + life, refresh_at=WALL, issued_at=WALL, extra=extra), BOOT)


def state(life: float, age: float, *, share: float = 0.0, ttl: float = 0.0) -> State:
    """How a token of that life is judged at that age."""
    return judge(RefreshPolicy().life(held(life), share), Instant(WALL + age, BOOT + age), ttl)


# line 8: where the states begin


@pytest.mark.parametrize(
    ("life", "stale", "expired"),
    [
        (3600, 3300, 3570),  # 300 s, and 30 s, before the end
        (86_400, 86_100, 86_370),
        (1200, 900, 1170),  # where a quarter is 300 s
        (600, 450, 570),  # a quarter
        (300, 225, 270),  # where a tenth is 30 s
        (30, 22.5, 27),  # a 30-second token is cached like any other
        (4, 3, 3.6),  # never less than 1 s
        (3, 2, 2.7),
        (2, 1, 1.8),
        (1, 0.5, 0.9),  # half the life at most
    ],
)
def test_states(life: float, stale: float, expired: float) -> None:
    """STALE begins min(300 s, a quarter) before the end, EXPIRED min(30 s, a tenth), each at that very instant."""
    assert state(life, 0) is FRESH
    assert state(life, stale - 0.001) is FRESH
    assert state(life, stale) is STALE
    assert state(life, expired - 0.001) is STALE
    assert state(life, expired) is EXPIRED
    assert state(life, life) is EXPIRED
    assert state(life, life * 1000) is EXPIRED


@pytest.mark.parametrize(
    ("lead", "life", "stale"),
    [(60, 3600, 3540), (3, 6, 3), (100, 6, 3), (1000, 3600, 2600), (5000, 3600, 1800), (0.1, 3600, 3599)],
)
def test_lead(lead: float, life: float, stale: float) -> None:
    """The argument replaces the whole rule, but is at most half a life and at least a second."""
    assert RefreshPolicy(lead=lead).stale_after(life) == stale


@given(lives, shares)
def test_order(life: float, share: float) -> None:
    """Whatever the life, a token is FRESH at first, STALE no earlier than half way, EXPIRED before its end."""
    found = RefreshPolicy().life(held(life), share)
    assert found.stale.wall - WALL >= life / 2 - 1e-5
    assert found.stale.wall <= found.expired.wall + 1e-5
    assert found.expired.wall <= found.end.wall
    assert math.isclose(found.end.wall, WALL + life)


@given(lives, shares)
def test_share(life: float, share: float) -> None:
    """The process's share moves STALE later by at most a fifth of the lead, and moves nothing else."""
    policy = RefreshPolicy()
    moved, unmoved = policy.life(held(life), share), policy.life(held(life), 0.0)
    lead = life - policy.stale_after(life)
    assert -1e-5 <= moved.stale.boot - unmoved.stale.boot <= 0.2 * lead + 1e-5
    assert moved[1:] == unmoved[1:]


@pytest.mark.parametrize(
    ("refresh_in", "stale"),
    [(1800, 1800), (2400, 2400), (60, 1800), (0, 3300), (-5, 3300), (3600, 3300), (1e400, 3300), ("2400", 2400)],
)
def test_refresh_in(refresh_in: Any, stale: float) -> None:
    """The server's `refresh_in` wins where it lies in the second half of the life; junk does not."""
    found = RefreshPolicy().life(held(3600, refresh_in=refresh_in), 0.0)
    assert found.stale.wall - WALL == stale


def test_refresh_in_of_a_short_life() -> None:
    """The server's word counts however few seconds it is."""
    assert RefreshPolicy().stale_after(1.8, 1.0) == 1.0


def test_what_is_left() -> None:
    """What is left of a life is told by the clock that is nearer to its end."""
    found = RefreshPolicy().life(held(100), 0.0)
    assert left(found, Instant(WALL + 30, BOOT)) == 70
    assert left(found, Instant(WALL, BOOT + 60)) == 40


def test_nothing_is_needed_unless_said() -> None:
    """A caller who names no time that it needs is given a token until the margin, however short that is."""
    assert judge(RefreshPolicy().life(held(4), 0.0), Instant(WALL + 3.5, BOOT + 3.5)) is STALE


def test_a_day_over_two_machines() -> None:
    """A token that another process let live longer lives no longer here than this policy lets it."""
    assert judge(RefreshPolicy(longest_life=60).life(held(3600), 0.0), Instant(WALL + 60, BOOT + 60)) is EXPIRED


def test_min_ttl() -> None:
    """What a caller needs moves EXPIRED ahead, to the second, and never behind."""
    assert state(3600, 100, ttl=3500) is FRESH
    assert state(3600, 100, ttl=3500.001) is EXPIRED
    assert state(3600, 3400, ttl=200) is STALE
    assert state(3600, 3580, ttl=1) is EXPIRED


@pytest.mark.parametrize("name", ["lead", "default_life", "longest_life"])
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, True, "60"])
def test_refresh_policy_refuses(name: str, value: Any) -> None:
    """A figure that is no positive number is refused at construction."""
    with pytest.raises(ConfigError, match=f"RefreshPolicy\\({name}=\\)"):
        RefreshPolicy(**{name: value})


# line 7: two clocks


@pytest.mark.parametrize("jump", [-1e9, -3600, -1, 0])
def test_wall_clock_set_back(jump: float) -> None:
    """A wall clock that is set back never lengthens a life: the boot clock goes on counting."""
    life = RefreshPolicy().life(held(3600), 0.0)
    assert judge(life, Instant(WALL + 3570 + jump, BOOT + 3570)) is EXPIRED
    assert judge(life, Instant(WALL + 3300 + jump, BOOT + 3300)) is STALE


@pytest.mark.parametrize("stopped", [0, 100])
def test_suspended(stopped: float) -> None:
    """Where the boot clock does not count a suspended machine's sleep, the wall clock does."""
    life = RefreshPolicy().life(held(3600), 0.0)
    assert judge(life, Instant(WALL + 3570, BOOT + stopped)) is EXPIRED
    assert judge(life, Instant(WALL + 3300, BOOT + stopped)) is STALE


@given(lives, shares, st.floats(0, 200_000), st.floats(-1e6, 1e6))
def test_jumps_never_lengthen(life: float, share: float, age: float, jump: float) -> None:
    """No jump of one clock makes a token younger than the other clock says."""
    found = RefreshPolicy().life(held(life), share)
    order = [FRESH, STALE, EXPIRED]
    straight = judge(found, Instant(WALL + age, BOOT + age))
    jumped = judge(found, Instant(WALL + age + jump, BOOT + age))
    assert order.index(jumped) >= order.index(straight)
    assert left(found, Instant(WALL + age + jump, BOOT + age)) <= left(found, Instant(WALL + age, BOOT + age)) + 1e-5


# line 17: retries within an exchange


def broken(**fields: Any) -> TransportError:
    """A connection that was lost after the request was sent."""
    return TransportError("lost", **{"retryable": True, **fields})


@pytest.mark.parametrize(
    ("attempt", "chance", "wait"),
    [
        (1, 0.0, 0.2),
        (1, 1.0, 0.4),
        (2, 0.0, 0.2),
        (2, 1.0, 0.8),
        (3, 1.0, 1.6),
        (4, 1.0, 2.0),
        (99, 1.0, 2.0),
        (5000, 0.5, 1.1),
    ],
)
def test_pause(attempt: int, chance: float, wait: float) -> None:
    """Between attempts lies a random pause from 0.2 s to a bound that doubles up to 2 s."""
    assert Retry(attempts=10_000).pause(broken(), attempt=attempt, chance=chance) == pytest.approx(wait)


def test_three_attempts() -> None:
    """After the third attempt nothing is sent again."""
    waits = [Retry().pause(broken(), attempt=attempt, chance=0.5) is None for attempt in (1, 2, 3, 4)]
    assert waits == [False, False, True, True]


@given(st.integers(1, 2), shares, st.floats(0, 10))
def test_inside_the_deadline(attempt: int, chance: float, time_left: float) -> None:
    """No pause reaches the deadline: rather than that, the caller is told."""
    wait = Retry().pause(broken(), attempt=attempt, chance=chance, time_left=time_left)
    assert wait is None or 0.2 <= wait < time_left


def test_refusals_are_final() -> None:
    """What is not retryable is not sent again."""
    assert Retry().pause(InvalidGrant("no"), attempt=1, chance=0.0) is None
    assert Retry().pause(broken(retryable=False), attempt=1, chance=0.0) is None


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (broken(connected=False), True),
        (broken(connected=True), False),
        (TokenEndpointError("busy", retryable=True, status=503), False),
        (SaAuthError("signing", retryable=True), False),
    ],
)
def test_not_repeatable(error: SaAuthError, again: bool) -> None:
    """A grant that cannot be repeated goes again only if no connection was made."""
    wait = Retry().pause(error, attempt=1, chance=0.5, repeatable=False)
    assert (wait is not None) is again
    assert Retry().pause(error, attempt=1, chance=0.5) is not None


# line 18: Retry-After


@pytest.mark.parametrize(
    ("retry_after", "time_left", "wait"),
    [(0.0, 10, 0.3), (1.0, 10, 1.0), (9.9, 10, 9.9), (10.0, 10, None), (300.0, 10, None), (0.0, 0.3, None)],
)
def test_retry_after(retry_after: float, time_left: float, wait: float | None) -> None:
    """The server's Retry-After is waited for where the deadline leaves room, and nobody sleeps past the deadline."""
    error = TokenEndpointError("busy", retryable=True, retry_after=retry_after)
    found = Retry().pause(error, attempt=1, chance=0.5, time_left=time_left)
    assert found == (None if wait is None else pytest.approx(wait))


# line 19: back-off between flights


@given(st.integers(1, 5000), shares)
def test_recovery(failures: int, chance: float) -> None:
    """Without a token the next flight may start within 0.2 to 2 s, so that recovery takes at most 2.5 s."""
    wait = Retry().back_off(broken(), failures=failures, chance=chance, time_left=None)
    assert 0.2 <= wait <= 2.0


@given(st.integers(1, 5000), shares, st.floats(0, 86_400))
def test_back_off_while_a_token_lives(failures: int, chance: float, time_left: float) -> None:
    """While a token lives the back-off is at most 30 s and a third of what is left of it."""
    wait = Retry().back_off(broken(), failures=failures, chance=chance, time_left=time_left)
    assert 0 <= wait <= min(30.0, time_left / 3)


@pytest.mark.parametrize(
    ("failures", "chance", "wait"),
    [(1, 0.0, 0.2), (1, 1.0, 0.4), (2, 1.0, 0.8), (7, 1.0, 25.6), (8, 1.0, 30.0), (8, 0.0, 0.2)],
)
def test_back_off_doubles(failures: int, chance: float, wait: float) -> None:
    """While a token lives the back-off is full jitter, from 0.2 s and doubling to 30 s."""
    found = Retry().back_off(broken(), failures=failures, chance=chance, time_left=10_000)
    assert found == pytest.approx(wait)


def test_after_anothers_failure() -> None:
    """An error that another process met says when to ask again: no pause of one's own comes on top, whatever the failures."""
    met = ResponseError("503", retryable=True, status=503, retry_after=1.5)
    met.elsewhere = True
    assert Retry().back_off(met, failures=9, chance=0.5, time_left=None) == pytest.approx(1.6)
    assert Retry().back_off(met, failures=9, chance=0.5, time_left=3.0) == pytest.approx(1.0)
    assert Retry().back_off(met, failures=9, chance=0.5, time_left=0.0) == 0.0
    own = ResponseError("503", retryable=True, status=503, retry_after=1.5, attempts=1)
    assert Retry().back_off(own, failures=9, chance=1.0, time_left=None) == 2.0


@pytest.mark.parametrize(
    ("time_left", "wait"), [(None, 10.0), (1000, 10.0), (30, 10.0), (15, 5.0), (0, 0.0), (-5, 0.0)]
)
def test_after_a_refusal(time_left: float | None, wait: float) -> None:
    """After a permanent refusal nobody asks for 10 s, or for a third of what is left of the token."""
    assert Retry().back_off(InvalidGrant("no"), failures=1, chance=0.9, time_left=time_left) == wait


@pytest.mark.parametrize(
    ("retry_after", "time_left", "wait"),
    [(60.0, None, 60.0), (1e9, None, LONGEST_RETRY_AFTER), (60.0, 90, 30.0), (60.0, 1000, 60.0), (0.0, None, 0.3)],
)
def test_back_off_heeds_retry_after(retry_after: float, time_left: float | None, wait: float) -> None:
    """The back-off is no shorter than Retry-After, up to 300 s, but never outlives the token."""
    error = TokenEndpointError("busy", retryable=True, retry_after=retry_after, attempts=1)
    assert Retry().back_off(error, failures=1, chance=0.5, time_left=time_left) == pytest.approx(wait)


@pytest.mark.parametrize("name", ["attempts", "shortest", "longest", "longest_alive", "after_refusal"])
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, True, "3"])
def test_retry_refuses(name: str, value: Any) -> None:
    """A figure that is no positive number is refused at construction."""
    with pytest.raises(ConfigError):
        Retry(**{name: value})


def test_attempts_are_whole() -> None:
    """Nobody sends two and a half requests."""
    with pytest.raises(ConfigError):
        Retry(attempts=2.5)  # type: ignore[arg-type]


def test_one_pause_for_all() -> None:
    """The least pause may be the longest as well."""
    assert Retry(shortest=2.0).back_off(broken(), failures=1, chance=0.5, time_left=None) == 2.0


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Retry(attempts=2.5), "Retry(attempts=) is not a whole number."),  # type: ignore[arg-type]
        (
            lambda: Retry(shortest=3.0),
            "Retry(shortest=) is longer than the longest pause. Hint: Raise longest= as well.",
        ),
        (lambda: Retry(longest=0), "Retry(longest=) is not a positive number. Hint: For example 10, or 2.5."),
        (
            lambda: RefreshPolicy(lead=0),
            "RefreshPolicy(lead=) is not a positive number. Hint: For example 10, or 2.5.",
        ),
    ],
)
def test_a_bad_figure_is_named(make: Callable[[], object], says: str) -> None:
    """A figure that is refused is named, with what to do about it."""
    with pytest.raises(ConfigError) as caught:
        make()
    assert str(caught.value) == f"bad_argument: {says} More: docs/errors/bad_argument.md."


# line 15: numbers of seconds


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (3600, 3600.0), (0, 0.0), (-1, -1.0), (1.5, 1.5), ("3600", 3600.0), (" 3600 ", 3600.0), ("0.5", 0.5), ("-1", -1.0),
        ("5.", 5.0), (10**17, 1e17), (10**18, 1e18), (-(10**400), None), (math.nan, None), (math.inf, None),
        (-math.inf, None), (True, None), (False, None), (None, None), ("", None), ("soon", None), ("1e3", None),
        ("+5", None), ("0x10", None), ("1_000", None), ("--5", None), (".", None), ("-", None), ("1.2.3", None),
        ("\u0663", None), ("\u00b2", None), ("9" * 5000, None), ("9" * 33, None), ("0" * 31 + "9", 9.0), ("6\x1c", None), ("\x1f6", None), (" 6\t", 6.0), ("X6", None), ("6X", None), ("nan", None), ([1], None), ({}, None), (b"1", None),
    ],
)  # fmt: skip
def test_seconds(value: Any, read: float | None) -> None:
    """An integer, a finite float or a decimal string is a number of seconds, and nothing else is."""
    assert seconds(value) == read


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none(), st.lists(st.integers())))
def test_seconds_is_finite(value: Any) -> None:
    """Whatever comes in, what comes out is finite or None, and nothing is raised."""
    found = seconds(value)
    assert found is None or math.isfinite(found)


def test_positive_gives_the_number() -> None:
    """A positive, finite number comes back as it is."""
    assert positive(0.1, "x") == 0.1
