"""Tokens by other ways than a form: a JWT to a REST endpoint, a JWT that is the token, fields as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import jwt
import pytest
import requests

from sa_auth import ConfigError, ResponseError, ServiceAccountCredentials
from sa_auth._clock import Deadline
from sa_auth.caches import MemoryCache
from sa_auth.grants import RestExchange
from sa_auth.providers import generic
from sa_auth.testing import Authority, ManualClock, Server
from sa_auth.wire import Request, Response
from tests.faults import FaultServer, answers
from tests.flow.kit import PRIVATE, PUBLIC, fails

API = "https://api.example/"


@pytest.fixture
def authority(authority: Authority) -> Authority:
    """It takes self-signed tokens as well."""
    authority.api.accept_self_signed(API)
    return authority


@pytest.fixture
def rest(make: Callable[..., Any], server: Server) -> Callable[..., ServiceAccountCredentials]:
    """Makes credentials that ask the REST endpoint."""
    endpoint, audience = f"{server.url}/exchange", server.token_endpoint
    return lambda **names: make(grant=RestExchange(**names), server=None, token_endpoint=endpoint, audience=audience)


class Nowhere:
    """A transport that carries nothing."""

    def send(self, request: Request, deadline: Deadline) -> Response:
        """Fails."""
        raise AssertionError("something was sent")


@pytest.fixture
def self_signed(make: Callable[..., Any]) -> Callable[..., ServiceAccountCredentials]:
    """Makes credentials whose JWT is the token."""
    return partial(make, grant="self_signed", server=None, audience=API, transport=Nowhere())


# --- a JWT to a REST endpoint


@pytest.mark.parametrize("field", [None, "jwt"])
def test_rest(field: str | None, rest: Callable[..., Any], authority: Authority, server: Server) -> None:
    """The JWT is the bearer of the request, or a field of its JSON; the answer's 201 is as good as 200."""
    creds = rest(field=field, body={"role": "ci"}, token="token", expires_at="expires_at")
    with requests.Session() as session:
        session.auth = creds
        assert session.get(server.api_url, timeout=10).status_code == 200
    asked = authority.requests[0]
    assert (asked.path, asked.status, asked.http_headers["content-type"]) == ("/exchange", 201, "application/json")
    assert ("authorization" in asked.http_headers) is (field is None)
    assert creds.token().remaining(creds._given["clock"].now().wall) == 3600


def test_rest_renews(rest: Callable[..., Any], authority: Authority, sa_clock: ManualClock) -> None:
    """It is renewed as any other token is, each time with another JWT."""
    creds = rest(token="token", expires_at="expires_at")
    first = creds.token()
    assert creds.token() is first
    sa_clock.advance(3600)
    assert creds.token().access_token != first.access_token
    assert authority.exchanges == 2


def test_rest_nested(rest: Callable[..., Any], authority: Authority) -> None:
    """A dot leads into an object of the answer, for the token as for its life; what holds the token is not shown."""
    authority.rest_answer = {"token": "auth.client_token", "expires_in": "auth.lease.seconds"}
    creds = rest(token="auth.client_token", expires_in="auth.lease.seconds")
    token = creds.token()
    assert token.expires_at - token.issued_at == 3600
    assert dict(token.extra) == {}
    error = fails(rest(token="auth.other"))
    assert (type(error), error.code) == (ResponseError, "no_access_token")
    assert token.access_token not in str(error)


@pytest.mark.parametrize(
    ("end", "life"),
    [
        ("2023-11-14T23:13:20Z", 3600), ("2023-11-14t23:13:20z", 3600), ("2023-11-15T00:13:20+01:00", 3600),
        ("2023-11-14T23:13:20.5Z", 3600.5), ("2023-11-14T23:13:20.123456789Z", 3600.123456),
        ("2023-11-14T23:13:20.12-00:00", 3600.12), (1_700_003_600, 3600), (1_700_003_600.5, 3600.5),
        ("1700003600", 3600), ("2023-11-14T22:13:20Z", 1), ("2033-11-14T22:13:20Z", 86_400), (None, 300), ("soon", 300),
        ("2023-13-14T23:13:20Z", 300), (True, 300), ([], 300), ("9" * 200 + "T", 300),
    ],
)  # fmt: skip
def test_rest_end(end: Any, life: float, rest: Callable[..., Any], authority: Authority) -> None:
    """The end may be an RFC 3339 date with or without fraction, or Unix seconds; missing or junk is 300 s, not for ever."""
    fields = {"token": "abc"} if end is None else {"token": "abc", "expires_at": end}
    with authority.answer(201, fields):
        token = rest(token="token", expires_at="expires_at").token()
    assert token.expires_at - token.issued_at == pytest.approx(life, abs=1e-5)


def test_rest_by_the_servers_clock(rest: Callable[..., Any], authority: Authority) -> None:
    """The end stands there by the server's clock, and its own Date tells how much of the life is left."""
    authority.skew = 120.0
    token = rest(token="token", expires_at="expires_at").token()
    assert token.expires_at - token.issued_at == 3600


# --- a JWT that is the token


def test_self_signed(self_signed: Callable[..., Any], authority: Authority, server: Server) -> None:
    """The token is a JWT of the key for the API, and nobody is asked for it."""
    creds = self_signed(subject="robot", scope="read")
    token = creds.token()
    said = jwt.decode(
        token.access_token,
        PUBLIC,
        algorithms=["ES256"],
        audience=API,
        options={"verify_exp": False, "verify_iat": False},
    )
    assert (said["iss"], said["sub"], said["scope"]) == ("app", "robot", "read")
    assert (token.token_type, token.scope, token.expires_at) == ("Bearer", "read", said["exp"])
    assert requests.get(server.api_url, auth=self_signed(), timeout=10).status_code == 200
    assert authority.exchanges == 0


def test_self_signed_renews(self_signed: Callable[..., Any], server: Server, sa_clock: ManualClock) -> None:
    """Another is made before the end of the one in use, so that no call ever carries one that is over."""
    creds = self_signed(lifetime=300)
    seen = set()
    with requests.Session() as session:
        session.auth = creds
        for _ in range(30):
            assert session.get(server.api_url, timeout=10).history == []
            seen.add(creds.token().access_token)
            sa_clock.advance(40)
    assert 4 <= len(seen) <= 10


def test_self_signed_after_a_401(self_signed: Callable[..., Any], authority: Authority, server: Server) -> None:
    """A 401 makes another, and the call succeeds."""
    with requests.Session() as session:
        session.auth = creds = self_signed()
        first = creds.token()
        authority.api.refuse_next(1)
        answer = session.get(server.api_url, timeout=10)
    assert (answer.status_code, len(answer.history)) == (200, 1)
    assert creds.token().access_token != first.access_token


def test_self_signed_with_what_has_no_place(self_signed: Callable[..., Any]) -> None:
    """No audience, or a way to prove a client where nobody is asked, is refused at construction."""
    for changes in ({"audience": None}, {"client_auth": "private_key_jwt"}):
        with pytest.raises(ConfigError) as caught:
            self_signed(**changes)
        assert caught.value.hint


# --- fields as JSON


@pytest.mark.parametrize("resources", [[], ["urn:a"], ["urn:a", "urn:b"]])
def test_json(resources: list[str], monkeypatch: pytest.MonkeyPatch, sa_clock: ManualClock) -> None:
    """To a vendor that takes JSON the same fields go as one object; what stands there twice becomes a list."""
    monkeypatch.setattr(generic, "GENERIC", generic.GENERIC._replace(json=True))
    with FaultServer(answers(200, b'{"access_token": "abc", "token_type": "bearer"}')) as endpoint:
        creds = ServiceAccountCredentials(
            PRIVATE, issuer="app", token_endpoint=endpoint.url(), scope="read",
            resource=resources, form={"tenant": "ü"}, clock=sa_clock, cache=MemoryCache(),
        )  # fmt: skip
        assert creds.token().access_token == "abc"
        received = endpoint.requests[0]
    assert received.headers["content-type"] == "application/json"
    fields = json.loads(received.body)
    assert jwt.decode(fields.pop("assertion"), options={"verify_signature": False})["iss"] == "app"
    assert fields.pop("resource", []) == (resources[0] if len(resources) == 1 else resources)
    assert fields == {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "scope": "read", "tenant": "ü"}
