"""Google's impersonation: a service account's token, given to who may act for it.

Source: https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sa_auth import ConfigError, ServiceAccountCredentials
from sa_auth._clock import Deadline
from sa_auth.caches.memory import MemoryCache
from sa_auth.errors import InvalidGrant, InvalidRequest, UnauthorizedClient
from sa_auth.grants import RestExchange
from sa_auth.testing import Authority, ManualClock
from sa_auth.transports import RequestsTransport
from sa_auth.wire import Request, Response
from tests.unit.providers.serving import RSA, RSA_PUBLIC, Served, serving

TARGET, SCOPE = "target@demo.iam.gserviceaccount.com", "https://www.googleapis.com/auth/drive"
PLATFORM = "https://www.googleapis.com/auth/cloud-platform"
AUDIENCE = "https://service.example.run.app"


class Keeping(RequestsTransport):
    """Keeps the bodies that it carries."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[Any] = []

    def send(self, request: Request, deadline: Deadline) -> Response:
        """Carries one."""
        self.bodies.append(json.loads(request.body) if request.url.endswith("Token") else request.body)
        return super().send(request, deadline)


def body_of(google: Served) -> Any:
    """The JSON of the newest request."""
    return google.given["transport"].bodies[-1]


@pytest.fixture
def google(sa_clock: ManualClock) -> Iterator[Served]:
    """The API, and a caller who signs in at the same place."""
    with serving(
        "google_impersonation", sa_clock, server="<url>", subject=TARGET, scope=SCOPE, transport=Keeping()
    ) as it:
        it.authority.register("caller@demo", RSA_PUBLIC)
        it.given = {**it.given, "grant": RestExchange(caller(it))}
        yield it


def caller(google: Served, scope: str = PLATFORM) -> ServiceAccountCredentials:
    """Who acts for the target."""
    return ServiceAccountCredentials(
        RSA,
        issuer="caller@demo",
        scope=scope,
        token_endpoint=f"{google.url}/token",
        clock=google.clock,
        cache=MemoryCache(),
    )


def test_documented_request(google: Served) -> None:
    """The account stands in the address, the scopes are a list, the life a duration, and there are no empty delegates."""
    google.sign_in(scope=[SCOPE, PLATFORM])
    record = google.authority.requests[-1]
    assert (record.method, record.path) == ("POST", f"/v1/projects/-/serviceAccounts/{TARGET}:generateAccessToken")
    assert body_of(google) == {"scope": [SCOPE, PLATFORM], "lifetime": "3600s"}


def test_the_token_lives_as_long_as_it_says(google: Served) -> None:
    """The life asked for is the token's, and its end is read from the answer; the scope is what was asked for."""
    with google.credentials(lifetime=600) as creds:
        token = creds.token()
    assert token.expires_at == pytest.approx(google.clock.now().wall + 600, abs=1)
    assert token.scope == SCOPE


def test_the_caller_is_asked_for_each(google: Served) -> None:
    """A renewal takes the caller's token that is alive then."""
    with google.credentials() as creds:
        first = creds.token()
        google.clock.advance(3700)
        assert creds.token().access_token != first.access_token
    assert len(google.authority.requests) == 4


def test_an_id_token(google: Served) -> None:
    """With an audience an ID token is asked for, which lives as its `exp` says."""
    with google.credentials(scope=(), audience=AUDIENCE) as creds:
        token = creds.token()
    assert token.expires_at == pytest.approx(google.clock.now().wall + 3600, abs=1)
    record = google.authority.requests[-1]
    assert record.path.endswith(":generateIdToken")
    assert body_of(google) == {"audience": AUDIENCE, "includeEmail": True}


def test_another_target(google: Served) -> None:
    """replace() leads to another account's address, with the same caller."""
    with google.credentials() as creds:
        other = creds.replace(subject="other@demo.iam.gserviceaccount.com", scope=PLATFORM)
        assert other.token().access_token != creds.token().access_token
        assert other.identity != creds.identity
    assert body_of(google)["scope"] == [SCOPE]


def test_delegates(google: Served) -> None:
    """Accounts between caller and target go into the body as they are given."""
    between = "projects/-/serviceAccounts/between@demo.iam.gserviceaccount.com"
    google.sign_in(grant=RestExchange(caller(google), body={"delegates": [between]}))
    assert body_of(google)["delegates"] == [between]
    refusal = google.refused(grant=RestExchange(caller(google), body={"delegates": ["between@demo"]}))
    assert isinstance(refusal, InvalidRequest)
    assert "projects/-/serviceAccounts/EMAIL" in refusal.hint


def test_by_a_key_in_the_same_process() -> None:
    """It needs no network of its own: a transport carries both exchanges."""
    authority = Authority(ManualClock(), dialect="google_impersonation", issuer="https://iamcredentials.googleapis.com")
    authority.register("caller@demo", RSA_PUBLIC)
    given: dict[str, Any] = {
        "transport": authority.transport(), "clock": authority.clock, "cache": MemoryCache(),
    }  # fmt: skip
    source = ServiceAccountCredentials(
        RSA, issuer="caller@demo", scope=PLATFORM, token_endpoint=authority.token_endpoint, **given
    )
    creds = ServiceAccountCredentials(
        provider="google_impersonation", grant=RestExchange(source), subject=TARGET, scope=SCOPE, **given
    )
    assert creds.token().access_token


def test_a_caller_without_the_scope(google: Served) -> None:
    """A caller's token for something else is refused with the scope that it needs."""
    refusal = google.refused(grant=RestExchange(caller(google, SCOPE)))
    assert isinstance(refusal, UnauthorizedClient)
    assert "cloud-platform" in refusal.hint


def test_a_caller_unknown(google: Served) -> None:
    """A token that is no longer out is named as the caller's."""
    refusal = google.refused(grant=RestExchange("ya29.gone"))
    assert isinstance(refusal, InvalidGrant)
    assert "caller's token" in refusal.hint
    assert "ya29.gone" not in f"{refusal!r} {refusal} {refusal.hint}"


@pytest.mark.parametrize(
    ("status", "word", "message", "kind", "words"),
    [
        (403, "PERMISSION_DENIED", "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).",
         UnauthorizedClient, "Service Account Token Creator"),
        (403, "PERMISSION_DENIED", "The API has not been used in project 1 before or it is disabled.", UnauthorizedClient, "enable it"),
        (404, "NOT_FOUND", "Not found; Gaia id not found for email target@demo", InvalidGrant, "no such service account"),
        (400, "INVALID_ARGUMENT", "Request contains an invalid argument.", InvalidRequest, "organization policy"),
    ],
)  # fmt: skip
def test_its_no(status: int, word: str, message: str, kind: type, words: str, google: Served) -> None:
    """Google's words arrive as the RFC's classes, with cause and remedy."""
    with google.credentials() as creds:
        creds.token()
    with google.authority.answer(status, {"error": {"code": status, "message": message, "status": word}}):
        # The caller's own token is asked for before; it is held by then.
        refusal = refused_by(google)
    assert isinstance(refusal, kind)
    assert words in refusal.hint


def refused_by(google: Served) -> Any:
    """The refusal of credentials whose caller has its token already."""
    source = google.given["grant"]
    creds = google.credentials(grant=source, scope=PLATFORM)
    with creds, pytest.raises(Exception) as caught:  # noqa: PT011 - looked at by the caller
        creds.token()
    return caught.value


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"grant": None}, "no_source"),
        ({"grant": "rest_exchange"}, "no_source"),
        ({"grant": None, "key": RSA}, "no_source"),
        ({"grant": RestExchange("t", field="jwt")}, "no_source"),
        ({"subject": None}, "no_subject"),
        ({"subject": "a/../b@demo"}, "bad_subject"),
        ({"subject": "target:signBlob"}, "bad_subject"),
        ({"scope": ()}, "no_scope"),
        ({"lifetime": 43_201}, "bad_lifetime"),
        ({"audience": AUDIENCE}, "bad_argument"),
        ({"audience": AUDIENCE, "scope": (), "lifetime": 60}, "bad_argument"),
        ({"claims": {"a": 1}}, "bad_argument"),
        ({"token_endpoint": "http://elsewhere.example/"}, "bad_endpoint"),
    ],
)
def test_what_cannot_work(changes: dict[str, Any], code: str, google: Served) -> None:
    """What the API does not take is refused at construction."""
    assert google.bad(**changes).code == code


def test_a_key_file_of_googles(google: Served) -> None:
    """A key file is the caller's, and no impersonation."""
    assert "google" in google.foreign_file().message


def test_it_says_where_nothing_is_revoked() -> None:
    """Credentials are made without anything being sent."""
    with pytest.raises(ConfigError):
        ServiceAccountCredentials(provider="google_impersonation", subject=TARGET, scope=SCOPE)


def test_whose_tokens(google: Served) -> None:
    """Another caller is another identity, and so is another kind of token."""
    same, other = google.credentials(), google.credentials(grant=RestExchange(caller(google, SCOPE)))
    identity = google.credentials(scope=(), audience=AUDIENCE)
    assert len({one.identity for one in (same, other, identity, google.credentials(lifetime=60))}) == 4
    assert google.credentials().identity == same.identity
