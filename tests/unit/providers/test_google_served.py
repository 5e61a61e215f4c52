"""Google served over HTTP: its tokens, its words for a no, and the files it gives.

Source: https://developers.google.com/identity/protocols/oauth2/service-account; https://google.aip.dev/auth/4111
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key, pkcs12

from sa_auth import ConfigError, ServiceAccountCredentials
from sa_auth.assertions.shape import claims
from sa_auth.caches.memory import MemoryCache
from sa_auth.errors import InvalidGrant, KeyFileError, TokenEndpointError
from sa_auth.testing import ManualClock, google_key_file
from tests.unit.providers.serving import EC, OTHER_RSA, RSA, RSA_PUBLIC, Served, serving

EMAIL, SCOPE = "robot@demo.iam.gserviceaccount.com", "https://www.googleapis.com/auth/drive"
FILE = google_key_file(email=EMAIL, private_key_pem=RSA, key_id="k1")


@pytest.fixture
def google(sa_clock: ManualClock) -> Iterator[Served]:
    """Google, and the account's key."""
    with serving(
        "google", sa_clock, key=RSA, key_id="k1", issuer=EMAIL, scope=SCOPE, token_endpoint="<url>/token"
    ) as it:
        it.authority.register(EMAIL, RSA_PUBLIC, key_id="k1")
        yield it


def test_access_token(google: Served) -> None:
    """It signs in, for itself and for a user."""
    assert google.sign_in().claims["scope"] == SCOPE
    assert google.sign_in(subject="ann@example.test").claims["sub"] == "ann@example.test"


def test_id_token(google: Served) -> None:
    """An ID token stands under its own name, lives as its `exp` says, and is asked for without a scope."""
    record = google.sign_in(scope=(), claims={"target_audience": "https://service.example.run.app"})
    assert record.claims["target_audience"] == "https://service.example.run.app"
    assert "scope" not in record.claims


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"key": OTHER_RSA}, "deleted or disabled"),
        ({"issuer": "gone@demo.iam.gserviceaccount.com"}, "no service account gone@demo"),
        ({"audience": "https://elsewhere.example/"}, "got https://elsewhere.example/"),
        ({"scope": ()}, "pass scope="),
    ],
    ids=["key", "account", "audience", "scope"],
)
def test_its_no(changes: dict[str, Any], words: str, google: Served) -> None:
    """Each refusal arrives with its cause and what to do."""
    assert words in google.refused(**changes).hint


def test_its_clock(google: Served) -> None:
    """A clock that is far off is refused with the hour that Google allows."""
    google.authority.skew = 86_400
    refusal = google.refused()
    assert isinstance(refusal, InvalidGrant)
    assert "at most an hour" in refusal.hint


def test_not_delegated(google: Served) -> None:
    """Who may not act for a user is told where the administrator allows it."""
    refusal = google.said(
        {"error": "unauthorized_client", "error_description": "Client is unauthorized to retrieve access tokens using this "
         "method, or client not authorized for any of the scopes requested."}, 401, subject="ann@example.test",
    )  # fmt: skip
    assert isinstance(refusal, TokenEndpointError)
    assert "Domain-wide delegation" in refusal.hint
    assert "ann@example.test" in refusal.hint


def test_bad_request(google: Served) -> None:
    """What Google could not read has a hint too."""
    assert "could not read" in google.said({"error": "invalid_request", "error_description": "Bad Request"}).hint


@pytest.mark.parametrize("word", ["internal_failure", "server_error", "temporarily_unavailable"])
def test_it_fails_for_the_moment(word: str, google: Served) -> None:
    """Google's words for a failure that passes are asked again after, with a new assertion, whatever their status."""
    with google.credentials() as creds, google.authority.answer(400, {"error": word}, times=1):
        assert creds.token().access_token
    assert len(google.authority.requests) == 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"lifetime": 3601}, "bad_lifetime"),
        ({"key": EC}, "bad_algorithm"),
        ({"claims": {"target_audience": "https://a.example"}}, "bad_argument"),
        (
            {"claims": {"target_audience": "https://a.example"}, "scope": (), "subject": "ann@example.test"},
            "bad_argument",
        ),
        ({"claims": {"target_audience": "https://a.example"}, "scope": (), "grant": "self_signed"}, "bad_argument"),
        ({"grant": "self_signed", "subject": "ann@example.test"}, "bad_subject"),
        ({"grant": "self_signed", "scope": ()}, "no_audience"),
    ],
)
def test_what_cannot_work(changes: dict[str, Any], code: str, google: Served) -> None:
    """What Google does not take is refused at construction."""
    assert google.bad(**changes).code == code


@pytest.mark.parametrize("wanted", [{"audience": "https://pubsub.googleapis.com/"}, {"scope": SCOPE}])
def test_self_signed(wanted: dict[str, Any]) -> None:
    """A self-signed token says what it is for in one of two ways, and nothing is sent."""
    token = ServiceAccountCredentials.from_info(FILE, grant="self_signed", cache=MemoryCache(), **wanted).token()
    said = claims(token.access_token)
    assert said["iss"] == said["sub"] == EMAIL
    assert {said.get("aud"), said.get("scope")} == {None, *wanted.values()}
    assert jwt.get_unverified_header(token.access_token)["kid"] == "k1"


def test_self_signed_by_an_elliptic_key() -> None:
    """The JWT as the token may be signed by ES256."""
    creds = ServiceAccountCredentials(
        EC, provider="google", issuer=EMAIL, grant="self_signed", scope=SCOPE, cache=MemoryCache()
    )
    assert jwt.get_unverified_header(creds.token().access_token)["alg"] == "ES256"


def test_a_self_signed_token_is_not_revoked() -> None:
    """Nobody gave it out, so nobody is told."""
    creds = ServiceAccountCredentials.from_info(FILE, grant="self_signed", scope=SCOPE, cache=MemoryCache())
    assert creds.token()
    with pytest.raises(ConfigError):
        creds.revoke()


def test_anothers_token_is_not_shown_to_google(google: Served) -> None:
    """Where code names another token endpoint, the token is not sent to Google's own revocation endpoint."""
    with google.credentials() as creds:
        assert creds.token()
        with pytest.raises(ConfigError) as caught:
            creds.revoke()
        assert caught.value.code == "no_revocation_endpoint"
    assert ServiceAccountCredentials.from_info(FILE, scope=SCOPE)._source._exchange.revocation_endpoint == (
        "https://oauth2.googleapis.com/revoke"
    )


def test_another_universe() -> None:
    """In a sovereign cloud the file's JWT is the token: its endpoint is not asked, and there is no ID token."""
    file = {**FILE, "universe_domain": "example.cloud", "token_uri": "https://oauth2.example.cloud/token"}
    token = ServiceAccountCredentials.from_info(file, scope=SCOPE, cache=MemoryCache()).token()
    assert claims(token.access_token)["scope"] == SCOPE
    with pytest.raises(ConfigError) as caught:
        ServiceAccountCredentials.from_info(file, claims={"target_audience": "https://a.example"})
    assert "universe" in caught.value.hint


def test_by_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable that Google's own clients read leads to the file."""
    path = tmp_path / "key.json"
    path.write_text(json.dumps(FILE))
    path.chmod(0o600)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    creds = ServiceAccountCredentials.from_env("GOOGLE_APPLICATION_CREDENTIALS", scope=SCOPE)
    assert f"issuer={EMAIL!r}" in repr(creds)


def test_the_old_p12(tmp_path: Path, google: Served) -> None:
    """The file of old opens with its one password, and the e-mail beside it."""
    key: Any = load_pem_private_key(RSA.encode(), None)
    path = tmp_path / "key.p12"
    path.write_bytes(pkcs12.serialize_key_and_certificates(
        b"privatekey", key, None, None, BestAvailableEncryption(b"notasecret")))  # fmt: skip
    path.chmod(0o600)
    given = {name: value for name, value in google.given.items() if name not in {"key", "token_endpoint"}}
    with ServiceAccountCredentials.from_file(
        path,
        password="notasecret",
        token_endpoint=f"{google.url}/token",
        clock=google.clock,
        cache=MemoryCache(),
        **given,
    ) as creds:
        assert creds.token().access_token


@pytest.mark.parametrize("name", ["client_email", "private_key"])
def test_half_a_file(name: str) -> None:
    """A file without one of its fields is refused by the field's name."""
    with pytest.raises(KeyFileError) as caught:
        ServiceAccountCredentials.from_info({key: value for key, value in FILE.items() if key != name}, scope=SCOPE)
    assert repr(name) in caught.value.message


@pytest.mark.parametrize("value", ["", 7, []])
def test_a_universe_that_is_none(value: Any) -> None:
    """A universe that is no text is refused; null is Google's own."""
    with pytest.raises(KeyFileError):
        ServiceAccountCredentials.from_info({**FILE, "universe_domain": value}, scope=SCOPE)
    assert ServiceAccountCredentials.from_info({**FILE, "universe_domain": None}, scope=SCOPE)


def test_for_another_vendor() -> None:
    """The file is Google's alone."""
    with pytest.raises(KeyFileError):
        ServiceAccountCredentials.from_info(FILE, provider="yandex")
