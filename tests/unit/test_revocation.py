"""What a server is told when a token is not needed any more, in which order, and what each answer means."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import pytest

from sa_auth import (
    ConfigError,
    InvalidClient,
    ResponseError,
    Retry,
    SaAuthError,
    ServiceAccountCredentials,
    TokenEndpointError,
    TransportError,
)
from sa_auth._clock import Deadline
from sa_auth._secret import Secret
from sa_auth.caches import MemoryCache
from sa_auth.client_auth import ClientSecretBasic
from sa_auth.exchange import Exchange
from sa_auth.grants import ClientCredentials, SelfSigned
from sa_auth.policy import Held
from sa_auth.revocation import revoke
from sa_auth.testing import ManualClock
from sa_auth.token import Token
from sa_auth.wire import Request, Response

WHERE = "https://as.example/revoke"
ACCESS, REFRESH = "canary-access-token", "canary-refresh-token"
TOKEN = Token(ACCESS, expires_at=2e9, refresh_at=2e9, issued_at=1.7e9)


class Carrier:
    """A transport that gives planned answers in turn, the last one again and again."""

    def __init__(self, clock: ManualClock, *answers: Response | SaAuthError, takes: float = 0.0) -> None:
        self.clock, self.answers, self.takes = clock, list(answers), takes
        self.requests: list[Request] = []
        self.left: list[float] = []

    def send(self, request: Request, deadline: Deadline) -> Response:
        """Notes what was sent."""
        self.requests.append(request)
        self.left.append(deadline.left())
        self.clock.advance(self.takes)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, SaAuthError):
            raise answer
        return answer

    @property
    def told(self) -> list[tuple[str, str]]:
        """Token and hint of each request."""
        forms = [parse_qs(request.body.decode()) for request in self.requests]
        return [(form["token"][0], form["token_type_hint"][0]) for form in forms]


@pytest.fixture
def run(sa_clock: ManualClock) -> Callable[..., tuple[Carrier, SaAuthError | None]]:
    """Revokes a token at a server of planned answers; gives what was sent, and the error."""

    def made(
        *answers: Response | SaAuthError, refresh: bool = True, takes: float = 0.0, **changes: Any
    ) -> tuple[Carrier, SaAuthError | None]:
        carrier = Carrier(sa_clock, *answers, takes=takes)
        given: dict[str, Any] = {
            "endpoint": "https://as.example/token", "grant": ClientCredentials(), "transport": carrier,
            "client_auth": ClientSecretBasic("app", "canary-client-secret"), "revocation_endpoint": WHERE, "clock": sa_clock,
        }  # fmt: skip
        held = Held(TOKEN, 0.0, Secret(REFRESH) if refresh else None)
        try:
            revoke(Exchange(**{**given, **changes}), held)
        except SaAuthError as error:
            return carrier, error
        return carrier, None

    return made


def test_order(run: Callable[..., Any]) -> None:
    """The refresh token goes first, as its end ends what came of it (RFC 7009 section 2.1); then the access token."""
    carrier, error = run(Response(200))
    assert error is None
    assert carrier.told == [(REFRESH, "refresh_token"), (ACCESS, "access_token")]
    carrier, error = run(Response(200), refresh=False)
    assert (carrier.told, error) == ([(ACCESS, "access_token")], None)


def test_request(run: Callable[..., Any]) -> None:
    """It is a form by POST, and the client proves itself as at the token endpoint."""
    request = run(Response(200))[0].requests[0]
    assert (request.method, request.url) == ("POST", WHERE)
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.headers["Authorization"].startswith("Basic ")
    assert set(parse_qs(request.body.decode())) == {"token", "token_type_hint"}


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"null", b'{"error": "x"}', b"\xff"])
def test_200_says_it(body: bytes, run: Callable[..., Any]) -> None:
    """200 is a yes, whatever its body says (RFC 7009 section 2.2)."""
    carrier, error = run(Response(200, {}, body))
    assert (len(carrier.requests), error) == (2, None)


@pytest.mark.parametrize(
    ("answer", "kind", "code", "retryable"),
    [
        (Response(503), TokenEndpointError, "http_503", True),
        (TransportError("lost", code="reset", retryable=True), TransportError, "reset", True),
        (Response(400, {}, b'{"error": "unsupported_token_type"}'), TokenEndpointError, "unsupported_token_type", False),
        (Response(401, {}, b'{"error": "invalid_client"}'), InvalidClient, "invalid_client", False),
        (Response(404), TokenEndpointError, "http_404", False),
        (Response(302, {"location": "https://evil.example/"}), ResponseError, "redirect", False),
    ],
)  # fmt: skip
def test_refused(answer: Any, kind: type, code: str, retryable: bool, run: Callable[..., Any]) -> None:
    """Anything else is an error that tells whether to try again: the server may still take the token."""
    carrier, error = run(answer, retry=Retry(attempts=2))
    assert (type(error), error.code, error.retryable) == (kind, code, retryable)
    assert error.attempts == len(carrier.requests) == 1 + retryable
    assert {kind for _, kind in carrier.told} == {"refresh_token"}, "the access token's turn never comes"
    if isinstance(error, TokenEndpointError):
        assert "revocation endpoint" in error.message


def test_again(run: Callable[..., Any], sa_clock: ManualClock) -> None:
    """A busy server is asked again: telling it twice does no harm."""
    carrier, error = run(Response(503), Response(200), TransportError("lost", retryable=True), Response(200))
    assert error is None
    assert [hint for _, hint in carrier.told] == ["refresh_token"] * 2 + ["access_token"] * 2


def test_one_deadline(run: Callable[..., Any]) -> None:
    """Both tokens and all attempts share the exchange's one deadline."""
    carrier, error = run(Response(200), takes=3, timeout=10.0)
    assert (carrier.left, error) == ([10, 7], None)
    carrier, error = run(Response(503), takes=6, timeout=10.0)
    assert error is not None
    assert min(carrier.left) > 0


def test_nobody_says_where(run: Callable[..., Any]) -> None:
    """Without an address nothing is sent, and the hint says how to come by one."""
    carrier, error = run(Response(200), revocation_endpoint=None)
    assert (type(error), error.code, error.attempts) == (ConfigError, "no_revocation_endpoint", 0)
    assert "server=" in error.hint
    assert carrier.requests == []


def test_self_signed(run: Callable[..., Any]) -> None:
    """What no server gave no server can take back."""
    carrier, error = run(Response(200), grant=SelfSigned("eyJhbGciOiJFUzI1NiJ9.e30.AA"))
    assert (type(error), error.code, carrier.requests) == (ConfigError, "not_revocable", [])
    assert error.hint


@pytest.mark.parametrize("answer", [Response(503), Response(400, {}, b"{}")])
def test_canaries(answer: Response, run: Callable[..., Any]) -> None:
    """Neither the error nor a frame of ours in its traceback shows a token or a secret."""
    _, error = run(answer, retry=Retry(attempts=1))
    whole = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [repr(frame.locals) for frame in whole.stack if "/sa_auth/" in frame.filename]
    assert ours
    shown = f"{error}{vars(error)!r}{ours}"
    assert (error.__cause__, error.__context__) == (None, None)
    assert not [canary for canary in (ACCESS, REFRESH, "canary-client-secret") if canary in shown]


def test_on_a_thread_of_its_own(sa_clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs on no caller's stack, so that Ctrl-C shows no token; on it where the machine gives no thread."""
    threads = []

    def send(request: Request, _deadline: Deadline) -> Response:
        threads.append(threading.current_thread())
        if request.peer == "revocation endpoint":
            return Response(200)
        return Response(
            200,
            {},
            b'{"access_token": "abc", "issuer": "https://as.example", "revocation_endpoint": "%s"}' % WHERE.encode(),
        )

    def credentials() -> ServiceAccountCredentials:
        return ServiceAccountCredentials(
            issuer="app", grant="client_credentials", client_auth=ClientSecretBasic("app", "canary-client-secret"),
            token_endpoint="https://as.example/token", server="https://as.example", cache=MemoryCache(), clock=sa_clock,
            transport=SimpleNamespace(send=send),
        )  # fmt: skip

    here, creds = threading.current_thread(), credentials()
    creds.token()
    creds.revoke()
    assert len(threads) == 3
    assert here not in threads

    def none_to_be_had(_thread: threading.Thread) -> None:
        raise RuntimeError

    creds.token()
    monkeypatch.setattr(threading.Thread, "start", none_to_be_had)
    creds.revoke()
    assert threads[-1] is here
