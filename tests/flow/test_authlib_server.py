"""A server that others wrote: Authlib's RFC 7523 grant in Flask, with a protected API, signed in to by google-auth and by us.

It is the second opinion beside the local authority: one key file, two clients, and assertions that agree field by field.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from sa_auth import InvalidGrant, ServiceAccountCredentials
from sa_auth.caches.memory import MemoryCache
from sa_auth.testing import google_key_file, new_key
from tests.flow.servers.authlib_server import AuthlibServer

# What Authlib, Flask and google-auth deprecate among themselves is theirs.
pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning")]

# google-auth signs this audience whatever endpoint the key file names.
GOOGLE = "https://oauth2.googleapis.com/token"
ISSUER = "robot@example-project.iam.gserviceaccount.com"
USER = "ann@example.test"
SCOPE = "https://www.googleapis.com/auth/drive https://www.googleapis.com/auth/gmail.readonly"
PRIVATE, PUBLIC = new_key("rsa2048")
VOLATILE = {"jti", "iat", "exp"}


class GoogleLike(AuthlibServer):
    """It with Google's grant: the scope is a claim, and the key proves the service account."""

    def register(self, authorization: Any) -> None:
        authorization.register_grant(grant_of(self))


def grant_of(server: AuthlibServer) -> type:
    """Authlib's grant, with one robot and one user."""
    from authlib.oauth2.rfc6749 import ClientMixin
    from authlib.oauth2.rfc7523 import JWTBearerGrant
    from joserfc.jwk import RSAKey

    public = RSAKey.import_key(PUBLIC)

    class Robot(ClientMixin):
        def get_client_id(self) -> str:
            return ISSUER

        def check_grant_type(self, grant_type: str) -> bool:
            return bool(grant_type == JWTBearerGrant.GRANT_TYPE)

        def get_allowed_scope(self, scope: str | None) -> str:
            return scope or ""  # Google reads the claim, and no field of the form

    class Grant(JWTBearerGrant):
        def resolve_issuer_client(self, issuer: str) -> Any:
            return Robot() if issuer == ISSUER else None

        def resolve_client_public_key(self, client: Any) -> Any:
            return public

        def get_audiences(self) -> list[str]:
            return [GOOGLE]

        def authenticate_user(self, subject: str) -> str | None:
            return subject if subject == USER else None

        def has_granted_permission(self, client: Any, user: Any) -> bool:
            return True

        def process_assertion_claims(self, assertion: str) -> Any:
            claims = super().process_assertion_claims(assertion)
            header, _ = self.extract_assertion(assertion)
            server.assertions.append((dict(header), dict(claims)))
            return claims

    return Grant


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AuthlibServer]:
    """It, on a free port, allowed to speak plain http."""
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    made = GoogleLike()
    yield made
    made.close()


@pytest.fixture
def key_file(server: AuthlibServer, tmp_path: Path) -> Path:
    """A key file as Google's console makes it, but for its token endpoint."""
    path = tmp_path / "key.json"
    google_key_file(path, private_key_pem=PRIVATE, email=ISSUER, token_uri=server.token_endpoint, key_id="k1")
    return path


def by_google(path: Path, api: str, subject: str | None) -> requests.Response:
    """Calls the API through google-auth."""
    from google.auth.transport.requests import AuthorizedSession
    from google.oauth2.service_account import Credentials

    made = Credentials.from_service_account_file(str(path), scopes=SCOPE.split(), subject=subject)
    with AuthorizedSession(made) as session:
        answer: requests.Response = session.get(api, timeout=10)
    return answer


@pytest.fixture
def make(server: AuthlibServer, key_file: Path) -> Callable[..., ServiceAccountCredentials]:
    """Makes our credentials of the same file; the endpoint is on plain http, so code has to say it."""

    def credentials(**changes: Any) -> ServiceAccountCredentials:
        given = {"token_endpoint": server.token_endpoint, "audience": GOOGLE, "scope": SCOPE, "cache": MemoryCache()}
        return ServiceAccountCredentials.from_file(key_file, **{**given, **changes})

    return credentials


@pytest.mark.parametrize("subject", [None, USER])
def test_same_file_same_assertion(
    subject: str | None, server: AuthlibServer, key_file: Path, make: Callable[..., ServiceAccountCredentials]
) -> None:
    """One key file signs in through google-auth and through us; both tokens open the API, both assertions agree."""
    theirs = by_google(key_file, server.api, subject)
    with requests.Session() as session:
        session.auth = make(subject=subject)
        ours = session.get(server.api, timeout=10)
    assert (theirs.status_code, ours.status_code) == (200, 200)
    assert theirs.json() == ours.json() == {"user": subject, "client": ISSUER}
    assert len(server.tokens) == 2
    (their_header, their_claims), (our_header, our_claims) = server.assertions
    assert their_header == our_header == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    assert {name: value for name, value in their_claims.items() if name not in VOLATILE} == {
        name: value for name, value in our_claims.items() if name not in VOLATILE
    }
    assert set(our_claims) - set(their_claims) <= {"jti"}
    assert set(their_claims) <= set(our_claims)
    assert our_claims["exp"] - our_claims["iat"] == their_claims["exp"] - their_claims["iat"] == 3600
    assert {name: value for name, value in server.forms[0].items() if name != "assertion"} == {
        name: value for name, value in server.forms[1].items() if name != "assertion"
    }


def test_one_exchange_for_many_calls(server: AuthlibServer, make: Callable[..., ServiceAccountCredentials]) -> None:
    """The token is held: ten calls, one exchange."""
    with requests.Session() as session:
        session.auth = make()
        assert [session.get(server.api, timeout=10).status_code for _ in range(10)] == [200] * 10
    assert len(server.assertions) == 1


def test_renewal_after_a_lost_token(server: AuthlibServer, make: Callable[..., ServiceAccountCredentials]) -> None:
    """When the server has forgotten the token, its 401 leads to another and the call succeeds."""
    with requests.Session() as session:
        session.auth = make()
        session.get(server.api, timeout=10)
        server.tokens.clear()
        answer = session.get(server.api, timeout=10)
    assert (answer.status_code, [before.status_code for before in answer.history]) == (200, [401])


@pytest.mark.parametrize(
    ("change", "word"),
    [({"audience": "https://elsewhere.example/token"}, "audience"), ({"subject": "eve@example.test"}, "subject")],
)
def test_its_no_is_explained(change: dict[str, Any], word: str, make: Callable[..., ServiceAccountCredentials]) -> None:
    """Authlib's refusal arrives as InvalidGrant, with what was sent and a hint that fits."""
    with pytest.raises(InvalidGrant) as caught:
        make(**change).token()
    assert caught.value.status == 400
    assert word in caught.value.hint.lower()
    assert next(iter(change.values())) in caught.value.hint


def test_the_file_alone_may_not_choose_http(server: AuthlibServer, key_file: Path) -> None:
    """The same file without token_endpoint= in code is refused by us before anything is sent."""
    from sa_auth import ConfigError

    assert json.loads(key_file.read_text())["token_uri"].startswith("http://")
    with pytest.raises(ConfigError) as caught:
        ServiceAccountCredentials.from_file(key_file, scope=SCOPE)
    assert caught.value.code == "bad_endpoint"
    assert server.forms == []
