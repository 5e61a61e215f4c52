"""One exchange for all processes that share a cache.

Rule: look, take the lock, look again, and only then ask; whoever cannot have the lock in time asks all the same, since
two exchanges are a cost and a failed call is an error. What a server answered to one, an error of its own among it, is
the answer to all. Stands between the flight, whose thread this runs on, and a place in the cache.
Source: FAULTS lines 26 to 30 in docs/faults.md.
"""

from __future__ import annotations

from collections.abc import Callable

from ._clock import SYSTEM, Deadline
from ._secret import Secret
from .caches.base import CacheFault, TokenCache
from .errors import ConfigError, SaAuthError
from .events import Event
from .exchange import Exchange
from .place import Place, Wanted
from .policy import Held
from .wire import Conversation

__all__ = ["Renewal", "Wanted", "check_sealable", "kept", "withdraw"]

_SLICE = 0.05  # seconds of waiting for a lock between two looks


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

    def ask(self, refresh_token: Secret | None) -> Held:
        """Makes the exchange.

        Args:
            refresh_token: What came with the newest token.

        Raises:
            SaAuthError: it failed.
        """
        began = SYSTEM.boot()
        held = self._exchange.run(refresh_token, self._within)
        self._note("exchange", seconds=SYSTEM.boot() - began)
        return held

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
        place = Place.of(cache, self._exchange, self._story)
        if place is None:
            return self.ask(wanted.refresh_token)
        wait = _Wait(self._within.deadline)
        try:
            return self._turn(place, wanted, wait)
        finally:
            wait.note(self._note, place.tier)

    def _turn(self, place: Place, wanted: Wanted, wait: _Wait) -> Held | None:
        met: SaAuthError | None = None
        while True:
            held = place.look(wanted)
            failure = place.failure() if held is None else None
            if held is None and failure is None:
                lock = place.take(wait.slice())
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
            urgent, met = self._urgent(), failure or met
            if not urgent and failure is None:
                return None
            if not urgent or wait.over():
                wait.note(self._note, place.tier)
                if met is not None:
                    # Of the server's own: all who asked meanwhile were told so, and one more would be.
                    met.retry_after = 0.0 if failure is None else failure.retry_after
                    raise met
                return self._bypass(place, wanted)
            wait.begin()
            if failure is not None:
                wait.pass_by(failure.retry_after or _SLICE)

    def _bypass(self, place: Place, wanted: Wanted) -> Held:
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
            if not self._unwanted():
                place.publish(held)
            return held
        place.fail(failure)
        raise failure

    def _note(self, name: str, *, tier: str = "", seconds: float = 0.0) -> None:
        self._story.append(Event(name, self._exchange.identity.hex()[:8], tier, seconds))


class _Wait:
    """How long another process has been waited for: at most half of what is left for the whole exchange.

    By the system's clock, whatever the exchange's is: another process knows no other.
    """

    def __init__(self, whole: Deadline) -> None:
        self._whole = whole
        self._began: float | None = None
        self._most = 0.0
        self._told = False

    @property
    def seconds(self) -> float:
        """So far."""
        return 0.0 if self._began is None else SYSTEM.boot() - self._began

    def begin(self) -> None:
        """Begins to count, unless it was begun."""
        if self._began is None:
            self._began, self._most = SYSTEM.boot(), max(self._whole.left(), 0.0) / 2

    def over(self) -> bool:
        """Whether it was long enough."""
        return self._began is not None and self.seconds >= self._most

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
    place = Place.of(cache, exchange, [])
    return None if place is None else place.look(Wanted())


def withdraw(cache: TokenCache, exchange: Exchange, held: Held) -> None:
    """Takes a token out of the cache, if it is still the one that is there."""
    place = Place.of(cache, exchange, [])
    if place is not None:
        place.withdraw(held)
