"""Gives a token: fresh, stale, or the next.

Rule: a fresh token costs two clock readings and no lock; nobody waits while the held one lives. Stands right under
the face; above the flight, which it begins and joins.
"""

from __future__ import annotations

import os
import random
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from typing import TYPE_CHECKING, cast

from ._loading import Late
from .caches.memory import MemoryCache
from .dpop import Proofs
from .errors import ConfigError, SaAuthError, TransportError
from .events import Event, listening, tell
from .exchange import Exchange
from .flight import Flight, timed_out
from .policy import Held, Life, State, judge
from .refusal import foreign
from .sharing import check_sealable, kept, withdraw
from .slot import Slot, launch, slot_at
from .token import Token
from .wire import conversation

if TYPE_CHECKING:
    from . import revocation
    from .grants.self_signed import SelfSigned
    from .keys import Key
else:
    revocation = Late("sa_auth.revocation")

_MOMENT = 0.1  # seconds
_FRESH, _STALE, _EXPIRED = State.FRESH, State.STALE, State.EXPIRED
_share = random.random()  # nosec B311 # noqa: S311 - spreads renewals, hides nothing


class _Revocation(Future[None]):
    """A revocation, on a thread of the crew as a renewal is.

    So a name look-up that hangs keeps no caller past the deadline, and Ctrl-C meets no frame that holds the tokens.
    """

    def __init__(self, exchange: Exchange, slot: Slot) -> None:
        super().__init__()
        self.exchange, self.slot = exchange, slot
        self.limit, self.host = exchange.timeout, exchange.host

    def work(self) -> None:
        """Asks, unless nobody waits for it any more."""
        if not self.set_running_or_notify_cancel():
            return
        failure: SaAuthError
        try:
            self._revoke()
        except SaAuthError as error:
            failure = error.copy()
        except BaseException as error:  # noqa: BLE001 - whatever happened, nobody may be left waiting
            failure = SaAuthError(f"The revocation ended in {type(error).__name__}.", code="unexpected")
        else:
            self.set_result(None)
            return
        self.set_exception(failure)

    def _revoke(self) -> None:
        cache, held = self.slot.shared, self.slot.newest()
        if held is None and cache is not None:
            held = kept(cache, self.exchange)  # another process's, or an earlier one's
        if held is not None:
            revocation.revoke(self.exchange, held)
            self.slot.forget(held)
            if cache is not None:
                withdraw(cache, self.exchange, held)

    def overdue(self, *, abandoned: bool) -> None:
        """Nothing is left to tell: who waited had a deadline of its own."""

    def outcome(self) -> SaAuthError | None:
        """Waits; gives the error, or None where the server did it."""
        try:
            error = self.exception(self.limit + _MOMENT)
        except NotInTime:
            self.cancel()
            return TransportError(
                f"No word from {self.host} within {self.limit:g} s that the token is revoked.", code="timeout",
                retryable=True, hint="The server, or this machine's name service, is too slow; timeout= sets the seconds.",
            )  # fmt: skip
        return error.copy() if isinstance(error, SaAuthError) else None


# Stands for "nothing judged yet", so that the fresh path need not ask.
_NOBODYS = Held(Token("-", expires_at=0.0, refresh_at=0.0, issued_at=0.0), 0.0)


def _draw() -> None:
    global _share
    _share = random.random()  # nosec B311 # noqa: S311 - as above


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_draw)


class TokenSource:
    """Gives tokens of one identity.

    Args:
        exchange: How to ask for one.
        memory: Where the process holds them.

    Raises:
        ConfigError: a cache is under that memory, and nothing to seal its tokens with.

    Example:
        >>> from sa_auth import ServiceAccountCredentials
        >>> from sa_auth.testing import Authority, new_key
        >>> private, public = new_key("p256")
        >>> authority = Authority()
        >>> _ = authority.register("robot", public)
        >>> creds = ServiceAccountCredentials(
        ...     private, issuer="robot", token_endpoint=authority.token_endpoint, transport=authority.transport())
        >>> creds.token() is creds.token()
        True
    """

    __slots__ = ("_boot", "_exchange", "_fresh", "_life", "_now", "_slot", "_wall")

    def __init__(self, exchange: Exchange, memory: MemoryCache) -> None:
        if memory.shared is not None:
            check_sealable(memory.shared, exchange)
        self._exchange = exchange
        self._slot = slot_at(memory, exchange.identity)
        clock = exchange.clock
        self._now, self._wall, self._boot = clock.now, clock.wall, clock.boot
        self._life: tuple[Held, Life] | None = None
        # What the fresh path needs and no more: which token was judged, and until when it is fresh.
        self._fresh: tuple[Held, Token, float, float] = (_NOBODYS, _NOBODYS.token, 0.0, 0.0)

    @property
    def identity(self) -> bytes:
        """32 bytes that are its tokens' and no others'."""
        return self._exchange.identity

    def shared_identity(self) -> bytes | None:
        """The identity as it is on every machine; None where it cannot be told.

        Raises:
            SaAuthError: a token service that is to tell it could not be asked.
        """
        return self._exchange.shared_identity()

    @property
    def proofs(self) -> Proofs | None:
        """Makes the proofs that go with its tokens (DPoP); None where they are bearer tokens."""
        exchange = self._exchange
        return None if exchange.dpop is None else Proofs(exchange.dpop, exchange.clock, exchange.server_clock)

    @property
    def tls_key(self) -> Key | None:
        """The key whose certificate its tokens are bound to (mutual TLS); None where they are bound to none."""
        return getattr(self._exchange.transport, "certificate", None)

    def token(self, min_ttl: float = 0.0) -> Token:
        """Gives a token that lives, waiting for one only where none does.

        Args:
            min_ttl: Seconds of life the caller needs. What a renewal brings is returned whatever its life.

        Raises:
            SaAuthError: there is none to be had.
        """
        held, token, wall, boot = self._fresh
        if held is self._slot.held and self._wall() < wall and self._boot() < boot and not min_ttl:
            return token
        if isinstance(min_ttl, bool) or not isinstance(min_ttl, int | float):
            raise ConfigError("min_ttl is no number.", code="bad_argument", hint="It is in seconds.")
        got = self._look(min_ttl, inline=True)
        return got if isinstance(got, Token) else self._wait(got)

    @property
    def per_call(self) -> bool:
        """Whether every call has a token of its own, which is held by nobody."""
        return getattr(self._exchange.grant, "binds", None) is not None

    def token_for(self, method: str, url: str) -> Token:
        """Gives a token for one call: signed for it where each call has its own, otherwise as `token`.

        Args:
            method: The HTTP method.
            url: Where the call goes.

        Raises:
            SaAuthError: there is none to be had.
        """
        if not self.per_call:
            return self.token()
        exchange, grant, now = self._exchange, cast("SelfSigned", self._exchange.grant), self._exchange.clock.now()
        failure: SaAuthError
        try:
            if exchange.reload is not None:
                exchange.reload(False)
            return grant.token_for(method, url, now.wall, now.wall + exchange.server_clock.skew(now))
        except SaAuthError as error:
            failure = error.copy()
        except Exception as error:  # noqa: BLE001 - a signer of the caller's own may raise anything
            failure = foreign(error)
        raise failure

    def poll(self, min_ttl: float = 0.0) -> Token | Future[Token]:
        """Gives a token that lives, or the future of the next; never waits.

        Args:
            min_ttl: As for `token`.
        """
        return self._look(min_ttl, inline=False)

    def discard(self, token: Token) -> None:
        """Forgets a token that was refused, if it is still the held one.

        It stays the last resort until its replacement is there. Renewals forced this way are at least 30 s apart.
        """
        if not isinstance(token, Token):
            raise ConfigError(
                f"discard() was given a {type(token).__name__}.", code="bad_argument", hint="It takes a Token."
            )
        self._slot.discard(token, self._now())

    def revoke(self) -> None:
        """Tells the server that the token is not needed any more, and forgets it. Nothing happens where there is none.

        Raises:
            ConfigError: nobody says where the server revokes tokens.
            SaAuthError: the server did not do it: it may still take the token, which is still held.
        """
        if self._slot.newest() is None and self._slot.shared is None:
            return
        errand = _Revocation(self._exchange, self._slot)
        # As in `_wait`: who is at work on an exchange already keeps no seat from it.
        if conversation() is not None or not launch(errand):
            errand.work()
        failure = errand.outcome()
        if failure is not None:
            raise failure

    def _look(self, min_ttl: float, *, inline: bool) -> Token | Future[Token]:
        while True:
            now = self._now()
            held = self._slot.held
            state = _EXPIRED if held is None else judge(self._life_of(held), now, min_ttl)
            if held is not None and state is not _EXPIRED and listening():
                tell(Event("hit", self.identity.hex()[:8], "memory"))
            if held is not None and state is _FRESH:
                return held.token
            if held is not None and state is _STALE:
                if not self._slot.resting(self._exchange, now):
                    self._slot.begin(self._exchange, held, now, wanted=False, inline=False)
                return held.token
            flight = self._slot.begin(self._exchange, held, now, wanted=True, inline=inline, min_ttl=min_ttl)
            if flight is not None:
                return flight
            min_ttl = 0.0  # a flight landed in between: what it brought is what this call is given

    def _life_of(self, held: Held) -> Life:
        known = self._life
        if known is None or known[0] is not held:
            life = self._exchange.policy.life(held, _share)
            known = self._life = (held, life)
            # Where somebody listens each hit is told of, and takes the longer way.
            self._fresh = (
                (held, held.token, 0.0, 0.0) if listening() else (held, held.token, life.stale.wall, life.stale.boot)
            )
        return known[1]

    def _wait(self, flight: Future[Token]) -> Token:
        if conversation() is not None and isinstance(flight, Flight):
            # Another exchange waits for this one (its assertion is our token): it would keep the seat that ours needs.
            flight.work()
        try:
            # A moment more than the flight's own deadline, whose error says what happened.
            return flight.result(self._exchange.timeout + _MOMENT)
        except NotInTime:
            pass
        # Raised out here, so that it has no context.
        raise timed_out(self._exchange)
