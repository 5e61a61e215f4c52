"""Adapters to HTTP libraries, each in one file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._clock import Deadline
from .._registry import Registry
from ..wire import Request, Response, Transport

if TYPE_CHECKING:
    from .requests import RequestsTransport

__all__ = ["TRANSPORTS", "LateTransport", "RequestsTransport"]

TRANSPORTS = Registry("transport", {"requests": "sa_auth.transports.requests:RequestsTransport"})


def __getattr__(name: str) -> Any:
    # `requests` is heavy, and a token from a cache needs none of it.
    if name == "RequestsTransport":
        return TRANSPORTS["requests"]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class LateTransport:
    """The default transport, made when something is first sent."""

    __slots__ = ("_transport",)

    default = True

    def __init__(self) -> None:
        self._transport: Any = None

    def send(self, request: Request, deadline: Deadline) -> Response:
        """Sends once; see `wire.Transport`."""
        transport = self._transport
        if transport is None:
            # Two threads may make one each; the second one's is kept and the first one's used once: both are whole.
            transport = self._transport = TRANSPORTS["requests"]()
        sender: Transport = transport
        return sender.send(request, deadline)

    def close(self) -> None:
        """Closes idle connections, if any were made."""
        if self._transport is not None:
            self._transport.close()
