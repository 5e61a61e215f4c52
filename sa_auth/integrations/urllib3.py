"""A urllib3 pool whose requests carry the token, and which renews once on a 401.

Rule: the token goes only where it may, and a request is sent again only with a body that is whole. The pool beneath is the
caller's; it follows redirects, and takes the token off where one leads to another origin.
Source: https://urllib3.readthedocs.io/en/stable/user-guide.html; RFC 6750 section 2.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urljoin

from ..dpop import HEADER, origin
from ..token import NOTHING
from .awaiting import Source
from .calls import Answer, Calls
from .extra import needed
from .where import is_at, rewound

if TYPE_CHECKING:
    import urllib3
    from urllib3 import BaseHTTPResponse, PoolManager
    from urllib3.util import parse_url
else:
    urllib3 = needed("urllib3", ("urllib3",), "urllib3")
    parse_url = urllib3.util.parse_url

_BODIES = frozenset({"fields", "json"})
_TAKEN_OFF = frozenset({"authorization", HEADER.lower()})


class Pool:
    """Sends the requests of a `urllib3.PoolManager` with the token.

    After a 401 the token is renewed once, and the request sent again where its body is bytes, text, fields, JSON or a file
    that can be read from where it stood; a generator is not sent again.

    Args:
        source: Gives tokens: the credentials object.
        pool: Sends; None: one of its own.
        allowed_hosts: Hosts the token may be sent to, in place of the credentials' own; None: theirs.

    Example:
        >>> from sa_auth import ServiceAccountCredentials
        >>> from sa_auth.testing import Authority, new_key
        >>> private, public = new_key("p256")
        >>> authority = Authority()
        >>> _ = authority.register("robot", public)
        >>> with authority.serve() as server:
        ...     creds = ServiceAccountCredentials(private, issuer="robot", token_endpoint=server.token_endpoint)
        ...     with Pool(creds) as pool:
        ...         pool.request("GET", server.api_url).status
        200
    """

    def __init__(
        self, source: Source, pool: PoolManager | None = None, allowed_hosts: str | Iterable[str] | None = None
    ) -> None:
        self._calls = Calls(source, allowed_hosts)
        self._pool = urllib3.PoolManager() if pool is None else pool

    def request(
        self, method: str, url: str, body: Any = None, *, headers: Mapping[str, str] | None = None, **options: Any
    ) -> BaseHTTPResponse:
        """Sends a request.

        Args:
            method: The HTTP method.
            url: Where it goes.
            body: As of `urllib3.PoolManager.request`.
            headers: Of this request; None: the pool's.
            **options: The others of `urllib3.PoolManager.request`: fields, json, timeout, retries, redirect.

        Raises:
            SaAuthError: there is no token to be had, or it may not go there.
        """
        url = _as_read(url)
        own = self._pool.headers if headers is None else headers
        options["retries"] = _careful(options.get("retries"), redirect=options.get("redirect", True))
        began = _position(body)
        steps = self._calls.steps(method, url, _with(own))
        fields = self._calls.advance(steps)
        while True:
            response = self._pool.request(method, url, body=body, headers=_with(own, fields or {}), **options)
            # The pool followed redirects: what was answered may be another request.
            end = _end(response, method, url)
            if end.method != method:
                body, options = None, {name: value for name, value in options.items() if name not in _BODIES}
            method, url, away = end
            sent = _with(own, NOTHING if away else fields or NOTHING)
            rewind = partial(rewound, body, began)
            fields = self._calls.advance(steps, Answer(response.status, response.headers, method, url, sent, rewind))
            if fields is None:
                return response
            response.drain_conn()
            response.release_conn()

    def clear(self) -> None:
        """Closes idle connections."""
        self._pool.clear()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()


class _End(NamedTuple):
    """Where redirects have led a request.

    Attributes:
        method: Of the last request.
        url: Where that went.
        away: Whether one of them led to another origin, where the pool has taken the token off.
    """

    method: str
    url: str
    away: bool = False


def _end(response: BaseHTTPResponse, method: str, url: str) -> _End:
    away, home = False, origin(url)
    for hop in response.retries.history if response.retries is not None else ():
        if hop.redirect_location:
            url = _as_read(urljoin(url, hop.redirect_location))
            away = away or not is_at(url, home)
            method = "GET" if hop.status == 303 else method
    return _End(method, url, away)


def _as_read(url: str) -> str:
    """An address as urllib3 reads it: with a backslash before an @ it is at another host than the rest of us think."""
    return parse_url(url).url


def _careful(retries: Any, redirect: Any) -> urllib3.Retry:
    """The caller's, by which neither token nor proof follows a redirect to another origin."""
    given = urllib3.Retry.from_int(retries, redirect=redirect)
    return given.new(remove_headers_on_redirect={*given.remove_headers_on_redirect, *_TAKEN_OFF})


def _with(own: Mapping[str, str], more: Mapping[str, str] = NOTHING) -> urllib3.HTTPHeaderDict:
    headers = urllib3.HTTPHeaderDict(own)
    headers.update(more)
    return headers


def _position(body: Any) -> int | None:
    try:
        return int(body.tell())
    except (AttributeError, OSError, TypeError, ValueError):
        return None
