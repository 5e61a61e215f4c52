"""The auth of an httpx client, sync or async, by one engine: sets the header, and renews once on a 401.

Rule: the token goes only where it may, and a request is sent again only with a body that is whole. `httpx2` carries the
project on and is what the extra installs; an auth made here suits clients of `httpx` as well, where that is installed.
Source: https://www.python-httpx.org/advanced/authentication/#custom-authentication-schemes; RFC 6750 section 2.1.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterable
from typing import TYPE_CHECKING

from .awaiting import Source
from .calls import Answer, Calls
from .extra import loaded, needed

if TYPE_CHECKING:
    import httpx2
    from httpx2 import Auth as _Scheme

    _WHOLE = (httpx2.ByteStream,)
else:
    needed("httpx", ("httpx2", "httpx"), '"sa_auth[httpx]"')
    # Both ask whether an auth is one of theirs. A process may have made the one name stand for the other.
    _LIBRARIES = dict.fromkeys(filter(None, (loaded("httpx2"), loaded("httpx"))))
    _Scheme = type("_Scheme", tuple(library.Auth for library in _LIBRARIES), {})
    # Bodies that are had from memory, as often as asked for. A file would be sent from where it stands by now: its end.
    _WHOLE = tuple(library.ByteStream for library in _LIBRARIES)


class Auth(_Scheme):
    """Authorizes the requests of a Client or an AsyncClient, on asyncio or trio.

    A redirect to another origin is followed without the token, as the client does. After a 401 the token is renewed once,
    and the request sent again where its body is bytes, text, a form or JSON; files and generators are not sent again.

    Args:
        source: Gives tokens: the credentials object.
        allowed_hosts: Hosts the token may be sent to, in place of the credentials' own; None: theirs.

    Example:
        >>> import httpx2
        >>> from sa_auth import ServiceAccountCredentials
        >>> from sa_auth.testing import Authority, new_key
        >>> private, public = new_key("p256")
        >>> authority = Authority()
        >>> _ = authority.register("robot", public)
        >>> creds = ServiceAccountCredentials(
        ...     private, issuer="robot", token_endpoint=authority.token_endpoint, transport=authority.transport())
        >>> answering = httpx2.MockTransport(lambda request: httpx2.Response(200, text=request.headers["Authorization"]))
        >>> with httpx2.Client(auth=Auth(creds), transport=answering) as client:
        ...     client.get("https://api.example/files").text[:7]
        'Bearer '
    """

    def __init__(self, source: Source, allowed_hosts: str | Iterable[str] | None = None) -> None:
        self._calls = Calls(source, allowed_hosts)

    def sync_auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        """What a Client asks."""
        steps = self._calls.steps(request.method, str(request.url), request.headers)
        fields = self._calls.advance(steps)
        while fields is not None:
            request.headers.update(fields)
            response = yield request
            request = response.request  # where a redirect led
            fields = self._calls.advance(steps, _answer(response))

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """What an AsyncClient asks."""
        steps = self._calls.steps(request.method, str(request.url), request.headers)
        fields = await self._calls.advance_awaited(steps)
        while fields is not None:
            request.headers.update(fields)
            response = yield request
            request = response.request
            fields = await self._calls.advance_awaited(steps, _answer(response))


def _answer(response: httpx2.Response) -> Answer:
    request = response.request
    return Answer(
        response.status_code,
        response.headers,
        request.method,
        str(request.url),
        request.headers,
        lambda: isinstance(request.stream, _WHOLE),
    )
