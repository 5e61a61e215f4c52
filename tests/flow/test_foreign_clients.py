"""Clients that others wrote sign in to the local authority unchanged, over HTTP.

They are the proof that it is strict and not peculiar: what it refuses, it does not refuse to a client that follows
the RFCs, and what they are told, they understand.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from sa_auth.testing import Authority, Server, google_key_file, new_key

ISSUER = "robot@example-project.iam.gserviceaccount.com"
# google-auth signs this audience whatever endpoint the key file names.
GOOGLE = "https://oauth2.googleapis.com/token"
PRIVATE, PUBLIC = new_key("rsa2048")


@pytest.fixture
def server() -> Iterator[Server]:
    """An authority over HTTP that knows the robot's key, and may call itself Google."""
    authority = Authority(audience=GOOGLE)
    authority.register(ISSUER, PUBLIC, key_id="k1", subjects="ann@example.test", scopes="drive mail")
    with authority.serve() as served:
        authority.audience = (GOOGLE, served.token_endpoint)
        yield served


def broken(server: Server) -> list[str]:
    """The rules that the newest request broke."""
    return [verdict.rule for verdict in server.authority.requests[-1].broken]


def google_session(server: Server, **changes: Any) -> Any:
    """google-auth's session over a service account."""
    from google.auth.transport.requests import AuthorizedSession
    from google.oauth2.service_account import Credentials

    info = google_key_file(private_key_pem=PRIVATE, email=ISSUER, token_uri=server.token_endpoint, key_id="k1")
    credentials = Credentials.from_service_account_info(info, scopes=["drive"], **changes)
    return AuthorizedSession(credentials)


def test_google_auth_signs_in(server: Server) -> None:
    """google-auth gets a token with its key file, and the API accepts it."""
    with google_session(server) as session:
        answers = [session.get(f"{server.api_url}/files", timeout=10) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert server.authority.exchanges == 1
    record = server.authority.requests[-1]
    assert (record.claims["aud"], record.claims["scope"], record.header["kid"]) == (GOOGLE, "drive", "k1")


def test_google_auth_acts_for_a_user(server: Server) -> None:
    """With domain-wide delegation the user it acts for is the subject, and only those allowed are."""
    from google.auth.exceptions import RefreshError

    with google_session(server, subject="ann@example.test") as session:
        assert session.get(server.api_url, timeout=10).status_code == 200
    assert server.authority.requests[-1].claims["sub"] == "ann@example.test"
    with google_session(server, subject="eve@example.test") as session, pytest.raises(RefreshError) as caught:
        session.get(server.api_url, timeout=10)
    assert "sub_allowed" in str(caught.value)
    assert broken(server) == ["sub_allowed"]


def test_google_auth_renews_after_a_refused_call(server: Server) -> None:
    """When its token is revoked it renews and repeats the call."""
    with google_session(server) as session:
        session.get(server.api_url, timeout=10)
        server.authority.revoke_all()
        assert session.get(server.api_url, timeout=10).status_code == 200
    assert (server.authority.exchanges, server.authority.api.refused) == (2, 1)


def authlib_session(server: Server, **changes: Any) -> Any:
    """Authlib's session over an assertion."""
    from authlib.integrations.requests_client import AssertionSession
    from joserfc.jwk import RSAKey

    pem = changes.pop("key", PRIVATE)
    settings = {
        "token_endpoint": server.token_endpoint,
        "issuer": ISSUER,
        "subject": "ann@example.test",
        "scope": "drive mail",
        "key": RSAKey.import_key(pem),
        "header": {"alg": "RS256", "kid": "k1"},
        "default_timeout": 10,
    }
    return AssertionSession(**{**settings, **changes})


def test_authlib_signs_in(server: Server) -> None:
    """Authlib's AssertionSession gets a token and calls the API with it."""
    with authlib_session(server) as session:
        answers = [session.put(f"{server.api_url}/x", data=b"abc").json() for _ in range(2)]
    assert [answer["received"] for answer in answers] == [3, 3]
    assert server.authority.exchanges == 1


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"issuer": "stranger"}, "iss_registered"),
        ({"subject": "eve"}, "sub_allowed"),
        ({"audience": "https://elsewhere.test/token"}, "aud_names_server"),
        ({"key": new_key("rsa2048", fresh=True)[0]}, "signature_valid"),
        ({"header": {"alg": "RS256", "kid": "k2"}}, "kid_known"),
        ({"expires_in": 7200}, "exp_near"),
    ],
)
def test_authlib_is_told_what_is_wrong(changes: dict[str, Any], rule: str, server: Server) -> None:
    """A mistaken setting is refused for that rule alone, and Authlib can say which."""
    from authlib.oauth2.base import OAuth2Error

    with authlib_session(server, **changes) as session, pytest.raises(OAuth2Error) as caught:
        session.get(server.api_url)
    assert caught.value.error == "invalid_grant"
    assert rule in str(caught.value)
    assert broken(server) == [rule]


def oauth2_client(server: Server, **settings: Any) -> Any:
    """The client of requests-oauth2client."""
    from requests_oauth2client import OAuth2Client

    # `testing` lets it take an http endpoint; nothing else changes.
    return OAuth2Client(server.token_endpoint, client_id=ISSUER, testing=True, **settings)


def assertion(server: Server, **changes: Any) -> Any:
    """An assertion made by the JWT library that requests-oauth2client uses."""
    from jwskate import Jwk, Jwt

    now = int(time.time())
    claims = {"iss": ISSUER, "aud": server.token_endpoint, "iat": now, "exp": now + 60, "jti": str(time.time_ns())}
    return Jwt.sign({**claims, **changes}, Jwk.from_pem(PRIVATE, kid="k1"), alg="RS256")


def test_requests_oauth2client_signs_in(server: Server) -> None:
    """requests-oauth2client exchanges a JWT and uses the token as an auth of requests."""
    import requests

    token = oauth2_client(server).jwt_bearer(assertion(server), scope="mail")
    assert (token.scope, token.token_type) == ("mail", "Bearer")
    answer = requests.get(server.api_url, auth=token, timeout=10)
    assert answer.json()["ok"] is True
    assert server.authority.exchanges == 1


def test_requests_oauth2client_is_told_what_is_wrong(server: Server) -> None:
    """Its errors carry the code and the description of the answer."""
    from requests_oauth2client.exceptions import InvalidGrant, InvalidScope

    with pytest.raises(InvalidGrant, match="exp_ahead"):
        oauth2_client(server).jwt_bearer(assertion(server, exp=int(time.time()) - 60))
    with pytest.raises(InvalidScope, match="scope_allowed"):
        oauth2_client(server).jwt_bearer(assertion(server), scope="everything")
    repeated = assertion(server)
    oauth2_client(server).jwt_bearer(repeated)
    with pytest.raises(InvalidGrant, match="jti_fresh"):
        oauth2_client(server).jwt_bearer(repeated)


@pytest.mark.parametrize("method", ["ClientSecretBasic", "ClientSecretPost"])
def test_requests_oauth2client_proves_itself_as_a_client(method: str, server: Server) -> None:
    """A client with a secret may prove itself either way; a wrong secret is an invalid client."""
    import requests_oauth2client

    server.authority.register(ISSUER, PUBLIC, key_id="k1", client_secret="another")
    prove = getattr(requests_oauth2client, method)
    client = requests_oauth2client.OAuth2Client(server.token_endpoint, auth=prove(ISSUER, "plain"), testing=True)
    with pytest.raises(requests_oauth2client.exceptions.InvalidClient):
        client.jwt_bearer(assertion(server))
    assert broken(server) == ["client_authenticated"]
    server.authority.register(ISSUER, PUBLIC, key_id="k1", client_secret="plain")
    assert client.jwt_bearer(assertion(server)).token_type == "Bearer"
