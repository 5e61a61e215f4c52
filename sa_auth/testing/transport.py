"""Reaches an authority in this process, by the port that real transports implement.

Rule: it fails as a real one does, never otherwise: no connection, no answer in time, an answer cut short or too large.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sa_auth.errors import TransportError
from sa_auth.wire import Request, Response

if TYPE_CHECKING:
    from sa_auth._clock import Deadline

    from .authority import Authority

_LARGEST_BODY = 256 * 1024


class InProcessTransport:
    """A `sa_auth.wire.Transport` without a socket. Thread safe.

    Args:
        authority: Whom it reaches; any other host is unreachable.

    Attributes:
        sends: How many requests were sent, those that found no connection included.

    Example:
        >>> from sa_auth._clock import SYSTEM, Deadline
        >>> from sa_auth.testing import Authority
        >>> from sa_auth.wire import Request
        >>> authority = Authority()
        >>> transport = authority.transport()
        >>> transport.send(Request(authority.token_endpoint), Deadline(SYSTEM, 10)).status, transport.sends
        (400, 1)
    """

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self._lock = threading.Lock()
        self.sends = 0

    def send(self, request: Request, deadline: Deadline) -> Response:
        """Sends once.

        Raises:
            TransportError: another host, `unreachable`, the deadline has passed, `cut`, or a body above 256 KiB.
        """
        with self._lock:
            self.sends += 1
        authority = self._authority
        if authority.unreachable or not self._is_there(request.url):
            raise TransportError("No connection was made.", code="connect", connected=False, retryable=True)
        response = authority.handle(request)
        if authority.gives_tokens(urlsplit(request.url).path):
            self._wait(response, deadline)
            self._check(response)
        body = b"" if 300 <= response.status < 400 else response.body
        return Response(response.status, response.headers, body, trusted_date=True)

    def close(self) -> None:
        """Does nothing: no connection is open."""

    def _is_there(self, url: str) -> bool:
        asked = urlsplit(url)
        homes = (self._authority.token_endpoint, *self._authority.served)
        return any((asked.scheme, asked.netloc) == (home.scheme, home.netloc) for home in map(urlsplit, homes))

    def _wait(self, response: Response, deadline: Deadline) -> None:
        """Lets the time pass that the answer takes, and no more of it than the deadline leaves."""
        wait_s = self._authority.delay + self._authority.drip * len(response.body)
        left_s = deadline.left()
        if wait_s > 0:
            _pass(self._authority, min(wait_s, max(0.0, left_s)))
        if wait_s >= left_s or not self._authority.faults.pass_gate(left_s):
            raise TransportError("No answer came in time.", code="timeout", retryable=True)

    def _check(self, response: Response) -> None:
        cut = self._authority.cut
        if cut is not None and cut < len(response.body):
            raise TransportError("The answer was cut short.", code="incomplete", retryable=True)
        if len(response.body) > _LARGEST_BODY:
            raise TransportError("The answer is too large.", code="too_large")


def _pass(authority: Authority, seconds: float) -> None:
    """Lets time pass by the authority's clock: one that is moved by hand is moved, without counting as a sleep."""
    clock = authority.clock
    advance = getattr(clock, "advance", clock.sleep)
    advance(seconds)
