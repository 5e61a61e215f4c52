"""One conversation with an authorization server, described; and the only place that retries.

Rule: every attempt is built again, with a fresh assertion and proof, inside one deadline. Stands between the flight,
which decides when, and `answer`, which decides what came back.
Source: RFC 6749 section 3.2; RFC 7521 section 4.1; RFC 7523 section 3; RFC 9449 section 8.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar
from urllib.parse import urlsplit

from ._clock import SYSTEM, Clock, Deadline, Instant
from ._encoding import digest
from ._secret import Secret
from .answer import BEARER, DPOP, read_answer
from .client_auth.base import ClientAuth
from .dpop import DPoP
from .errors import InvalidClient, InvalidGrant, ResponseError, SaAuthError, TokenEndpointError
from .explanation import Known, as_known, explained, known_of
from .grants.base import Grant, Offline, OneTime, named, offline, shaped
from .grants.refresh_token import Family, RefreshToken
from .identity import identity_of, whose
from .metadata import Metadata
from .policy import Held, RefreshPolicy, Retry, unseen
from .refusal import explain, foreign, leaves_grant, wants_nonce
from .request import token_request, unsaid
from .server_clock import ServerClock
from .token import STANDARD, AnswerNames, nothing
from .wire import Conversation, Request, Response, Transport, conversing

__all__ = ["Exchange", "ServerClock"]

_log = logging.getLogger("sa_auth")
_MOST_NONCES = 2  # in one exchange: a server that wants a new one each time would never be satisfied
Got = TypeVar("Got")
Attempt: TypeAlias = "Callable[[Instant, int], Got | SaAuthError]"


def no_secret() -> bytes | None:
    """None: there is no key in this process to seal tokens with."""
    return None


@dataclass(kw_only=True, slots=True, eq=False, repr=False)
class Exchange:
    """What is sent where, how often, and for how long.

    Args:
        endpoint: The token endpoint, absolute; None: the metadata name it.
        grant: What we ask by.
        transport: Carries the request.
        client_auth: How the client names itself; None: it does not.
        scope: What is asked for, space separated.
        scope_field: Whether the scope is sent as a field of the request.
        form: Extra fields, in order.
        json: Whether the fields are sent as JSON.
        headers: More header fields of the token request.
        names: Where token and end stand in the answer; the standard ones give way to the grant's own.
        known: What the provider's refusals mean.
        dpop: Makes proofs; None: a bearer token is asked for.
        metadata: Of the server; None: nothing is looked up.
        revocation_endpoint: Where tokens are revoked; None: the metadata name it.
        policy: The life assumed of a token that names none.
        retry: When to ask again.
        timeout: Seconds for one whole exchange, pauses included.
        clock: Where time comes from.
        reload: Reads a changed key again and says whether it did; its argument: look even if nothing seems changed.
        server_clock: Shared by the exchanges of one credential.
        secret: Gives what its tokens are sealed with where others could read them; None: no key is in this process.

    Attributes:
        host: The endpoint's host, for messages and limits.
        family: Of the refresh token that the caller gave; None: the grant is another.
        identity: 32 bytes, see `identity`.
        way: What tells two ways of asking for one token apart: transport, timeout, retry.
    """

    endpoint: str | None
    grant: Grant
    transport: Transport
    client_auth: ClientAuth | None = None
    scope: str = ""
    scope_field: bool = False
    form: tuple[tuple[str, str], ...] = ()
    json: bool = False
    headers: Mapping[str, str] = field(default_factory=nothing)
    names: AnswerNames = STANDARD
    known: tuple[Known, ...] = ()
    dpop: DPoP | None = None
    metadata: Metadata | None = None
    revocation_endpoint: str | None = None
    policy: RefreshPolicy = RefreshPolicy()  # noqa: RUF009 - frozen
    retry: Retry = Retry()  # noqa: RUF009 - frozen
    timeout: float = 10.0
    clock: Clock = SYSTEM
    reload: Callable[[bool], bool] | None = None
    server_clock: ServerClock = field(default_factory=ServerClock)
    secret: Callable[[], bytes | None] = no_secret
    host: str = field(init=False)
    family: Family | None = field(init=False)
    identity: bytes = field(init=False)
    way: tuple[object, ...] = field(init=False)
    _where: str = field(init=False)

    def __post_init__(self) -> None:
        server = self.metadata.issuer if self.metadata is not None else ""
        self.host, self._where = urlsplit(self.endpoint or server).hostname or "", self.endpoint or f"server {server}"
        self.family = self.grant.family(self._where) if isinstance(self.grant, RefreshToken) else None
        self.identity = self._identity()
        # Two default transports are one way; a failure by another may be no failure by this.
        carrier = "default" if getattr(self.transport, "default", False) else id(self.transport)
        self.way = (carrier, self.timeout, self.retry)

    def _identity(self) -> bytes:
        return identity_of(
            self._where, self.grant, self.client_auth, scope=self.scope, form=self.form, dpop=self.dpop,
            certificate_thumbprint=str(getattr(self.transport, "certificate_thumbprint", "")),
        )  # fmt: skip

    def shared_identity(self) -> bytes | None:
        """The identity as it is on every machine, by the key in use now; None where no other process could have it.

        Raises:
            SaAuthError: what a token service hands over was to tell whose it is, and could not be had.
        """
        if self.dpop is not None and self.dpop.throw_away:
            return None
        told = whose(self.grant, self.client_auth, self.clock.wall())
        return None if told is None else digest("sa_auth shared 1", self._identity(), *told)

    def run(self, refresh_token: Secret | None = None, within: Conversation | None = None) -> Held:
        """Asks until there is a token, a refusal, or no time left.

        Args:
            refresh_token: What came with the last token; it is tried first, and the grant where that fails and may be
                sent again.
            within: What it is a part of, and whose deadline it keeps; None: nothing.

        Returns:
            The token, and when its life began.

        Raises:
            SaAuthError: there is none; `attempts` says how many requests were sent.
        """
        with self.conversation() if within is None else nullcontext(within) as under_way:
            if self.reload is not None:
                self.reload(False)
            sent, failure, grant, again = 0, None, self.grant, None
            if self.family is not None:
                again = self.family.taken_up(refresh_token)
                refresh_token, grant = None, RefreshToken(again)
            if refresh_token is not None:
                outcome = self._ask(RefreshToken(refresh_token), under_way, again=refresh_token)
                if isinstance(outcome, Held):
                    return outcome
                sent, failure = outcome.attempts, outcome
            # With the server out of reach, or no time left, another grant fares no better.
            reached = failure is None or (sent and not unseen(failure) and under_way.deadline.left() > 0)
            if failure is None or (self.grant.repeatable and reached):
                outcome = self._ask(grant, under_way, sent=sent, again=again)
                if isinstance(outcome, Held):
                    if self.family is not None and outcome.refresh_token is not None:
                        self.family.newest = outcome.refresh_token
                    return outcome
                failure = outcome
        raise failure

    def build(self, now: float, *, grant: Grant | None = None, url: str | None = None) -> Request:
        """Builds one request, with an assertion and a proof minted for it.

        Args:
            now: Unix seconds by the server's clock as far as it is known.
            grant: What to ask by; None: the exchange's own.
            url: Where it goes; None: the token endpoint that was given.

        Raises:
            SaAuthError: the assertion cannot be had.
        """
        asked_by = self.grant if grant is None else grant
        # A refresh without a scope is for the one that was granted (RFC 6749 section 6).
        follow_up = isinstance(asked_by, RefreshToken) and self.family is None
        return token_request(
            asked_by, self.client_auth, now, url=(self.endpoint or "") if url is None else url, form=self.form,
            scope=self.scope if self.scope_field and not follow_up else "", json=self.json, headers=self.headers,
            dpop=self.dpop,
        )  # fmt: skip

    def conversation(self) -> AbstractContextManager[Conversation]:
        """Begins a conversation, which the exchange's own time-out ends."""
        return conversing(Conversation(self.transport, Deadline(self.clock, self.timeout)))

    def address(self, name: str, within: Conversation) -> str | None:
        """Where an endpoint is: as given, else by the metadata; None where nobody says.

        Raises:
            SaAuthError: the metadata cannot be had.
        """
        given = self.endpoint if name == "token_endpoint" else self.revocation_endpoint
        if given is not None or self.metadata is None:
            return given
        presents = bool(getattr(self.transport, "certificate_thumbprint", ""))
        found = self.metadata.endpoint(name, within, self.clock.now(), mutual_tls=presents)
        if found is None and name == "token_endpoint":
            raise ResponseError(
                f"The metadata of {self.host} name no token endpoint.", code="no_token_endpoint",
                hint="Pass token_endpoint=, the URL from the provider's documentation.",
            )  # fmt: skip
        return found

    def ask(self, attempt: Attempt[Got], within: Conversation, *, repeatable: bool, sent: int = 0) -> Got | SaAuthError:
        """Makes attempts until one succeeds, or there is no reason or no time for another.

        Args:
            attempt: Makes one, at this instant and by this number; gives what came of it, an error as a value.
            within: The conversation, and its deadline.
            repeatable: Whether it may be made again after the server may have seen it.
            sent: Requests sent before.
        """
        deadline, corrected, nonces, tries = within.deadline, False, 0, sent
        while True:
            tries += 1
            asked = self.clock.now()
            skew = self.server_clock.skew(asked)
            outcome = attempt(asked, sent + 1)
            if not isinstance(outcome, SaAuthError):
                return outcome
            # An attempt that ended before anything was sent has used nothing up, and tells nothing of the server's clock.
            asked_it = outcome.attempts > sent
            free, sent, counted = repeatable or not asked_it, outcome.attempts, tries - nonces
            if self.dpop is not None and wants_nonce(outcome) and nonces < _MOST_NONCES and deadline.left() > 0:
                nonces += 1  # a step of the protocol, and no failure
                continue
            # Who is refused as a client was not asked for the grant: even one that goes once may go again.
            again = free or isinstance(outcome, InvalidClient)
            room = again and counted < self.retry.attempts and deadline.left() > 0
            # Learned even where there is none: the next exchange mints by the right time. What passes by itself is asked
            # again below, after its pause.
            mendable = asked_it and not corrected and not outcome.retryable
            if mendable and self._corrected(outcome, skew) and room:
                corrected = True
                continue
            pause = self.retry.pause(
                outcome, attempt=counted, chance=random.random(), time_left=deadline.left(),  # nosec B311 # noqa: S311 - no secret
                repeatable=free,
            )  # fmt: skip
            if pause is None:
                return outcome
            self.clock.sleep(pause)

    def send(
        self, name: str, build: Callable[[float, str], Request], read: Callable[[Response], Got],
        within: Conversation, asked: Instant, number: int,
    ) -> Got | SaAuthError:  # fmt: skip
        """Sends once. Errors come back as values, stripped of the frames that hold the assertion.

        Args:
            name: The endpoint's name in the metadata.
            build: Makes the request, at that time by the server's clock, for that address.
            read: Reads the reply.
            within: Carries it.
            asked: The instant before.
            number: How many requests will have been sent with this one.
        """
        request, response, url, sent = None, None, "", number - 1
        try:
            url = self.address(name, within) or ""
            request = build(asked.wall + self.server_clock.skew(asked), url)
            sent = number
            response = within.send(request)
            if self.dpop is not None:
                self.dpop.learn(url, response.headers)
            return read(response)
        except SaAuthError as error:
            failure = error.copy() if request is None or response is None else unsaid(error, request)
        except Exception as error:  # noqa: BLE001 - whatever a part of the caller's own raises, it ends here
            failure = foreign(error)
        if self.metadata is not None and (not url or failure.status in {404, 405} or unseen(failure)):
            self.metadata.forget()
        if isinstance(failure, TokenEndpointError) and not failure.retryable and response is not None:
            failure = as_known(failure, self.known)
            explain(failure, response, self.clock.now(), corrected=self.server_clock.knows(self.clock.now()))
        failure.attempts = sent
        return failure

    def _ask(
        self, grant: Grant, within: Conversation, *, sent: int = 0, again: Secret | None = None
    ) -> Held | SaAuthError:
        def attempt(asked: Instant, number: int) -> Held | SaAuthError:
            return self._attempt(grant, within, asked, number, again)

        return self.ask(attempt, within, repeatable=grant.repeatable, sent=sent)

    def _attempt(
        self, grant: Grant, within: Conversation, asked: Instant, number: int, again: Secret | None
    ) -> Held | SaAuthError:
        if offline(grant):
            return self._made(grant, asked)

        def read(response: Response) -> Held:
            names = grant.names if named(grant) and self.names is STANDARD else self.names
            answer = read_answer(
                response, asked=asked, policy=self.policy, scope=self.scope, names=names,
                token_type=BEARER if self.dpop is None else DPOP,
            )  # fmt: skip
            # RFC 6749 section 6: the old one is good until another comes. Who takes no form takes no refresh token.
            return Held(answer.token, asked.boot, None if shaped(grant) else answer.refresh_token or again)

        outcome = self.send(
            "token_endpoint", lambda now, url: self.build(now, grant=grant, url=url), read, within, asked, number
        )
        if isinstance(outcome, SaAuthError) and isinstance(grant, OneTime) and leaves_grant(outcome, sent=number):
            grant.restore()
        if isinstance(outcome, TokenEndpointError) and not outcome.retryable and outcome.attempts == number:
            return explained(outcome, grant, self.client_auth, self.scope, self.form, self.known)
        return outcome

    def _made(self, grant: Offline, asked: Instant) -> Held | SaAuthError:
        try:
            return Held(grant.token(asked.wall, asked.wall + self.server_clock.skew(asked)), asked.boot)
        except SaAuthError as error:
            failure = error.copy()
        except Exception as error:  # noqa: BLE001 - as in `send`
            failure = foreign(error)
        return failure

    def _corrected(self, refusal: SaAuthError, skew: float) -> bool:
        """Whether something was mended that makes a refused request, minted with that skew, worth minting once more."""
        meaning = known_of(refusal, self.known)
        again = meaning is not None and meaning.again
        if not isinstance(refusal, InvalidGrant | InvalidClient) and refusal.code != "invalid_dpop_proof":
            return again
        now = self.clock.now()
        if self.server_clock.learned(refusal, now, skew):
            seconds = self.server_clock.skew(now)
            _log.warning("the clock is %.0f s off the server's; minting by the server's clock", seconds)
            return True
        return again or (self.reload is not None and self.reload(True))
