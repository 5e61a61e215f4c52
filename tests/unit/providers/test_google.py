"""Google's format: what stands in a request, as Google's documentation and google-auth have it.

Source: https://developers.google.com/identity/protocols/oauth2/service-account#authorizingrequests
"""

from __future__ import annotations

from typing import Any

import pytest

from sa_auth import ConfigError, ServiceAccountCredentials
from sa_auth.caches.memory import MemoryCache
from sa_auth.providers import PROVIDERS
from sa_auth.testing import Authority, ManualClock, google_key_file, new_key
from sa_auth.testing.record import Record

EMAIL = "761326798069-r5mljlln1rd4lrbhg75efgigp36m78j5@developer.gserviceaccount.com"
SCOPE = "https://www.googleapis.com/auth/prediction"
GOOGLE = "https://oauth2.googleapis.com/token"
PRIVATE, PUBLIC = new_key("rsa2048")


class Documented:
    """An authority that answers for Google, and lets the newest request be looked at."""

    def __init__(self, clock: ManualClock) -> None:
        self.authority = Authority(clock, issuer="https://oauth2.googleapis.com")
        self.authority.register(EMAIL, PUBLIC)
        self.clock = clock

    def sign_in(self, info: dict[str, Any] | None = None, **changes: Any) -> Record:
        """Signs in with a key file as it was downloaded, and gives the request."""
        file = google_key_file(private_key_pem=PRIVATE, email=EMAIL, key_id="k1") if info is None else info
        given = {"transport": self.authority.transport(), "clock": self.clock, "cache": MemoryCache()}
        ServiceAccountCredentials.from_info(file, **{**given, **changes}).token()
        return self.authority.requests[-1]


@pytest.fixture
def google(sa_clock: ManualClock) -> Documented:
    """That authority, by a clock that stands still."""
    return Documented(sa_clock)


def test_documented_request(google: Documented, sa_clock: ManualClock) -> None:
    """Header, claims and form are those of the documentation, and a jti beside them."""
    record = google.sign_in(scope=SCOPE)
    now = int(sa_clock.now().wall)
    assert record.header == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    claims = dict(record.claims)
    assert claims.pop("jti")
    assert claims == {"iss": EMAIL, "scope": SCOPE, "aud": GOOGLE, "exp": now + 3590, "iat": now - 10}
    assert set(record.form) == {"grant_type", "assertion"}
    assert record.form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert record.http_headers["content-type"] == "application/x-www-form-urlencoded"
    assert (record.method, record.path) == ("POST", "/token")


def test_acting_for_a_user(google: Documented) -> None:
    """With domain-wide delegation the user is the sub, and without it there is none."""
    assert google.sign_in(scope=SCOPE, subject="user@example.com").claims["sub"] == "user@example.com"
    assert "sub" not in google.sign_in(scope=SCOPE).claims


def test_scope_is_there_even_if_empty(google: Documented) -> None:
    """The scope claim is there without a scope too, several scopes are one string, and none is in the form."""
    assert google.sign_in().claims["scope"] == ""
    record = google.sign_in(scope=[SCOPE, "openid"])
    assert record.claims["scope"] == f"{SCOPE} openid"
    assert "scope" not in record.form


@pytest.mark.parametrize("lifetime", [1, 10, 300, 3589, 3590, 3591, 3599, 3600, 3599.9])
@pytest.mark.parametrize("fraction", [0.0, 0.4, 0.999])
def test_at_most_an_hour(lifetime: float, fraction: float, google: Documented, sa_clock: ManualClock) -> None:
    """Whatever lifetime is allowed, no more than an hour lies between iat and exp."""
    sa_clock.advance(fraction)
    claims = google.sign_in(scope=SCOPE, lifetime=lifetime).claims
    assert claims["exp"] == int(sa_clock.now().wall) + int(lifetime)
    assert 0 < claims["exp"] - claims["iat"] <= 3600
    assert claims["iat"] <= sa_clock.now().wall


@pytest.mark.parametrize("lifetime", [3601, 7200, 10**9])
def test_more_than_an_hour(lifetime: int, google: Documented) -> None:
    """A longer one is refused with the limit, and nothing is sent."""
    with pytest.raises(ConfigError) as caught:
        google.sign_in(scope=SCOPE, lifetime=lifetime)
    assert caught.value.code == "bad_lifetime"
    assert "3600" in caught.value.message
    assert google.authority.requests == ()


def test_audience_in_code(google: Documented) -> None:
    """The audience is the endpoint in the file unless code says another."""
    google.authority.audience = ("https://elsewhere.example/",)
    record = google.sign_in(scope=SCOPE, audience="https://elsewhere.example/")
    assert record.claims["aud"] == "https://elsewhere.example/"


@pytest.mark.parametrize("host", ["oauth2.googleapis.com", "accounts.google.com", "www.googleapis.com"])
def test_hosts_of_googles(host: str, google: Documented) -> None:
    """Endpoints that Google's files have had are taken from the file."""
    google.authority.issuer = f"https://{host}"
    file = google_key_file(private_key_pem=PRIVATE, email=EMAIL, token_uri=f"https://{host}/token")
    assert google.sign_in(file, scope=SCOPE).claims["aud"] == f"https://{host}/token"


@pytest.mark.parametrize(
    "uri",
    ["https://oauth2.googleapis.com.evil.example/token", "https://evil.example/token", "https://googleapis.com/token",
     "https://xoauth2.googleapis.com/token", "https://oauth2.googleapis.com@evil.example/token",
     "http://oauth2.googleapis.com/token", "http://127.0.0.1/token", "https://oauth2.googleapis.com./token",
     "https://127.0.0.1/token", "oauth2.googleapis.com/token"],
)  # fmt: skip
def test_other_hosts(uri: str, google: Documented) -> None:
    """A file that points elsewhere is refused, unless code names the endpoint; nothing is sent there."""
    file = google_key_file(private_key_pem=PRIVATE, email=EMAIL, token_uri=uri)
    with pytest.raises(ConfigError) as caught:
        google.sign_in(file, scope=SCOPE)
    assert caught.value.code in {"foreign_endpoint", "bad_endpoint"}
    assert caught.value.hint
    assert google.authority.requests == ()
    google.authority.audience = (GOOGLE,)
    assert google.sign_in(file, scope=SCOPE, token_endpoint=GOOGLE).status == 200


@pytest.mark.parametrize("algorithm", ["RS384", "PS256"])
def test_rs256_alone(algorithm: str, google: Documented) -> None:
    """Google takes RS256 and nothing else, even where the key could do more."""
    with pytest.raises(ConfigError) as caught:
        google.sign_in(scope=SCOPE, algorithm=algorithm)
    assert caught.value.code == "bad_algorithm"
    assert "RS256" in caught.value.hint


def test_without_a_key_id(google: Documented) -> None:
    """A file without private_key_id signs in without a kid."""
    file = google_key_file(private_key_pem=PRIVATE, email=EMAIL, changes={"private_key_id": None})
    assert "kid" not in google.sign_in(file, scope=SCOPE).header


def test_endpoint_without_a_file(google: Documented) -> None:
    """With provider="google" and a bare key the endpoint is known."""
    creds = ServiceAccountCredentials(
        PRIVATE, issuer=EMAIL, scope=SCOPE, provider="google", transport=google.authority.transport(),
        clock=google.clock, cache=MemoryCache(),
    )  # fmt: skip
    assert creds.token().scope == SCOPE
    assert google.authority.requests[-1].claims["aud"] == GOOGLE


def test_same_preset_as_named() -> None:
    """The table has it under its own name."""
    assert PROVIDERS["google"].name == "google"
