"""The port to HTTP: a request, a response, and who carries the one for the other.

Rule: values only. An adapter of `transports/` knows HTTP and nothing of OAuth; everything else the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from ._clock import Deadline
from .token import NOTHING


class Request(NamedTuple):
    """One HTTP request to an authorization server.

    Attributes:
        url: Absolute; https, or http to loopback.
        body: The bytes to send; they hold the assertion, so no repr shows them.
        headers: Name to value.
        method: "POST" for a token request.
    """

    url: str
    body: bytes = b""
    headers: Mapping[str, str] = NOTHING
    method: str = "POST"

    def __repr__(self) -> str:
        return f"Request({self.method} {self.url})"


class Response(NamedTuple):
    """What came back, already bounded in size.

    Attributes:
        status: The HTTP status code.
        headers: Lower-case name to value.
        body: Decoded bytes; empty for a redirect, which is judged by its status alone.
        trusted_date: Whether the `Date` header came over TLS or from loopback, so that it may set a clock right.
    """

    status: int
    headers: Mapping[str, str] = NOTHING
    body: bytes = b""
    trusted_date: bool = False

    def __repr__(self) -> str:
        return f"Response({self.status})"


class Transport(Protocol):
    """Carries a request and brings the response. It never retries, redirects or interprets."""

    def send(self, request: Request, deadline: Deadline) -> Response:
        """Sends once.

        Args:
            request: What to send.
            deadline: When the last byte must have arrived.

        Returns:
            The response, its body at most 256 KiB.

        Raises:
            TransportError: there is no whole response; `connected` tells whether the server may have seen the request.
        """
        ...


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    from ipaddress import ip_address  # needed for plain http alone, which is for tests

    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
