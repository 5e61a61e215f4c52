"""What the files about the exchange share: a transport of planned answers, and exchanges by a clock moved by hand."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest

from sa_auth._clock import Deadline
from sa_auth._secret import Secret
from sa_auth.assertions.self_issued import SelfIssued
from sa_auth.errors import SaAuthError, TransportError
from sa_auth.exchange import Exchange
from sa_auth.grants import JWTBearer
from sa_auth.keys import from_pem
from sa_auth.signers.local import LocalSigner
from sa_auth.testing import ManualClock, new_key
from sa_auth.testing.answers import http_date
from sa_auth.wire import Request, Response

PRIVATE, PUBLIC = new_key("p256")
SIGNER = LocalSigner(from_pem(PRIVATE))
ENDPOINT = "https://as.example/token"
Answer = Response | SaAuthError | Exception | Callable[[], Response]
LOST = TransportError("lost", retryable=True)
REFUSED = TransportError("refused", retryable=True, connected=False)


class Carrier:
    """A transport that gives planned answers in turn, the last one again and again, and notes what was asked.

    Args:
        takes: Seconds that pass with each request.
    """

    def __init__(self, clock: ManualClock, *answers: Answer, takes: float = 0.0) -> None:
        self.clock, self.answers, self.takes = clock, list(answers), takes
        self.asked: list[str] = []
        self.claims: list[dict[str, Any]] = []
        self.left: list[float] = []

    def send(self, request: Request, deadline: Deadline) -> Response:
        """Notes by what was asked, the claims of an assertion and what was left of the deadline."""
        form = parse_qs(request.body.decode())
        # The last word of the grant type, or the method of what is no token request.
        self.asked.append(form.get("grant_type", [request.method])[0].rpartition(":")[2])
        self.claims += map(claims_of, form.get("assertion", ()))
        self.left.append(deadline.left())
        assert self.left[-1] > 0, "nothing is sent after the deadline"
        self.clock.advance(self.takes)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Response) else answer()


def claims_of(assertion: str) -> dict[str, Any]:
    """What an assertion says."""
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(assertion.split(".")[1] + "=="))
    return found


class Once(JWTBearer):
    """A grant that cannot be sent twice, as a code or a rotating refresh token."""

    repeatable = False


def token(life: Any = 3600) -> Response:
    """An honest answer."""
    return Response(200, {}, json.dumps({"access_token": "abc", "expires_in": life}).encode())


def said(status: int, error: str = "", **headers: str) -> Response:
    """A refusal."""
    return Response(status, headers, json.dumps({"error": error} if error else {}).encode(), trusted_date=True)


def dated(
    clock: ManualClock, by: float, error: str = "invalid_grant", *, trusted: bool = True
) -> Callable[[], Response]:
    """A refusal by a server whose clock is ahead of ours."""

    def answer() -> Response:
        date = http_date(clock.now().wall + by)
        return Response(400, {"date": date}, json.dumps({"error": error}).encode(), trusted_date=trusted)

    return answer


def exchange(clock: ManualClock, carrier: Any, *, kind: type[JWTBearer] = JWTBearer, **changes: Any) -> Exchange:
    """An exchange of the generic kind."""
    assertion = SelfIssued(SIGNER, issuer="robot", audience=ENDPOINT)
    return Exchange(**{"endpoint": ENDPOINT, "grant": kind(assertion), "transport": carrier, "clock": clock, **changes})


def fails(asked: Exchange, refresh_token: Secret | None = None) -> SaAuthError:
    """The error that comes of it."""
    with pytest.raises(SaAuthError) as caught:
        asked.run(refresh_token)
    return caught.value
