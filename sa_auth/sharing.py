"""One exchange for all processes that share a cache.

Rule: look, take the lock, look again, and only then ask; whoever cannot have the lock in time asks all the same, since
two exchanges are a cost and a failed call is an error, unless that would spend twice what is good once. What a server
answered to one, an error of its own among it, is the answer to all. Stands between the flight, whose thread this runs on, and a place in the cache.
Source: FAULTS lines 26 to 30 in docs/faults.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ._clock import SYSTEM, Deadline
from ._loading import Late
from .caches.base import CacheFault, TokenCache
from .errors import ConfigError, SaAuthError
from .events import Event
from .exchange import Exchange
from .policy import Held, Wanted
from .wire import Conversation

if TYPE_CHECKING:
    from . import place as places
    from .place import Place
else:
    places = Late("sa_auth.place")  # a process that shares nothing needs none

_SLICE = 0.05  # seconds of waiting for a lock between two looks
_RECENT = (
    5.0  # seconds after the end of an error's pause in which it is still taken for how things stand: an exchange's
)
_HALF, _MOST = 0.5, 0.9  # parts of the time for an exchange that may go by before it


def check_sealable(cache: TokenCache, exchange: Exchange) -> None:
    """Refuses a cache that could not seal this identity's tokens.

    Raises:
        ConfigError: neither a local key nor the cache brings anything to seal with.
    """
    if exchange.secret() is None and cache.key is None:
        raise ConfigError(
            "A shared cache needs a key to seal tokens with, and no private key is in this process.", code="no_cache_key",
            hint=f"Give the cache one, the same for all who share it: {type(cache).__name__}(..., key=...), at least 32 "
            "characters, or a function that reads them from a secret store.",
        )  # fmt: skip


class Renewal:
    """Gets the next token of one identity, for one flight.

    Args:
        exchange: How to ask.
        within: The conversation, and its deadline.
        story: Takes what is to be told of it.
        urgent: Whether somebody waits for it by now, or has waited too long for another process.
        unwanted: Whether what it brings is for its waiters alone, since the token before it was revoked meanwhile.
    """

    def __init__(
        self,
        exchange: Exchange,
        within: Conversation,
        story: list[Event],
        urgent: Callable[[], bool],
        unwanted: Callable[[], bool],
    ) -> None:
        self._exchange, self._within, self._story = exchange, within, story
        self._urgent, self._unwanted = urgent, unwanted

    def ask(self, newest: Held | None) -> Held:
        """Makes the exchange.

        Args:
            newest: What came last, with the refresh token that came with it; None: nothing.

        Raises:
            SaAuthError: it failed.
        """
        began, family = SYSTEM.boot(), self._exchange.family
        kept, rotations = (None, 0) if newest is None else (newest.refresh_token, newest.rotations)
        spent = kept if family is None else family.taken_up(kept)
        held = self._exchange.run(kept, self._within)
        self._note("exchange", seconds=SYSTEM.boot() - began)
        new = held.refresh_token
        another = spent is not None and new is not None and new.reveal() != spent.reveal()
        return held._replace(rotations=rotations + another)

    def shared(self, cache: TokenCache, wanted: Wanted) -> Held | None:
        """Gives somebody else's token where there is one, else one of our own, for all to use.

        Args:
            cache: What is shared.
            wanted: What is needed.

        Returns:
            The token; None: another process is asking, and nobody here waits.

        Raises:
            SaAuthError: there is none to be had.
        """
        if self._exchange.reload is not None:
            self._exchange.reload(False)
        place = places.Place.of(cache, self._exchange, self._story)
        if place is None:
            return self.ask(wanted.newest)
        wait = _Wait(self._within.deadline)
        place.allow(self._within.deadline.left() * (_HALF if self._exchange.grant.repeatable else _MOST))
        try:
            return self._turn(place, wanted, wait)
        finally:
            wait.note(self._note, place.tier)

    def _turn(self, place: Place, wanted: Wanted, wait: _Wait) -> Held | None:
        while True:
            held = place.look(wanted)
            failure = place.failure() if held is None else None
            if held is None and failure is None:
                # Who spends what is good once keeps the others out until it knows what came of it.
                lasts = 0.0 if self._exchange.grant.repeatable else self._exchange.timeout
                lock = place.take(wait.slice(), lasts=lasts)
                if lock is not None or not place.works:
                    try:
                        # Whoever had the lock before may have left something.
                        held = place.look(wanted)
                        failure = place.failure() if held is None else None
                        if held is None and failure is None:
                            wait.note(self._note, place.tier)
                            return self._ask(place, wanted)
                    finally:
                        place.give_back(lock)
            if held is not None:
                wait.note(self._note, place.tier)
                self._note("adopted", tier=place.tier)
                return held
            urgent = self._urgent()
            if not urgent and failure is None:
                return None
            wait.meet(failure)
            if not urgent or wait.over(_MOST if self._spends_once(place, wanted) else _HALF):
                wait.note(self._note, place.tier)
                if wait.met is not None:
                    raise wait.met  # of the server's own: all who asked just now were told so, and one more would be
                return self._bypass(place, wanted)
            if failure is not None:
                wait.pass_by(failure.retry_after or _SLICE)

    def _spends_once(self, place: Place, wanted: Wanted) -> bool:
        """Whether a server might take a second exchange for a theft: of a code, or of a refresh token that rotates."""
        newest = place.newest(wanted)
        steady = self._exchange.family is not None and newest is not None and not newest.rotations
        return not (self._exchange.grant.repeatable or steady)

    def _bypass(self, place: Place, wanted: Wanted) -> Held:
        if self._spends_once(place, wanted):
            raise SaAuthError(
                "Another process has been asking for this token for long.", code="busy", retryable=True,
                hint="No second request is made beside it, since the server takes a code, or a refresh token that rotates, "
                "but once. Ask again; if this lasts, look for a process that is stopped.",
            )  # fmt: skip
        self._note("bypassed", tier=place.tier)
        place.complain(CacheFault("another process has been asking for long; asking as well", code="slow_holder"))
        return self._ask(place, wanted)

    def _ask(self, place: Place, wanted: Wanted) -> Held:
        failure: SaAuthError
        try:
            held = self.ask(place.newest(wanted))
        except SaAuthError as error:
            failure = error.copy()
        else:
            place.allow(self._within.deadline.left(), acts=2)
            if not self._unwanted():
                place.publish(held)
            return held
        place.allow(self._within.deadline.left(), acts=2)
        place.fail(failure)
        raise failure

    def _note(self, name: str, *, tier: str = "", seconds: float = 0.0) -> None:
        self._story.append(Event(name, self._exchange.identity.hex()[:8], tier, seconds))


class _Wait:
    """How long another process has been waited for, and the server's error that was met last.

    By the system's clock, whatever the exchange's is: another process knows no other.
    """

    def __init__(self, whole: Deadline) -> None:
        self._whole = whole
        self._began: float | None = None
        self._left = self._most = 0.0
        self._told = False
        self._met: tuple[SaAuthError, float] | None = None

    @property
    def seconds(self) -> float:
        """So far."""
        return 0.0 if self._began is None else SYSTEM.boot() - self._began

    @property
    def met(self) -> SaAuthError | None:
        """The error, while it tells how things stand."""
        if self._met is None or SYSTEM.boot() > self._met[1] + _RECENT:
            return None
        error, until = self._met
        error.retry_after = max(until - SYSTEM.boot(), 0.0)
        return error

    def meet(self, failure: SaAuthError | None) -> None:
        """Takes note of an error, where there is one."""
        if failure is not None:
            self._met = failure, SYSTEM.boot() + (failure.retry_after or 0.0)

    def over(self, part: float) -> bool:
        """Whether it was long enough: that part of what was left for the exchange; the first time, it begins."""
        if self._began is None:
            self._began, self._left = SYSTEM.boot(), max(self._whole.left(), 0.0)
        self._most = self._left * part
        return self.seconds >= self._most

    def note(self, note: Callable[..., None], tier: str) -> None:
        """Has it told, if there was a wait, and once."""
        if self._began is not None and not self._told:
            self._told = True
            note("waited", tier=tier, seconds=self.seconds)

    def slice(self) -> float:
        """Seconds to wait for a lock before the next look; zero before the wait has begun."""
        return 0.0 if self._began is None else min(_SLICE, max(self._most - self.seconds, 0.0))

    def pass_by(self, seconds: float) -> None:
        """Lets time pass, in which nobody asks."""
        SYSTEM.sleep(max(0.0, min(seconds, self._most - self.seconds)))


def kept(cache: TokenCache, exchange: Exchange) -> Held | None:
    """The token that the cache has, if it lives; None where it has none."""
    place = places.Place.of(cache, exchange, [])
    return None if place is None else place.look(Wanted())


def withdraw(cache: TokenCache, exchange: Exchange, held: Held) -> None:
    """Takes a token out of the cache, if it is still the one that is there."""
    place = places.Place.of(cache, exchange, [])
    if place is not None:
        place.withdraw(held)
