"""Adapters to HTTP libraries, each in one file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._clock import Deadline
from .._registry import Registry
from ..wire import Request, Response, Transport
from .certificate import Presenter, stays_here

if TYPE_CHECKING:
    from ..keys import Key
    from .requests import RequestsTransport

__all__ = ["TRANSPORTS", "LateTransport", "RequestsTransport"]

TRANSPORTS = Registry("transport", {"requests": "sa_auth.transports.requests:RequestsTransport"})


def __getattr__(name: str) -> Any:
    # `requests` is heavy, and a token from a cache needs none of it.
    if name == "RequestsTransport":
        return TRANSPORTS["requests"]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class LateTransport(Presenter):
    """The default transport, made when something is first sent.

    Args:
        certificate: A key with its certificate, presented to every https server; None: none is.

    Raises:
        ConfigError: `certificate` is no key, or has no certificate.
    """

    __slots__ = ("_transport",)

    def __init__(self, certificate: Key | None = None) -> None:
        super().__init__(certificate)
        self._transport: Any = None

    @property
    def default(self) -> bool:
        """Whether any other default transport would do as well: it presents nothing."""
        return self.certificate is None

    def presenting(self, certificate: Key | None) -> LateTransport:
        """A default transport with that certificate, or with none; its connections are its own."""
        return LateTransport(certificate)

    def send(self, request: Request, deadline: Deadline) -> Response:
        """Sends once; see `wire.Transport`."""
        transport = self._transport
        if transport is None:
            # Two threads may make one each; the second one's is kept and the first one's used once: both are whole.
            transport = self._transport = TRANSPORTS["requests"](certificate=self.certificate)
        sender: Transport = transport
        return sender.send(request, deadline)

    def close(self) -> None:
        """Closes idle connections, if any were made."""
        if self._transport is not None:
            self._transport.close()

    def __reduce__(self) -> tuple[Any, ...]:
        if self.certificate is not None:
            raise stays_here("A transport")
        return LateTransport, ()
