"""The ID token of a GitHub Actions job."""

from __future__ import annotations

from typing import Any

import pytest

from sa_auth._clock import Deadline
from sa_auth.assertions import GitHubActions
from sa_auth.errors import ConfigError, ResponseError
from sa_auth.testing.clock import ManualClock
from sa_auth.wire import Conversation, Request, Response, conversing

from .texts import CANARY, NOW, everything_of, token

URL = "https://run.actions.example/idtoken?api-version=2.0"


class Carrier:
    """A transport that gives one answer."""

    def __init__(self, response: Response) -> None:
        self.response = response
        self.asked: list[Request] = []

    def send(self, request: Request, deadline: Deadline) -> Response:
        self.asked.append(request)
        return self.response


def ask(source: GitHubActions, carrier: Carrier) -> str:
    """Mints within an exchange of that transport."""
    with conversing(Conversation(carrier, Deadline(ManualClock(), 5))):
        return source.mint(NOW)


@pytest.fixture(autouse=True)
def job(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables of a job that may ask."""
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", URL)
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", CANARY)


@pytest.mark.parametrize(
    ("audience", "url"),
    [(None, URL), ("api://AzureADTokenExchange", URL + "&audience=api%3A%2F%2FAzureADTokenExchange"), ("a&b=c d", URL + "&audience=a%26b%3Dc+d")],
)  # fmt: skip
def test_the_question(audience: str | None, url: str) -> None:
    """The job's address is asked with the job's bearer token, for the audience, and `value` is the ID token."""
    carrier = Carrier(Response(200, {}, b'{"count": 1, "value": "%s"}' % token().encode()))
    assert ask(GitHubActions(audience), carrier) == token()
    [request] = carrier.asked
    assert (request.url, request.method, request.peer) == (url, "GET", "token service")
    assert request.headers["authorization"] == f"Bearer {CANARY}"


def test_an_address_without_a_query(monkeypatch: pytest.MonkeyPatch) -> None:
    """The audience is asked for, whether the address has a query or not."""
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", "https://run.actions.example/idtoken")
    carrier = Carrier(Response(200, {}, b'{"value": "opaque"}'))
    ask(GitHubActions("api"), carrier)
    assert carrier.asked[0].url == "https://run.actions.example/idtoken?audience=api"


@pytest.mark.parametrize("name", ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"])
def test_without_the_permission(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job without the permission lacks the variables; the hint shows the line that grants it."""
    monkeypatch.delenv(name)
    with pytest.raises(ConfigError, match=name) as caught:
        ask(GitHubActions(), Carrier(Response(200)))
    assert caught.value.code == "assertion_missing"
    assert "id-token: write" in caught.value.hint


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_refusal(status: int) -> None:
    """A refusal is told by its status; the job's bearer token is nowhere in it."""
    with pytest.raises(ResponseError) as caught:
        ask(GitHubActions("api"), Carrier(Response(status, {}, CANARY.encode())))
    assert caught.value.status == status
    assert CANARY not in everything_of(caught.value)


def test_audiences_do_not_share() -> None:
    """For another audience it is another token."""
    assert GitHubActions("a").fingerprint() != GitHubActions("b").fingerprint() != GitHubActions().fingerprint()


@pytest.mark.parametrize("audience", ["", " ", 5, b"api", ["api"]])
def test_no_audience(audience: Any) -> None:
    """An audience is text."""
    with pytest.raises(ConfigError):
        GitHubActions(audience)
