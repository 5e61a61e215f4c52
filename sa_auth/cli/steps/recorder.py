"""A transport around the real one that keeps what was sent and what came, and looks at the way before.

Rule: what is told of a request is what the library sent, and no second making of it. What is kept leaves this process
only as `assertion` and `answer` tell it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sa_auth._clock import SYSTEM, Deadline
from sa_auth.wire import Request, Response, Transport

from .network import Probe


@dataclass(slots=True)
class Sent:
    """One request, and its reply.

    Attributes:
        request: It.
        at: Unix seconds before it was sent.
        response: None where none came.
        back: Unix seconds when it had come.
    """

    request: Request
    at: float
    response: Response | None = None
    back: float = 0.0


@dataclass(slots=True)
class Record:
    """All requests of one sign-in, oldest first, and what was seen of each endpoint before."""

    sent: list[Sent] = field(default_factory=list)
    probes: dict[str, Probe] = field(default_factory=dict)

    @property
    def last(self) -> Sent | None:
        """The last request; None where nothing was sent."""
        return self.sent[-1] if self.sent else None


class Recorder:
    """Sends by another transport.

    Args:
        carrier: It.
        record: What is kept.
        look: Looks at the way to an address.
    """

    def __init__(self, carrier: Any, record: Record, look: Callable[[str], Probe]) -> None:
        self._carrier, self._record, self._look = carrier, record, look

    @property
    def certificate_thumbprint(self) -> str:
        """Of the certificate that the other presents."""
        return str(getattr(self._carrier, "certificate_thumbprint", ""))

    def presenting(self, certificate: Any) -> Recorder:
        """One around the same transport with that certificate."""
        return Recorder(self._carrier.presenting(certificate), self._record, self._look)

    def send(self, request: Request, deadline: Deadline) -> Response:
        """Sends once, unless the look at the way shows that nothing would arrive.

        Raises:
            TransportError: there is no whole response.
        """
        where = urlsplit(request.url)
        place = f"{where.scheme}://{where.netloc}"
        if place not in self._record.probes:
            self._record.probes[place] = self._look(request.url)
        error = self._record.probes[place].error
        if error is not None:
            raise error.copy()
        entry = Sent(request, SYSTEM.wall())
        self._record.sent.append(entry)
        carrier: Transport = self._carrier
        entry.response = carrier.send(request, deadline)
        entry.back = SYSTEM.wall()
        return entry.response

    def close(self) -> None:
        """Closes the other's idle connections."""
        getattr(self._carrier, "close", lambda: None)()
