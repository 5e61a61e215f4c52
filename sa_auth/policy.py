"""Judges how fresh a token is and whether to ask again.

Rule: no clock, no I/O; the instant and the chance are arguments. Stands below everything that acts on a judgement.
Source: RFC 6749 section 5.1 for `expires_in`; RFC 9110 section 10.2.3 for Retry-After.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from ._clock import Instant
from ._secret import Secret
from .errors import ConfigError, ResponseError, SaAuthError, TransportError
from .token import Token

MARGIN, MARGIN_SHARE = 30.0, 0.10  # seconds, and share of the life, that no token is handed out in
LEAD, LEAD_SHARE, LEAST_LEAD = 300.0, 0.25, 1.0
JITTER = 0.20  # share of the lead by which one process may begin later than another
LONGEST_RETRY_AFTER = 300.0


class State(Enum):
    """What a held token is good for."""

    FRESH = "fresh"  # hand it out
    STALE = "stale"  # hand it out, and renew behind the caller's back
    EXPIRED = "expired"  # never hand it out; wait for the next


class Held(NamedTuple):
    """A token and the reading of the boot clock, in seconds, from which its life counts.

    Its wall-clock start is `token.issued_at`; both are read before the request was sent. Beside it stands the refresh
    token that came with it, None where none did, and how often another had come in its predecessors' place by then, as
    far as that was counted: of two processes' refresh tokens the one with more is the newer, whatever their clocks say.
    """

    token: Token
    since: float
    refresh_token: Secret | None = None
    rotations: int = 0


class Life(NamedTuple):
    """When a held token turns, on both clocks; whichever comes first counts.

    So a wall clock set back never lengthens a life, and a suspended machine never sends an expired token.
    """

    stale: Instant
    expired: Instant
    end: Instant


class Wanted(NamedTuple):
    """What a renewal is to bring.

    Attributes:
        held: What is held; None: nothing that could be used.
        refused: What an API refused: it is not taken back from the cache.
        min_ttl: Seconds of life that the caller needs.
    """

    held: Held | None = None
    refused: Held | None = None
    min_ttl: float = 0.0

    @property
    def newest(self) -> Held | None:
        """What this process has got last; None: nothing."""
        return self.held or self.refused


@dataclass(frozen=True, slots=True)
class RefreshPolicy:
    """When a token is renewed, and how long one lives that does not say.

    Args:
        lead: Seconds before the end at which renewal begins; at most half a life. None: 300 s or a quarter of the
            life, whichever is less. A lead shorter than the margin in which no token is handed out (30 s or a tenth
            of the life, whichever is less) leaves no time to renew ahead, and callers wait.
        default_life: Seconds assumed where the answer gives no usable `expires_in`.
        longest_life: Seconds to which a longer `expires_in` is cut.

    Raises:
        ConfigError: a figure is not a positive number.

    Example:
        >>> RefreshPolicy(lead=3).stale_after(6.0)
        3.0
        >>> RefreshPolicy().stale_after(3600.0)
        3300.0
    """

    lead: float | None = None
    default_life: float = 300.0
    longest_life: float = 86_400.0

    def __post_init__(self) -> None:
        for name in ("lead", "default_life", "longest_life"):
            value = getattr(self, name)
            if not (name == "lead" and value is None):
                positive(value, f"RefreshPolicy({name}=)")

    def stale_after(self, life: float, refresh_in: float | None = None) -> float:
        """Seconds from issue until renewal is due, for a life of so many seconds.

        `refresh_in` is the server's own word for it; it wins where it lies in the second half of the life.
        """
        if refresh_in is not None and 0 < refresh_in < life:
            return max(refresh_in, life / 2)
        lead = self.lead if self.lead is not None else min(LEAD, life * LEAD_SHARE)
        return life - min(max(lead, LEAST_LEAD), life / 2)

    def life(self, held: Held, share: float) -> Life:
        """Lays out when a held token turns.

        Args:
            held: The token and when its life began.
            share: 0 to 1, drawn once per process, so that a fleet does not renew in step.
        """
        token = held.token
        length = min(
            token.expires_at - token.issued_at, self.longest_life
        )  # another process may have let it live longer
        stale = self.stale_after(length, seconds(token.extra.get("refresh_in")))
        stale += JITTER * share * (length - stale)
        ages = (stale, length - min(MARGIN, length * MARGIN_SHARE), length)
        return Life(*(Instant(token.issued_at + age, held.since + age) for age in ages))


def judge(life: Life, now: Instant, min_ttl: float = 0.0) -> State:
    """Says whether a held token is fresh, stale or expired.

    Args:
        life: When it turns.
        now: The instant to judge at.
        min_ttl: Seconds of life the caller needs; more than the margin moves the line to EXPIRED ahead.
    """
    if now.wall >= life.expired.wall or now.boot >= life.expired.boot or min_ttl > left(life, now):
        return State.EXPIRED
    if now.wall >= life.stale.wall or now.boot >= life.stale.boot:
        return State.STALE
    return State.FRESH


def left(life: Life, now: Instant) -> float:
    """Seconds until the very end, by the clock that is nearer to it."""
    return min(life.end.wall - now.wall, life.end.boot - now.boot)


@dataclass(frozen=True, slots=True)
class Retry:
    """Whether and when to ask again.

    Args:
        attempts: Requests in one exchange, at most.
        shortest: Seconds, the least pause.
        longest: Seconds, the longest pause while nobody has a token.
        longest_alive: Seconds, the longest pause between renewals while the held token lives.
        after_refusal: Seconds, the pause after a permanent refusal.

    Raises:
        ConfigError: a figure is not a positive number.

    Example:
        >>> Retry(attempts=1).pause(TransportError("cut", retryable=True), attempt=1, chance=0.5) is None
        True
    """

    attempts: int = 3
    shortest: float = 0.2
    longest: float = 2.0
    longest_alive: float = 30.0
    after_refusal: float = 10.0

    def __post_init__(self) -> None:
        for name in ("attempts", "shortest", "longest", "longest_alive", "after_refusal"):
            positive(getattr(self, name), f"Retry({name}=)")
        if not isinstance(self.attempts, int):
            raise ConfigError("Retry(attempts=) is not a whole number.", code="bad_argument")
        if not self.shortest <= min(self.longest, self.longest_alive):
            raise ConfigError(
                "Retry(shortest=) is longer than the longest pause.",
                code="bad_argument",
                hint="Raise longest= as well.",
            )

    def pause(
        self, error: SaAuthError, *, attempt: int, chance: float, time_left: float = 1e9, repeatable: bool = True
    ) -> float | None:
        """Judges one failed attempt inside an exchange.

        Args:
            error: What went wrong.
            attempt: How many requests were sent so far.
            chance: 0 to 1, a fresh random number.
            time_left: Seconds until the deadline.
            repeatable: Whether the grant may be sent twice. One that may not goes again only if the server cannot
                have seen it.

        Returns:
            Seconds to wait before the next attempt; None: give up.
        """
        if attempt >= self.attempts or not error.retryable or not (repeatable or unseen(error)):
            return None
        wait = self._jitter(attempt, self.longest, chance)
        if error.retry_after is not None:
            wait = max(wait, error.retry_after)
        return wait if wait < time_left else None

    def back_off(self, error: SaAuthError, *, failures: int, chance: float, time_left: float | None) -> float:
        """Seconds until the next renewal may start after one that failed.

        Args:
            error: How it failed.
            failures: How many failed in a row, this one included.
            chance: 0 to 1, a fresh random number.
            time_left: Seconds until the held token is EXPIRED; None without a living one.
        """
        if error.elsewhere and error.retry_after is not None:
            # What is left of another process's pause: one of one's own would only come on top.
            wait = min(error.retry_after, LONGEST_RETRY_AFTER) + chance * self.shortest
            return wait if time_left is None else min(wait, max(time_left, 0.0) / 3)
        cap = self.longest if time_left is None else self.longest_alive
        # A server's no stays a no for a while; a wrong certificate or gateway may be mended at any moment.
        final = not error.retryable and not isinstance(error, TransportError | ResponseError)
        wait = self.after_refusal if final else self._jitter(failures, cap, chance)
        if error.retry_after is not None:
            wait = max(wait, min(error.retry_after, LONGEST_RETRY_AFTER))
        # A back-off must not outlive the token: three tries at least fit into what is left.
        return wait if time_left is None else min(wait, max(time_left, 0.0) / 3)

    def _jitter(self, count: int, cap: float, chance: float) -> float:
        bound = min(cap, self.shortest * 2.0 ** min(count, 32))
        return min(cap, self.shortest + chance * max(0.0, bound - self.shortest))


def unseen(error: SaAuthError) -> bool:
    """Whether no server can have seen the request."""
    return isinstance(error, TransportError) and not error.connected


def seconds(value: Any) -> float | None:
    """Reads a number of seconds as the wire may write it: integer, finite float, decimal string; else None.

    Example:
        >>> seconds("3599"), seconds(True), seconds("soon"), seconds(1e400)
        (3599.0, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not _is_decimal(value):
        return None
    number = float(value) if not isinstance(value, int) or value.bit_length() < 1000 else float("inf")
    return number if abs(number) < float("inf") else None


def _is_decimal(text: str) -> bool:
    # White space that float() knows too: str.strip() takes U+001C to U+001F for some as well.
    digits = text.strip(" \t\r\n").removeprefix("-").replace(".", "", 1)
    return len(text) <= 32 and digits.isascii() and digits.isdigit()


def positive(value: Any, name: str) -> float:
    """Takes a positive, finite number.

    Raises:
        ConfigError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ConfigError(f"{name} is not a positive number.", code="bad_argument", hint="For example 10, or 2.5.")
    return value
