"""One conversation with a token endpoint, described; and the only place that retries.

Rule: every attempt is built again, with a fresh assertion, inside one deadline. Stands between the flight, which
decides when, and `answer`, which decides what came back.
Source: RFC 6749 section 3.2; RFC 7521 section 4.1; RFC 7523 section 3.
"""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Callable
from urllib.parse import urlsplit

from ._clock import SYSTEM, Clock, Deadline, Instant
from ._encoding import digest, form
from .answer import http_date, read
from .client_auth.base import ClientAuth, TokenRequest
from .errors import InvalidClient, InvalidGrant, SaAuthError, TokenEndpointError
from .grants.base import Grant
from .policy import Held, RefreshPolicy, Retry
from .token import Token
from .wire import Request, Response, Transport

_log = logging.getLogger("sa_auth")
_SMALL_SKEW, _GREAT_SKEW = 30.0, 3600.0
_SKEW_REMEMBERED = 600.0


class ServerClock:
    """How far the server's clock is from ours, once a refusal has shown it.

    Rule: it belongs to minting alone, is believed for ten minutes, and is learned once in that time.
    """

    __slots__ = ("_skew", "_until")

    def __init__(self) -> None:
        self._skew = 0.0
        self._until = float("-inf")

    def skew(self, now: Instant) -> float:
        """Seconds that the server's clock is ahead of ours, as far as it is known; else 0."""
        return self._skew if self.knows(now) else 0.0

    def knows(self, now: Instant) -> bool:
        """Whether a skew is remembered."""
        return now.boot < self._until

    def learn(self, skew: float, now: Instant) -> None:
        """Remembers a skew in seconds, unless one is remembered."""
        if not self.knows(now):
            self._skew, self._until = skew, now.boot + _SKEW_REMEMBERED


class Exchange:
    """What is sent where, how often, and for how long.

    Args:
        endpoint: The token endpoint, absolute.
        grant: What we ask by.
        transport: Carries the request.
        client_auth: How the client names itself; None: it does not.
        scope: What is asked for, space separated.
        form: Extra form fields, in order.
        policy: The life assumed of a token that names none.
        retry: When to ask again.
        timeout: Seconds for one whole exchange, pauses included.
        clock: Where time comes from.
        reload: Reads a changed key again and says whether it did; its argument: look even if nothing seems changed.
        server_clock: Shared by the exchanges of one credential.

    Attributes:
        host: The endpoint's host, for messages and limits.
        identity: 32 bytes, see `_identity`.
        way: What tells two ways of asking for one token apart: transport, timeout, retry.
    """

    __slots__ = (
        "client_auth",
        "clock",
        "endpoint",
        "form",
        "grant",
        "host",
        "identity",
        "policy",
        "reload",
        "retry",
        "scope",
        "server_clock",
        "timeout",
        "transport",
        "way",
    )

    def __init__(
        self,
        *,
        endpoint: str,
        grant: Grant,
        transport: Transport,
        client_auth: ClientAuth | None = None,
        scope: str = "",
        form: tuple[tuple[str, str], ...] = (),
        policy: RefreshPolicy = RefreshPolicy(),  # noqa: B008 - frozen
        retry: Retry = Retry(),  # noqa: B008 - frozen
        timeout: float = 10.0,
        clock: Clock = SYSTEM,
        reload: Callable[[bool], bool] | None = None,
        server_clock: ServerClock | None = None,
    ) -> None:
        self.endpoint, self.grant, self.transport, self.client_auth = endpoint, grant, transport, client_auth
        self.scope, self.form = scope, form
        self.policy, self.retry, self.timeout, self.clock = policy, retry, timeout, clock
        self.reload = reload
        self.server_clock = server_clock if server_clock is not None else ServerClock()
        self.host = urlsplit(endpoint).hostname or ""
        self.identity = self._identity()
        # Two default transports are one way; a failure by another may be no failure by this.
        carrier = "default" if getattr(transport, "default", False) else id(transport)
        self.way: tuple[object, ...] = (carrier, timeout, retry)

    def run(self) -> Held:
        """Asks until there is a token, a refusal, or no time left.

        Returns:
            The token, and when its life began.

        Raises:
            SaAuthError: there is none; `attempts` says how many requests were sent.
        """
        deadline = Deadline(self.clock, self.timeout)
        attempt, corrected = 0, False
        if self.reload is not None:
            self.reload(False)
        while True:
            attempt += 1
            asked = self.clock.now()
            skew = self.server_clock.skew(asked)
            outcome = self._attempt(asked, deadline, attempt)
            if isinstance(outcome, Token):
                return Held(outcome, asked.boot)
            room = self.grant.repeatable and attempt < self.retry.attempts and deadline.left() > 0
            if room and not corrected and self._corrected(outcome, skew):
                corrected = True
                continue
            pause = self.retry.pause(
                outcome, attempt=attempt, chance=random.random(), time_left=deadline.left(),  # noqa: S311 - no secret
                repeatable=self.grant.repeatable,
            )  # fmt: skip
            if pause is None:
                raise outcome
            self.clock.sleep(pause)

    def build(self, now: float) -> Request:
        """Builds one request, with an assertion minted for it.

        Args:
            now: Unix seconds by the server's clock as far as it is known.

        Raises:
            SaAuthError: the assertion cannot be had.
        """
        request = TokenRequest((*self.grant.form(now), *self.form))
        if self.client_auth is not None:
            request = self.client_auth.apply(request, now)
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
            **request.headers,
        }
        return Request(self.endpoint, form(request.fields), headers)

    def _attempt(self, asked: Instant, deadline: Deadline, attempt: int) -> Token | SaAuthError:
        """Sends once. Errors come back as values, stripped of the frames that hold the assertion."""
        response, sent = None, attempt - 1
        try:
            request = self.build(asked.wall + self.server_clock.skew(asked))
            sent = attempt
            response = self.transport.send(request, deadline)
            return read(response, asked=asked, policy=self.policy, scope=self.scope)
        except SaAuthError as error:
            failure = error.copy()
        except Exception as error:  # noqa: BLE001 - whatever a part of the caller's own raises, it ends here
            # A transport, signer or callable of the caller's own; its text may hold anything, its class may not.
            failure = SaAuthError(
                f"{type(error).__name__} was raised while asking for a token, {_where(error)}.", code="unexpected",
                hint="A transport, signer or callable handed over raised it; nothing of this library does.",
            )  # fmt: skip
        if isinstance(failure, TokenEndpointError) and not failure.retryable and response is not None:
            self._explain(failure, response)
        failure.attempts = sent
        return failure

    def _explain(self, refusal: TokenEndpointError, response: Response) -> None:
        """Adds to a refusal what was sent, and how far the clocks are apart."""
        now = self.clock.now()
        date = http_date(response.headers.get("date", "")) if response.trusted_date else None
        clock_matters = isinstance(refusal, InvalidGrant | InvalidClient)
        if clock_matters and date is not None and abs(date - now.wall) > _SMALL_SKEW:
            refusal.skew = date - now.wall
            side = "behind" if refusal.skew > 0 else "ahead of"
            tried = "; an assertion by the server's clock was refused too" if self.server_clock.knows(now) else ""
            refusal.hint = (
                f"This machine's clock is {abs(refusal.skew):.0f} s {side} the server's{tried}: set it right."
            )
        sent = [self.grant.describe()]
        if self.scope:
            sent.append(f"scope {self.scope!r}")
        if self.client_auth is not None:
            method, *named = self.client_auth.fingerprint()[:2]
            sent.append(f"{method} {named[0]!r}" if named else method)
        refusal.hint = f"{refusal.hint} Sent: {', '.join(sent)}.".strip()

    def _corrected(self, refusal: SaAuthError, skew: float) -> bool:
        """Whether something was mended that makes a refused request, minted with that skew, worth minting once more."""
        if not isinstance(refusal, InvalidGrant | InvalidClient):
            return False
        if refusal.skew is not None and abs(refusal.skew) <= _GREAT_SKEW:
            now = self.clock.now()
            self.server_clock.learn(refusal.skew, now)
            # Another flight may have learned it while this request was on its way.
            if self.server_clock.skew(now) != skew:
                _log.warning("the clock is %.0f s off the server's; minting by the server's clock", refusal.skew)
                return True
        return self.reload is not None and self.reload(True)

    def _identity(self) -> bytes:
        """32 bytes that are this token's and no other's: a hash over everything that decides what is issued."""
        auth = self.client_auth.fingerprint() if self.client_auth is not None else ("none",)
        extra = tuple(text for pair in self.form for text in pair)
        scopes = " ".join(sorted(set(self.scope.split())))
        parts = (digest(*self.grant.fingerprint()), digest(*auth), digest(*extra))
        return digest("sa_auth identity 1", self.endpoint, scopes, *parts)


def _where(error: BaseException) -> str:
    """The file and line that raised; the text of a foreign error may hold anything, its place may not."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "nobody knows where"
    return f"at {os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"
