"""One identity's place in a shared cache: its record, its lock, and the error that was met last.

Rule: whatever a cache does wrong ends here; it is logged once until the cache works again, and told once a renewal. What
is found is used only where it lives, was not refused, and lives longer than what is held. Stands under `sharing`, above
the caches. Source: FAULTS lines 26 to 30 in docs/faults.md.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from functools import cache
from typing import TypeVar
from weakref import finalize

from ._clock import SYSTEM, boot_id
from ._encoding import digest
from ._loading import load
from .caches.base import CacheFault, Lock, Record, TokenCache
from .caches.own_key import opened_key
from .caches.record import REMEMBERED, Met, Seal, worth
from .errors import SaAuthError
from .events import Event
from .exchange import Exchange
from .policy import Held, State, Wanted, judge

_log = logging.getLogger("sa_auth")
_SHORTEST = 1.0  # seconds; a token that lives no longer is not worth sharing
_LONGEST_PAUSE = 2.0  # seconds for which one process's error binds the others, whatever its own settings are
_AS_IF = 4  # failures in a row, of which nobody knows how many processes have met
Got = TypeVar("Got")
# What was logged of a cache already, by its id; forgotten when it works again, or is gone.
_said: dict[int, set[str]] = {}


class Place:
    """One identity's place in a cache, for one renewal.

    Args:
        cache: The cache.
        exchange: Whose tokens.
        seal: Seals them.
        story: Takes what is to be told.

    Attributes:
        tier: What the cache is called.
        works: Whether its lock can be had at all.
    """

    def __init__(self, cache: TokenCache, exchange: Exchange, seal: Seal, story: list[Event]) -> None:
        self._cache, self._exchange, self._seal, self._story = cache, exchange, seal, story
        self._seen: bytes | None = None
        self._found: Held | None = None
        self._failed: tuple[bytes, Met] | None = None  # the error that was found last
        self._may_take, self._slowest = float("inf"), 0.0  # seconds
        self._told: set[str] = set()
        self.tier, self.works = cache.tier, True

    @classmethod
    def of(cls, cache: TokenCache, exchange: Exchange, story: list[Event]) -> Place | None:
        """The place, by the key that is in use now; None where nothing can be shared."""
        try:
            identity = exchange.shared_identity()
        except SaAuthError:  # of a token service, which the exchange will ask as well, and whose error it will tell
            return None
        secret, own, fault = b"", b"", None
        try:
            secret, own = exchange.secret() or b"", opened_key(cache.key)
        except SaAuthError as error:
            fault = CacheFault(str(error), code=error.code)
        except Exception as error:  # noqa: BLE001 - a signer or cache of the caller's own may raise anything
            fault = CacheFault(f"nothing to seal with: {type(error).__name__} was raised", code=type(error).__name__)
        if identity is None:
            return None
        place = cls(cache, exchange, Seal(digest("sa_auth cache", secret, own), identity), story)
        if fault is not None:
            place.complain(fault)
        return place if fault is None and (secret or own) else None

    def allow(self, seconds: float, *, acts: int = 0) -> None:
        """Sets how long the cache may take from now on, waiting for a lock apart.

        Args:
            seconds: That is left for all.
            acts: How many are to be kept free of these, at the pace of the slowest so far.
        """
        self._may_take = seconds - acts * self._slowest

    def look(self, wanted: Wanted) -> Held | None:
        """What is there, if it is of use."""
        record: Record | None = self._try(lambda: self._cache.get(self._seal.name))
        self._seen, self._found = None, None
        if record is None:
            return None
        data = self._try(lambda: record.data)
        if data is None:
            return None
        self._seen = data
        now = self._exchange.clock.now()
        found: Held | None = self._try(lambda: self._seal.open(data, now, left=record.left, boot_id=boot_id()))
        if found is None:
            return None
        self._found = found
        self._pass_on(found, wanted)
        known = [one.token.access_token for one in (wanted.held, wanted.refused) if one is not None]
        life = self._exchange.policy.life(found, 0.0)
        longer = wanted.held is None or life.end.boot > self._exchange.policy.life(wanted.held, 0.0).end.boot
        lives = judge(life, now, wanted.min_ttl) is not State.EXPIRED
        return found if lives and longer and found.token.access_token not in known else None

    def _pass_on(self, found: Held, wanted: Wanted) -> None:
        """Of a refresh token that rotates the newest alone is good, whoever got it."""
        ours, family = wanted.newest, self._exchange.family
        if family is None or found.refresh_token is None:
            return
        if ours is None:
            family.taken_up(found.refresh_token)
        elif found.rotations > ours.rotations:
            family.newest = found.refresh_token

    def newest(self, wanted: Wanted) -> Held | None:
        """What came with the newest refresh token there is, here or in the cache."""
        ours, found = wanted.newest, self._found
        if found is None or found.refresh_token is None:
            return ours
        lacks = ours is None or ours.refresh_token is None
        return found if lacks or (ours is not None and found.rotations > ours.rotations) else ours

    def publish(self, held: Held) -> None:
        """Leaves a token for the others, in place of what was of no use."""
        token = held.token
        if token.expires_at - token.issued_at <= _SHORTEST or not self._is_still_ours():
            return

        def put() -> bool:
            data = self._seal.close(held, boot_id=boot_id())
            return self._cache.put(self._seal.name, data, worth(data, self._exchange.clock.wall()), over=self._seen)

        # Whether it kept ours or a later one: it works.
        if self._try(put) is not None and (said := _said.get(id(self._cache))):
            said.clear()  # emptied and not removed: another thread may be at it
            self._log(logging.INFO, "works again")
        if self._failed is not None:  # it is over, and who meets the next one is the first to
            over = self._failed[0]
            self._try(lambda: self._cache.discard(self._seal.failure_name, over))

    def _is_still_ours(self) -> bool:
        """Whether the token that came is the one that the place was named for.

        Meanwhile the key may have been read again, or a token service may hand over another account's assertion.
        """
        now = Place.of(self._cache, self._exchange, self._story)
        return now is not None and now._seal.name == self._seal.name  # noqa: SLF001 - another of its own class

    def withdraw(self, held: Held) -> None:
        """Takes a token out, if it is the one that is there."""
        self.look(Wanted())
        data = self._seen
        if data is not None and self._found is not None and self._found.token.access_token == held.token.access_token:
            self._try(lambda: self._cache.discard(self._seal.name, data))

    def failure(self) -> SaAuthError | None:
        """The error that a server answered to another process a moment ago; None where it is time to ask.

        One that a single other machine has met may be that machine's own trouble, a proxy of its own say: it is believed
        where a second one has met it as well.
        """
        self._failed = None
        record: Record | None = self._try(lambda: self._cache.get(self._seal.failure_name))
        if record is None:
            return None
        now = self._exchange.clock.now()
        met: Met | None = self._try(lambda: self._seal.open_failure(record.data, now, left=record.left))
        if met is None:
            return None
        self._failed = record.data, met
        return met.error if met.binds and (len(met.machines) > 1 or machine() in met.machines) else None

    def fail(self, failure: SaAuthError) -> None:
        """Leaves an error of the server's own for the others, for the pause that one process would make.

        What this machine alone may have met (its network, clock or key) is nobody else's.
        """
        if failure.status is None or not (failure.status == 429 or failure.status >= 500):
            return
        chance = random.random()  # nosec B311 # noqa: S311 - spreads attempts, hides nothing
        retry = self._exchange.retry
        # No longer, whatever the server says: it may have meant this machine alone, and the others have to find out.
        pause = min(
            retry.back_off(failure, failures=_AS_IF, chance=chance, time_left=None), retry.longest, _LONGEST_PAUSE
        )

        over, others = (None, frozenset[str]()) if self._failed is None else (self._failed[0], self._failed[1].machines)
        met = Met(failure, others | {machine()})

        def put() -> bool:
            data = self._seal.close_failure(met, self._exchange.clock.wall(), pause)
            return self._cache.put(self._seal.failure_name, data, pause + REMEMBERED, over=over)

        self._try(put)

    def take(self, seconds: float, *, lasts: float) -> Lock | None:
        """The lock; None: another has it, or it cannot be had."""

        def failed() -> None:
            self.works = False

        return self._try(lambda: self._cache.take(self._seal.name, seconds, lasts=lasts), failed, waits=seconds)

    def give_back(self, lock: Lock | None) -> None:
        """Gives the lock back, if it was had."""
        if lock is not None:
            self.allow(float("inf"))
            self._try(lambda: lock.release())  # noqa: PLW0108 - a lock of the caller's own may have no such act

    def complain(self, fault: CacheFault) -> None:
        """Says what went wrong: in the log once until the cache works again, as an event once."""
        if fault.code not in self._told:
            self._told.add(fault.code)
            self._story.append(Event("cache_failure", self._exchange.identity.hex()[:8], self.tier, code=fault.code))
        mark, fresh = id(self._cache), set[str]()
        said = _said.setdefault(mark, fresh)
        if said is fresh:
            try:
                finalize(self._cache, _said.pop, mark, None).atexit = False
            except TypeError:  # it cannot be referred to weakly: its id is not used again while somebody has it
                pass
        if fault.code not in said:
            said.add(fault.code)
            self._log(logging.WARNING, str(fault))

    def _try(
        self, act: Callable[[], Got], failed: Callable[[], None] = lambda: None, *, waits: float = 0.0
    ) -> Got | None:
        """Does something with the cache; None where it went wrong, once that is said, or where it takes too long."""
        fault: CacheFault
        began = SYSTEM.boot()
        try:
            if self._may_take > 0:
                return act()
            fault = CacheFault(
                f"it takes up to {self._slowest:.2g} s an act, too long within timeout={self._exchange.timeout:g}; going on "
                "without it", code="slow",
            )  # fmt: skip
        except CacheFault as error:
            fault = error
        except Exception as error:  # noqa: BLE001 - of a cache of the caller's own, which may raise anything
            fault = CacheFault(f"it raised {type(error).__name__}", code=type(error).__name__)
        finally:
            took = max(SYSTEM.boot() - began - waits, 0.0)
            self._slowest, self._may_take = max(self._slowest, took), self._may_take - took
        failed()
        self.complain(fault)
        del fault  # or its traceback would hold this frame, and what the cache had at hand
        return None

    def _log(self, level: int, text: str) -> None:
        try:
            _log.log(level, "identity %s: the %s cache: %s", self._exchange.identity.hex()[:8], self.tier, text)
        except Exception:  # nosec B110 # noqa: BLE001, S110 - a handler that fails is no reason to lose a token
            pass


@cache
def machine() -> str:
    """What tells this machine from others that might meet other errors; a container is one of its own."""
    return digest(boot_id(), load("socket").gethostname()).hex()[:16]
