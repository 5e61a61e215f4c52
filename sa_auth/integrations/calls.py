"""One call of an API with a token: what goes on the request, and what follows a 401. The engine of all bridges but one.

Rule: it sends nothing and waits for nothing. It says what is to be done next, and a bridge does it, on a thread or in a
task; so both do the same. (`integrations/requests.py` has its own: there the fresh path is counted in nanoseconds.)
Source: RFC 6750 sections 2.1 and 3.1; RFC 9449 sections 7 to 9.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any, NamedTuple

from ..arguments import host_names, strings
from ..dpop import HEADER, Proofs
from ..errors import SaAuthError
from ..token import NOTHING, Token
from ..wire import beside
from .awaiting import Source, awaited_token, given
from .where import check, sendable, wants_nonce

_log = logging.getLogger("sa_auth")


class Fields(dict[str, str]):
    """Header fields of a request; no repr shows them."""

    def __repr__(self) -> str:
        return f"Fields({', '.join(self)})"


class Answer(NamedTuple):
    """What came back, in no client's words.

    Attributes:
        status: Of the answer.
        headers: Of the answer; names in any case.
        method: Of the request that was answered: of the last one, where a redirect was followed.
        url: Where that went.
        own: Its header fields, names in any case.
        rewound: Makes its body ready to be sent again, whole; whether that is so.
    """

    status: int
    headers: Mapping[str, str]
    method: str
    url: str
    own: Mapping[str, str]
    rewound: Callable[[], bool]

    def __repr__(self) -> str:
        return f"Answer({self.status})"


# Asks for a token (None), or for a request with these fields; is told the one or the other.
Steps = Generator[Fields | None, Any, None]


class Calls:
    """What a bridge asks for each of its calls.

    Args:
        source: Gives tokens; credentials also say where these may go, and what else goes with them.
        allowed_hosts: Hosts the token may be sent to, in place of what the source says. None: what it says; a source that
            says nothing: any over https, and this machine over http.

    Raises:
        ConfigError: it is no source, or allowed_hosts holds what is no host name.
    """

    __slots__ = ("_allowed", "_more", "_per_call", "_proofs", "source")

    def __init__(self, source: Source, allowed_hosts: str | Iterable[str] | None = None) -> None:
        self.source: Any = given(source)
        said: tuple[str, ...] | None = getattr(source, "allowed_hosts", None)
        self._allowed = said if allowed_hosts is None else host_names(strings(allowed_hosts, "allowed_hosts"))
        self._more: Mapping[str, str] = getattr(source, "api_headers", NOTHING)
        self._proofs: Proofs | None = getattr(source, "proofs", None)
        self._per_call: bool = getattr(source, "per_call", False)

    def check(self, url: str) -> None:
        """Refuses an address that the token may not go to.

        Raises:
            ConfigError: it may not go there.
        """
        check(url, self._allowed)

    def beside_metadata(self) -> tuple[tuple[str, str], ...]:
        """What the provider wants on every call, for a client that has no header fields of its own there (gRPC)."""
        return tuple((name.lower(), value) for name, value in beside(NOTHING, self._more).items())

    def steps(self, method: str, url: str, own: Mapping[str, str]) -> Steps:
        """The steps of one call; `advance` and `advance_awaited` walk them.

        Args:
            method: The HTTP method.
            url: Where the call goes.
            own: The request's own header fields, names in any case.
        """
        self.check(url)
        token = self.source.token_for(method, url) if self._per_call else (yield None)
        nonced = moved = False
        renewed = self._per_call
        while True:
            answer: Answer = yield self._fields(method, url, token, own)
            # A nonce comes with any answer, and is for the next call (RFC 9449 section 8.2).
            learned = self._proofs is not None and self._proofs.learn(answer.url, answer.headers)
            # After a redirect to another origin the token is gone: neither renew nor send.
            if answer.status != 401 or answer.own.get("Authorization") != token.authorization:
                return
            elsewhere, method, url, own = answer.url != url, answer.method, answer.url, answer.own
            if self._proofs is not None and wants_nonce(answer.headers):
                # The token was not looked at: the same one goes again, in a new proof.
                hopeless, nonced = nonced or not learned, True
            elif self._proofs is not None and elsewhere and not moved:
                hopeless, moved = (
                    False,
                    True,
                )  # the client followed a redirect, and the proof was for the address before
            elif renewed:
                return
            else:
                hopeless, renewed, refused = False, True, token
                token = yield from self._renewed(refused)
                if token is refused:
                    return
            if hopeless or not answer.rewound():
                return

    def _fields(self, method: str, url: str, token: Token, own: Mapping[str, str]) -> Fields:
        proof = None if self._proofs is None else self._proofs.proof(method, url, token.access_token)
        value = sendable(token)
        fields = Fields(beside(own, self._more))
        if proof is not None:
            fields[HEADER] = proof
        fields["Authorization"] = value
        return fields

    def _renewed(self, refused: Token) -> Generator[None, Token, Token]:
        """Another token than the refused one; that one where there is none to be had."""
        try:
            self.source.discard(refused)
            token = yield None
        except SaAuthError as error:
            _log.warning("an API refused the token, and the next one cannot be had: %s", error)
            return refused
        return refused if token.authorization == refused.authorization else token

    def advance(self, steps: Steps, said: Answer | None = None) -> Fields | None:
        """Goes to the next request of a call, and waits for a token where that needs one.

        Args:
            steps: The call's.
            said: What the last request was answered by; None at first.

        Returns:
            What goes on the request; None where there is none more.

        Raises:
            SaAuthError: there is no token to be had, or it may not go there.
        """
        told: Any = said
        failure: SaAuthError | None = None
        try:
            while True:
                step = steps.send(told) if failure is None else steps.throw(failure)
                if step is not None:
                    return step
                try:
                    told, failure = self.source.token(), None
                except SaAuthError as error:
                    failure = error
        except StopIteration:
            return None

    async def advance_awaited(self, steps: Steps, said: Answer | None = None) -> Fields | None:
        """As `advance`, in a task: the loop is not blocked.

        Raises:
            SaAuthError: as there.
        """
        told: Any = said
        failure: SaAuthError | None = None
        try:
            while True:
                step = steps.send(told) if failure is None else steps.throw(failure)
                if step is not None:
                    return step
                try:
                    told, failure = await awaited_token(self.source), None
                except SaAuthError as error:
                    failure = error
        except StopIteration:
            return None
