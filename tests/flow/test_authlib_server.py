"""A server that others wrote: Authlib's RFC 7523 grant in Flask, with a protected API, signed in to by google-auth and by us.

It is the second opinion beside the local authority: one key file, two clients, and assertions that agree field by field.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from sa_auth import InvalidGrant, ServiceAccountCredentials
from sa_auth.caches.memory import MemoryCache
from sa_auth.testing import google_key_file, new_key

# What Authlib, Flask and google-auth deprecate among themselves is theirs.
pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning")]

# google-auth signs this audience whatever endpoint the key file names.
GOOGLE = "https://oauth2.googleapis.com/token"
ISSUER = "robot@example-project.iam.gserviceaccount.com"
USER = "ann@example.test"
SCOPE = "https://www.googleapis.com/auth/drive https://www.googleapis.com/auth/gmail.readonly"
PRIVATE, PUBLIC = new_key("rsa2048")
VOLATILE = {"jti", "iat", "exp"}


class AuthlibServer:
    """An authorization server and an API, over HTTP.

    Attributes:
        assertions: What it accepted: header and claims, oldest first.
        url: Where it listens.
    """

    def __init__(self) -> None:
        from werkzeug.serving import make_server

        self.assertions: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self.forms: list[dict[str, str]] = []
        self.tokens: dict[str, Any] = {}
        self.http = make_server("127.0.0.1", 0, self._app(), threaded=True)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.token_endpoint, self.api = f"{self.url}/token", f"{self.url}/api/me"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def close(self) -> None:
        """Ends it."""
        self.http.shutdown()
        self.thread.join(10)
        self.http.server_close()

    def _app(self) -> Any:
        from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector, current_token
        from flask import Flask, jsonify, request

        app = Flask("authlib-server")
        authorization = AuthorizationServer(app, query_client=lambda _id: None, save_token=self._save)
        authorization.register_grant(self._grant())
        protect = ResourceProtector()
        protect.register_token_validator(self._validator())

        @app.post("/token")
        def token() -> Any:
            self.forms.append(request.form.to_dict())
            return authorization.create_token_response()

        @app.route("/api/me")
        @protect()
        def me() -> Any:
            return jsonify(user=current_token.user, client=current_token.client)

        return app

    def _grant(self) -> type:
        from authlib.oauth2.rfc6749 import ClientMixin
        from authlib.oauth2.rfc7523 import JWTBearerGrant
        from joserfc.jwk import RSAKey

        server, public = self, RSAKey.import_key(PUBLIC)

        class Robot(ClientMixin):
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

    def _save(self, token: dict[str, Any], request: Any) -> None:
        self.tokens[token["access_token"]] = Granted(token, request.user)

    def _validator(self) -> Any:
        from authlib.oauth2.rfc6750 import BearerTokenValidator

        server = self

        class Validator(BearerTokenValidator):
            def authenticate_token(self, token_string: str) -> Any:
                return server.tokens.get(token_string)

        return Validator()


class Granted:
    """A token as Authlib's protector wants to see it."""

    def __init__(self, token: dict[str, Any], user: Any) -> None:
        self.user, self.client = user, ISSUER
        self.ends_at = time.time() + token["expires_in"]

    def is_expired(self) -> bool:
        return time.time() > self.ends_at

    def is_revoked(self) -> bool:
        return False

    def get_scope(self) -> str:
        return ""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AuthlibServer]:
    """It, on a free port, allowed to speak plain http."""
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    made = AuthlibServer()
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
