"""One renewal under way, its result and error shared by all who wait.

Rule: it runs on a thread of the crew and never on a waiter's stack, and lands once. Stands between the slot, which
begins it and takes what it brings, and the exchange, or a cache that others share, where it asks.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from typing import Protocol

from .caches.base import TokenCache
from .errors import SaAuthError, TransportError
from .events import Event, tell
from .exchange import Exchange
from .policy import Held, Wanted
from .sharing import Renewal
from .token import Token


class Home(Protocol):
    """Whose flight it is, and where it lands: a slot.

    Attributes:
        shared: The cache that other processes share; None: there is none.
    """

    @property
    def shared(self) -> TokenCache | None: ...  # noqa: D102 - said above

    def wanted(self, flight: Flight) -> Wanted:
        """What it is to bring."""
        ...

    def urgent(self, flight: Flight) -> bool:
        """Whether somebody waits for it, or another process has kept it waiting for long."""
        ...

    def postpone(self, flight: Flight) -> bool:
        """Takes it back, since another process is asking; False where somebody waits for it by now."""
        ...

    def land(self, flight: Flight, held: Held | None, failure: SaAuthError | None, *, stuck: bool = False) -> None:
        """Takes what it brought, and wakes its waiters."""
        ...


class Flight(Future[Token]):
    """One renewal, and what its waiters wait for.

    Each waiter gets an error of its own: one exception object raised in 64 threads would share its traceback.
    """

    def __init__(self, slot: Home, exchange: Exchange, min_ttl: float = 0.0) -> None:
        super().__init__()
        self.set_running_or_notify_cancel()  # so that no waiter's cancellation reaches the others
        self.slot, self.exchange, self.min_ttl = slot, exchange, min_ttl
        self.awaited = False  # set under the slots' lock: whether somebody waits for it
        self.story: list[Event] = []  # what is to be told of it, once it has landed
        self.limit, self.host = exchange.timeout, exchange.host
        self.token: Token | None = None
        self.unwanted = False  # what it brings is for its waiters alone: the token before it was revoked meanwhile
        self.landed = False  # set under the lock: of its thread and the watch, one settles it
        self._gate = threading.Lock()  # closed until the flight has landed
        self._gate.acquire()
        self._claim = threading.Lock()  # taken by the one thread that does the work

    def work(self) -> None:
        """Asks, and lands with a token or an error; the second who tries does nothing."""
        if not self._claim.acquire(blocking=False):
            return
        held: Held | None = None
        failure: SaAuthError | None = None
        try:
            held = self._fetch()
            if held is None:
                self._tell()
                return  # put off
        except SaAuthError as error:
            failure = error.copy()
        except BaseException as error:  # noqa: BLE001 - whatever happened, nobody may be left waiting
            failure = SaAuthError(f"The renewal ended in {type(error).__name__}.", code="unexpected")
        try:
            self.slot.land(self, held, failure)
        except Exception:  # nosec B110 # noqa: BLE001, S110 - of a clock or a log handler; the waiters were told
            pass
        self._tell()

    def _tell(self) -> None:
        told = list(self.story)
        self.story.clear()
        tell(*told)

    def _fetch(self) -> Held | None:
        """The next token; None where another process is asking for it and nobody waits."""
        exchange, slot = self.exchange, self.slot
        with exchange.conversation() as within:
            renewal = Renewal(exchange, within, self.story, lambda: slot.urgent(self), lambda: self.unwanted)
            if slot.shared is None:
                return renewal.ask(slot.wanted(self).newest)
            while True:
                held = renewal.shared(slot.shared, slot.wanted(self))
                if held is not None or slot.postpone(self):
                    return held

    def give_up(self) -> None:
        """Lands with an error, unless some thread is at work on it after all."""
        if self._claim.acquire(blocking=False):
            self.slot.land(self, None, unmade())
            self._tell()

    def overdue(self, *, abandoned: bool) -> None:
        """Frees the waiters of a flight whose thread is stuck."""
        self.slot.land(self, None, timed_out(self.exchange), stuck=not abandoned)
        self._tell()

    def settle(self, token: Token | None, failure: SaAuthError | None) -> None:
        """Wakes the waiters, with a token or an error."""
        self.token = token
        if token is not None:
            self.set_result(token)
        else:
            self.set_exception(failure)
        self._gate.release()

    def exception(self, timeout: float | None = None) -> SaAuthError | None:
        """The error, as a copy for this caller; None where there is a token."""
        error = super().exception(timeout)
        return error.copy() if isinstance(error, SaAuthError) else None

    def result(self, timeout: float | None = None) -> Token:
        """The token.

        Raises:
            SaAuthError: the flight failed.
            TimeoutError: it did not land in so many seconds.
        """
        # A herd wakes twice as fast one by one through a gate as all at once through the future's condition. Not so the
        # main thread: Ctrl-C could strike it in the gate, and leave that closed to those behind.
        # And who is called back by the thread that settles this, before that opens the gate, would wait for itself.
        if threading.current_thread() is not threading.main_thread() and not self.done():
            if not self._gate.acquire(timeout=-1 if timeout is None else timeout):
                raise NotInTime
            self._gate.release()
            if self.token is not None:
                return self.token
            timeout = 0
        error = self.exception(timeout)
        if error is not None:
            try:
                raise error
            finally:
                del error  # or the error's traceback would hold the error
        return super().result()


def timed_out(exchange: Exchange) -> TransportError:
    """The error of a caller whose time is up."""
    return TransportError(
        f"No token from {exchange.host} within {exchange.timeout:g} s.", code="timeout", retryable=True,
        hint="The server, or this machine's name service, is too slow; timeout= sets the seconds.",
    )  # fmt: skip


def unmade() -> SaAuthError:
    """The error where the machine gives no thread."""
    return SaAuthError("The machine gives no thread to renew on.", code="no_thread", retryable=True)
