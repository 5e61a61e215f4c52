"""The inspector: a page that shows what the authority saw, and the JSON that it is made of.

Rule: it shows and never steers; all that it serves went through `redaction`. Who opens it needs the random key in its
address, and has to come by a name of this machine: a page of another site that had its own name point here learns nothing.

Source: RFC 9110 section 7.2 for Host, CSP Level 3 for what the page may load.
"""

from __future__ import annotations

import hmac
import math
import secrets
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from sa_auth.wire import Request, Response

from .exhibits import detail, summary
from .faults import reply
from .hosts import names_of
from .timeline import timeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from .authority import Authority

ROOT = "/inspect/"
_MOST_AT_ONCE = 500
_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_FILES = ("inspector.html", "inspector.css", "inspector.js", "detail.js", "timeline.js", "timeline.css", "icon.svg")
_HEADERS = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


class Inspector:
    """Serves the page of one authority; `routes` go to its `Server`.

    Args:
        authority: What it shows.
        host: Where the server was told to listen; one that is not this machine's own may then be asked for by that name,
            and one that stands for all addresses by any.
        lead: Seconds before its end at which a client renews a token; None: as the default of `RefreshPolicy`.

    Attributes:
        path: Where the page is; its key is random.
        routes: For `Server(routes=...)`.

    Example:
        >>> from urllib.request import urlopen
        >>> from sa_auth.testing import Authority, Inspector, Server
        >>> authority = Authority()
        >>> inspector = Inspector(authority)
        >>> with Server(authority, routes=inspector.routes) as server:
        ...     with urlopen(server.url + inspector.path, timeout=10) as page:
        ...         print(page.headers["Content-Type"])
        text/html; charset=utf-8
    """

    def __init__(self, authority: Authority, *, host: str = "127.0.0.1", lead: float | None = None) -> None:
        self._authority = authority
        self._lead = lead
        self._key = secrets.token_urlsafe(18)
        self._names = names_of(host)
        self._pages = {name: (files("sa_auth.testing") / "page" / name).read_bytes() for name in _FILES}
        self._views: dict[str, Callable[[dict[str, list[str]]], dict[str, Any]]] = {
            "requests": self._requests,
            "timeline": self._timeline,
        }
        self.path = f"{ROOT}{self._key}/"
        self.routes = {ROOT: self.handle}

    def handle(self, request: Request) -> Response:
        """Answers one request to anything under its root."""
        response = self._answer(request)
        return Response(response.status, {**response.headers, **_HEADERS}, response.body)

    def _answer(self, request: Request) -> Response:
        parts = urlsplit(request.url)
        key, slash, rest = parts.path.removeprefix(ROOT).partition("/")
        if not self._is_near(request.headers.get("host", "")):
            return _plain(403, "The inspector is reached by an address of this machine only.")
        if not hmac.compare_digest(key.encode(), self._key.encode()):
            return _plain(404, "This is not the inspector's address: it was printed when the server started.")
        if request.method not in {"GET", "HEAD"}:
            return Response(405, {**_plain(405, "The inspector only shows.").headers, "allow": "GET, HEAD"})
        if not slash:
            return Response(308, {"location": self.path})
        name = rest or "inspector.html"
        if name in self._pages:
            kind = _TYPES[name.rpartition(".")[2]]
            return Response(200, {"content-type": f"{kind}; charset=utf-8"}, self._pages[name])
        return self._data(rest, parse_qs(parts.query))

    def _data(self, rest: str, query: dict[str, list[str]]) -> Response:
        view, _, number = rest.partition("/")
        if view == "requests" and number:
            return self._request(number)
        if view not in self._views or number:
            return _plain(404, "The inspector has no such page.")
        try:
            fields = self._views[view](query)
        except ValueError:
            return _plain(400, "The figures in this address are not in order.")
        return reply(200, fields)

    def _requests(self, query: dict[str, list[str]]) -> dict[str, Any]:
        """The summaries of what came after a number; `newest` is smaller than that where all was forgotten meanwhile."""
        records = self._authority.requests
        newest = records[-1].number if records else 0
        after = int(query.get("after", ["0"])[0])
        wanted = [record for record in records if record.number > after or after > newest]
        dialect = self._authority.dialect
        return {
            "newest": newest,
            "exchanges": self._authority.exchanges,
            "calls": self._authority.api.calls,
            "refused": self._authority.api.refused,
            "dialect": dialect.name if dialect is not None else None,
            "token_endpoint": next(iter(self._authority.served), self._authority.token_endpoint),
            "issuers": sorted(self._authority.issuers),
            "requests": [summary(record) for record in wanted[-_MOST_AT_ONCE:]],
        }

    def _request(self, number: str) -> Response:
        dialect = self._authority.dialect
        own = dialect.rules if dialect is not None else ()
        found = (record for record in reversed(self._authority.requests) if str(record.number) == number)
        record = next(found, None)
        if record is None:
            return _plain(404, "This request is not kept any more.")
        return reply(200, detail(record, own))

    def _timeline(self, query: dict[str, list[str]]) -> dict[str, Any]:
        seconds = float(query["seconds"][0]) if "seconds" in query else None
        if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
            raise ValueError
        return timeline(self._authority, self._lead, seconds)

    def _is_near(self, host: str) -> bool:
        """Whether a Host field names this machine, which a name that an attacker had resolved to it does not."""
        if self._names is None:
            return True
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            name = None
        return name in self._names


def _plain(status: int, sentence: str) -> Response:
    return reply(status, f"{sentence}\n", {"content-type": "text/plain; charset=utf-8"})
