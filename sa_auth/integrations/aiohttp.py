"""A middleware of an aiohttp session: sets the header, and renews once on a 401.

Rule: the token goes only where it may, and a request is sent again only with a body that is whole. A middleware sees each
request, also those that follow a redirect; the token goes to none behind one that leads to another origin.
Source: https://docs.aiohttp.org/en/stable/client_middleware_cookbook.html; RFC 6750 section 2.1.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple
from weakref import ref

from .awaiting import Source
from .calls import Answer, Calls
from .extra import needed

if TYPE_CHECKING:
    import aiohttp
    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
else:
    aiohttp = needed("aiohttp", ("aiohttp",), '"sa_auth[aiohttp]"')

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class _Hop(NamedTuple):
    """A way that leads away from where the token may be.

    Attributes:
        auth: Whose request was answered by a redirect.
        origin: Where the next request on that way goes; None: there is to be none.
        request: The last request on it, which a retry of another middleware sends once more; None: it is still to come.
    """

    auth: Auth
    origin: str | None
    request: ref[ClientRequest] | None = None

    def leads(self, auth: Auth, request: ClientRequest, origin: str) -> bool:
        """Whether a request is on it."""
        again = self.request is not None and self.request() is request
        return self.auth is auth and (again or self.origin == origin)


# aiohttp follows a redirect in the task of the call, and tells a middleware nothing of it: whoever asks next in that task,
# and for that origin, is on the way that the last answer showed. Nor does it tell that it asks once more, by another
# request, where a server hung up.
_away: ContextVar[_Hop | None] = ContextVar("sa_auth_away", default=None)


class Auth:
    """Authorizes the requests of a session: `ClientSession(middlewares=(Auth(creds),))`, or of one call.

    A redirect to another origin is followed without the token. After a 401 the token is renewed once, and the request sent
    again where its body is bytes, text, a form, JSON or a file that can be read from its beginning again.

    Args:
        source: Gives tokens: the credentials object.
        allowed_hosts: Hosts the token may be sent to, in place of the credentials' own; None: theirs.
    """

    def __init__(self, source: Source, allowed_hosts: str | Iterable[str] | None = None) -> None:
        self._calls = Calls(source, allowed_hosts)

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Sends a request.

        Raises:
            SaAuthError: there is no token to be had, or it may not go there.
        """
        here, last = str(request.url.origin()), _away.get()
        away = last is not None and last.leads(self, request, here)
        this = ref(request) if away else None
        _away.set(_Hop(self, None, this) if away else None)
        try:
            response = await handler(request) if away else await self._authorized(request, handler)
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
            if away:
                _away.set(_Hop(self, here, this))
            raise
        there = _target(response)
        if there is not None and (away or there != here):
            _away.set(_Hop(self, there, this))
        return response

    async def _authorized(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        url = str(request.url)
        if url.startswith("ws"):
            url = f"http{url[2:]}"  # a websocket begins as a GET, and wss as one over TLS
        steps = self._calls.steps(request.method, url, request.headers)
        fields = await self._calls.advance_awaited(steps)
        while True:
            request.headers.update(fields or {})
            response = await handler(request)
            answer = Answer(
                response.status, response.headers, request.method, url, request.headers, lambda: _is_whole(request)
            )
            fields = await self._calls.advance_awaited(steps, answer)
            if fields is None:
                return response
            await response.read()  # read to its end, the connection can be used again
            response.release()


def _target(response: ClientResponse) -> str | None:
    """The origin that a redirect leads to; None: it is none, or leads nowhere."""
    where = response.headers.get("Location") or response.headers.get("URI")
    if response.status not in _REDIRECTS or not where:
        return None
    try:
        return str(response.url.join(type(response.url)(where)).origin())
    except ValueError:  # aiohttp says so when it comes to that
        return None


def _is_whole(request: ClientRequest) -> bool:
    """Whether the body can be sent again from where it began."""
    return not getattr(request.body, "consumed", False)
