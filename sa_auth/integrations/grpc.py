"""Call credentials of gRPC, and an interceptor that renews once after UNAUTHENTICATED.

Rule: no thread of gRPC's waits for a token; it is told when there is one. gRPC itself sends call credentials over secure
channels alone. Source: https://grpc.io/docs/guides/auth/;
https://grpc.github.io/grpc/python/grpc.html#grpc.AuthMetadataPlugin
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, SaAuthError
from ..token import Token
from .awaiting import Source, awaited_token, given
from .calls import Calls
from .extra import needed
from .where import sendable

if TYPE_CHECKING:
    import grpc
    from grpc import aio
else:
    grpc = needed("grpc", ("grpc",), '"sa_auth[grpc]"')
    aio = grpc.aio

_log = logging.getLogger("sa_auth")


def call_credentials(source: Source, allowed_hosts: str | Iterable[str] | None = None) -> grpc.CallCredentials:
    """Credentials of a call or, joined with a channel's, of all calls.

    Where there is no token to be had, the call fails with the code that gRPC has for that, INTERNAL or UNAVAILABLE, and its
    `details()` end in the error's own words.

    Args:
        source: Gives tokens: the credentials object.
        allowed_hosts: Hosts the token may be sent to, in place of the credentials' own; None: theirs.

    Raises:
        ConfigError: the tokens are bound to a key by DPoP, which is for HTTP requests; or it is no source.

    Example:
        >>> import grpc
        >>> from sa_auth import ServiceAccountCredentials
        >>> from sa_auth.testing import Authority, new_key
        >>> private, public = new_key("p256")
        >>> authority = Authority()
        >>> _ = authority.register("robot", public)
        >>> creds = ServiceAccountCredentials(
        ...     private, issuer="robot", token_endpoint=authority.token_endpoint, transport=authority.transport())
        >>> channel = grpc.secure_channel(
        ...     "api.example:443", grpc.composite_channel_credentials(grpc.ssl_channel_credentials(), call_credentials(creds)))
        >>> channel = grpc.intercept_channel(channel, Renewal(creds))
        >>> channel.close()
    """
    if getattr(given(source), "proofs", None) is not None:
        raise ConfigError(
            "These tokens are bound by DPoP, which gRPC has no place for.", code="bad_argument",
            hint="Make credentials for gRPC without dpop=; mutual TLS binds tokens there (RFC 8705).",
        )  # fmt: skip
    return grpc.metadata_call_credentials(_Plugin(source, allowed_hosts), name="sa_auth")


class _Plugin(grpc.AuthMetadataPlugin):
    """What gRPC asks before each call."""

    def __init__(self, source: Source, allowed_hosts: str | Iterable[str] | None) -> None:
        self._source: Any = source
        self._calls = Calls(source, allowed_hosts)

    def __call__(self, context: Any, callback: Callable[[Any, Exception | None], None]) -> None:
        """Tells the token, now or when there is one."""
        failure: SaAuthError | None = None
        got: Token | Future[Token] | None = None
        try:
            self._calls.check(context.service_url)
            if getattr(self._source, "per_call", False):
                got = self._source.token_for("POST", f"{context.service_url}/{context.method_name}")
            else:
                got = self._source.poll()
        except SaAuthError as error:
            failure = error
        if isinstance(got, Future):
            got.add_done_callback(lambda flight: self._tell_of(flight, callback))
        else:
            self._tell(got, failure, callback)

    def _tell_of(self, flight: Future[Token], callback: Callable[[Any, Exception | None], None]) -> None:
        failure = flight.exception(0)
        self._tell(flight.result(0) if failure is None else None, failure, callback)

    def _tell(
        self, token: Token | None, failure: BaseException | None, callback: Callable[[Any, Exception | None], None]
    ) -> None:
        try:
            value = None if token is None else sendable(token)
        except SaAuthError as error:
            value, failure = None, error
        if value is None:
            # Without traceback: gRPC keeps its text alone.
            callback(None, failure if isinstance(failure, SaAuthError) else SaAuthError("There is no token."))
        else:
            callback((*self._calls.beside_metadata(), ("authorization", value)), None)


class _Refusals:
    """What an interceptor knows of a call: which token was the newest when it began."""

    def __init__(self, source: Source) -> None:
        self._source = given(source)

    def _before(self) -> Token | Future[Token] | None:
        try:
            return None if getattr(self._source, "per_call", False) else self._source.poll()
        except SaAuthError:
            return None  # the call itself meets it

    def _refused(self, before: Token | Future[Token] | None) -> Token | None:
        """The token that was refused, which is forgotten; None where nobody knows."""
        if isinstance(before, Future):
            before = before.result(0) if before.done() and before.exception(0) is None else None
        if before is not None:
            self._source.discard(before)
        return before


class Renewal(_Refusals, grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Renews the token after UNAUTHENTICATED: `grpc.intercept_channel(channel, Renewal(creds))`.

    A call of one request that waits for its answer is made once more with the next token. Of one that is waited for later
    (`.future()`), or that answers in a stream, the token is renewed for the calls after it.

    Args:
        source: Gives tokens: the credentials object that the call credentials were made of.
    """

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        """What a channel asks for a call with one answer."""
        before = self._before()
        call = continuation(client_call_details, request)
        if not call.done():
            call.add_done_callback(lambda ended: self._look(ended, before))
        elif call.code() is grpc.StatusCode.UNAUTHENTICATED and self._renewed(before):
            call = continuation(client_call_details, request)
        return call

    def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        """What a channel asks for a call with a stream of answers."""
        before = self._before()
        call = continuation(client_call_details, request)
        call.add_done_callback(lambda ended: self._look(ended, before))
        return call

    def _look(self, ended: Any, before: Token | Future[Token] | None) -> None:
        if ended.code() is grpc.StatusCode.UNAUTHENTICATED:
            self._refused(before)

    def _renewed(self, before: Token | Future[Token] | None) -> bool:
        refused = self._refused(before)
        try:
            return refused is not None and self._source.token().authorization != refused.authorization
        except SaAuthError as error:
            _told(error)
            return False


class AsyncRenewal(_Refusals, aio.UnaryUnaryClientInterceptor):
    """As `Renewal`, for calls with one answer of a channel of `grpc.aio`: its argument `interceptors=`.

    Args:
        source: Gives tokens: the credentials object that the call credentials were made of.
    """

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        """What a channel asks for a call."""
        before = self._before()
        call = await continuation(client_call_details, request)
        if await call.code() is grpc.StatusCode.UNAUTHENTICATED and await self._renewed(before):
            call = await continuation(client_call_details, request)
        return call

    async def _renewed(self, before: Token | Future[Token] | None) -> bool:
        refused = self._refused(before)
        try:
            return refused is not None and (await awaited_token(self._source)).authorization != refused.authorization
        except SaAuthError as error:
            _told(error)
            return False


def _told(error: SaAuthError) -> None:
    _log.warning("an API refused the token, and the next one cannot be had: %s", error)
