"""GitHub Apps: the documented request, an own server, less than the installation's rights, and what a no means."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sa_auth import ConfigError, InvalidGrant, InvalidScope, ServiceAccountCredentials, grants
from sa_auth.caches.memory import MemoryCache
from sa_auth.testing import ManualClock
from sa_auth.wire import Request, Response

from .serving import EC, OTHER_RSA, RSA, RSA_PUBLIC, Served, serving

APP, INSTALLATION = "Iv23liCLIENTID", "12345"


@pytest.fixture
def served(sa_clock: ManualClock) -> Iterator[Served]:
    """GitHub, which knows the app."""
    with serving("github", sa_clock, key=RSA, issuer=APP, subject=INSTALLATION, server="<url>") as github:
        github.authority.register(APP, RSA_PUBLIC)
        yield github


class Keeping:
    """A transport that keeps what it was given, and answers as GitHub does."""

    def __init__(self) -> None:
        self.sent: list[Request] = []

    def send(self, request: Request, deadline: Any) -> Response:
        """Keeps it."""
        self.sent.append(request)
        return Response(201, {}, b'{"token": "t", "expires_at": "2999-01-01T00:00:00Z"}')


def made(**changes: Any) -> ServiceAccountCredentials:
    """Credentials with changes, without a server."""
    given = {
        "key": RSA,
        "provider": "github",
        "issuer": APP,
        "subject": INSTALLATION,
        "cache": MemoryCache(),
        **changes,
    }
    return ServiceAccountCredentials(**{name: value for name, value in given.items() if value is not None})


def test_the_request(served: Served) -> None:
    """The JWT is the bearer; it has three claims, beside a jti: no sub, no aud; iat lies a minute back."""
    record = served.sign_in()
    now = int(served.clock.now().wall)
    assert (record.method, record.path) == ("POST", "/app/installations/12345/access_tokens")
    assert record.header == {"alg": "RS256", "typ": "JWT"}
    claims = dict(record.claims)
    assert claims.pop("jti")
    assert claims == {"iss": APP, "iat": now - 60, "exp": now + 300}
    assert record.http_headers["accept"] == "application/vnd.github+json"
    assert record.http_headers["x-github-api-version"] == "2022-11-28"


def test_the_answer(served: Served) -> None:
    """The token is taken from a 201, with its end and what it may do, whatever its length."""
    token = served.credentials().token()
    assert served.authority.requests[-1].status == 201
    assert token.expires_at - token.issued_at == pytest.approx(3600, abs=1)
    assert token.extra["repository_selection"] == "all"


@pytest.mark.parametrize(
    ("server", "address"),
    [
        (None, "https://api.github.com/app/installations/12345/access_tokens"),
        (
            "https://github.acme.example/api/v3",
            "https://github.acme.example/api/v3/app/installations/12345/access_tokens",
        ),
        ("https://api.acme.ghe.com/", "https://api.acme.ghe.com/app/installations/12345/access_tokens"),
    ],
)
def test_the_address(server: str | None, address: str) -> None:
    """The installation stands in the address, at github.com or at an own server."""
    keeping = Keeping()
    made(server=server, transport=keeping).token()
    assert keeping.sent[0].url == address
    assert not keeping.sent[0].body or json.loads(keeping.sent[0].body) == {}


def test_another_installation(served: Served) -> None:
    """Another installation of the same app is another address and another token."""
    first = served.credentials()
    other = first.replace(subject="678")
    assert first.token().access_token != other.token().access_token
    assert served.authority.requests[-1].path == "/app/installations/678/access_tokens"


def test_less_than_all(served: Served) -> None:
    """What is asked for stands in the grant's body, and nothing else has to be said of the answer."""
    body = {"repositories": ["one"], "repository_ids": [1], "permissions": {"contents": "read"}}
    token = served.credentials(grant=grants.RestExchange(body=body)).token()
    assert token.extra["permissions"] == {"contents": "read"}
    assert token.extra["repository_selection"] == "selected"
    assert not served.authority.requests[-1].broken


def test_two_bodies_are_two_tokens(served: Served) -> None:
    """Tokens with different rights are never taken for each other in one cache."""
    cache = MemoryCache()
    made = [
        served.credentials(cache=cache, grant=grants.RestExchange(body={"permissions": {"contents": level}})).token()
        for level in ("read", "write")
    ]
    assert made[0].access_token != made[1].access_token


@pytest.mark.parametrize("skew", [-1200, 1200])
def test_a_clock_that_is_off(served: Served, skew: float) -> None:
    """GitHub's Date mends a clock that is ahead or behind, by one more request."""
    served.authority.skew = skew
    assert served.credentials().token()
    assert served.authority.exchanges == 1
    assert len(served.authority.requests) == 2


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("'Expiration time' claim ('exp') is too far in the future", "clock"),
        ("'Expiration time' claim ('exp') must be a numeric value representing the future time", "clock"),
        ("'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued", "clock"),
        ("A JSON web token could not be decoded", f"none of the app {APP}"),
    ],
)
def test_its_words(served: Served, message: str, told: str) -> None:
    """GitHub's words have no error code: they arrive as an invalid grant, with what to do."""
    refusal = served.said({"message": message, "documentation_url": "https://docs.github.com/rest"}, 401)
    assert isinstance(refusal, InvalidGrant)
    assert refusal.status == 401
    assert told in refusal.hint


@pytest.mark.parametrize(
    ("changes", "status", "told"),
    [
        ({"issuer": "gone"}, 404, "no app gone"),
        ({"key": OTHER_RSA}, 401, "Private keys"),
        ({"subject": "99404"}, 404, "no such installation"),
    ],
    ids=["app", "key", "installation"],
)
def test_its_no(served: Served, changes: dict[str, Any], status: int, told: str) -> None:
    """A refusal says what was sent, and what to change."""
    refusal = served.refused(**changes)
    assert isinstance(refusal, InvalidGrant)
    assert refusal.status == status
    assert told in refusal.hint


@pytest.mark.parametrize(
    ("status", "message", "cls"),
    [
        (422, "The permissions requested are not granted to this installation.", InvalidScope),
        (403, "This installation has been suspended", InvalidGrant),
    ],
)
def test_the_installations_no(served: Served, status: int, message: str, cls: type[Exception]) -> None:
    """What the installation is not given is told apart from what is wrong with the key."""
    assert isinstance(served.said({"message": message}, status), cls)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"subject": None}, "no_subject"),
        ({"subject": "my-organisation"}, "bad_subject"),
        ({"subject": "1/../2"}, "bad_subject"),
        ({"subject": "12\n"}, "bad_subject"),
        ({"issuer": None}, "no_issuer"),
        ({"key": None}, "no_key"),
        ({"key": EC}, "bad_algorithm"),
        ({"algorithm": "RS512"}, "bad_algorithm"),
        ({"lifetime": 601}, "bad_lifetime"),
        ({"scope": "repo"}, "bad_argument"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_work(served: Served, changes: dict[str, Any], code: str) -> None:
    """What GitHub does not take is refused at construction."""
    assert served.bad(**changes).code == code


@pytest.mark.parametrize("lifetime", [60, 540, 600])
def test_ten_minutes(served: Served, lifetime: int) -> None:
    """From iat to exp are ten minutes at most, whatever the lifetime."""
    claims = served.sign_in(lifetime=lifetime).claims
    assert claims["exp"] - claims["iat"] == min(lifetime + 60, 600)


def test_a_file_of_another_vendor(served: Served) -> None:
    """Another vendor's key file is no key of a GitHub App."""
    assert served.foreign_file().code == "key_file_kind"


def test_an_endpoint_from_a_file() -> None:
    """A key file from outside sends the JWT to GitHub alone; an own server is named in code."""
    info = {"type": "sa_auth", "provider": "github", "issuer": APP, "subject": "1", "key": RSA}
    with pytest.raises(ConfigError, match="foreign_endpoint"):
        ServiceAccountCredentials.from_info({**info, "server": "https://evil.example/api/v3"})
