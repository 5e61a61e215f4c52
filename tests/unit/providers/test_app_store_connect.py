"""App Store Connect: the JWT of Apple's page, the key's id from the file's name, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from sa_auth import ConfigError, ServiceAccountCredentials
from sa_auth.caches.memory import MemoryCache
from sa_auth.errors import TokenEndpointError
from sa_auth.explanation import known_of
from sa_auth.providers import PROVIDERS
from sa_auth.testing import Authority, ManualClock, new_key
from tests.unit.providers.serving import EC, EC_PUBLIC, RSA, serving
from tests.vectors.capture import jwt_of

ISSUER, KEY = "57246542-96fe-1a63-e053-0824d011072a", "2X9R4HXF34"
SCOPE = ["GET /v1/apps?filter[platform]=IOS"]
OTHER = new_key("p256", fresh=True)[0]


def make(key: Any = EC, **changes: Any) -> ServiceAccountCredentials:
    """Credentials with anything changed; None leaves an argument out."""
    given = {"provider": "app_store_connect", "issuer": ISSUER, "key_id": KEY, "cache": MemoryCache(), **changes}
    return ServiceAccountCredentials(key, **{name: value for name, value in given.items() if value is not None})


@pytest.fixture
def authority() -> Authority:
    """Apple's API, which knows the team's key."""
    made = Authority(dialect="app_store_connect")
    made.register(ISSUER, EC_PUBLIC, key_id=KEY)
    return made


def test_the_claims() -> None:
    """Header and claims are those of Apple's page, and a jti beside them; there is no sub."""
    told = jwt_of(make(clock=ManualClock()).token().access_token)
    assert told["header"] == {"alg": "ES256", "kid": KEY, "typ": "JWT"}
    assert told["claims"] == {"iss": ISSUER, "aud": "appstoreconnect-v1", "iat": "0", "exp": "910", "jti": "<jti>"}


@pytest.mark.parametrize("claims", [None, {"bid": "com.example.app"}, {"scope": SCOPE}])
def test_calls_are_accepted(claims: dict[str, Any] | None, authority: Authority) -> None:
    """Apple takes the token, one for many calls, with a bundle id or a list of operations in it."""
    with authority.serve() as server, requests.Session() as session:
        session.auth = make(claims=claims)
        answers = [session.get(f"{server.api_url}/v1/apps") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200], authority.explain()
    assert len(authority.api.calls_by_token) == 1
    said = authority.requests[-1].claims
    assert {name: said[name] for name in claims or {}} == (claims or {})


def test_the_longest_life(authority: Authority) -> None:
    """At the limit of twenty minutes iat gives way, and Apple still takes the token."""
    assert jwt_of(make(lifetime=1200).token().access_token)["claims"]["exp"] == "1200"
    with authority.serve() as server:
        assert requests.get(f"{server.api_url}/v1/apps", auth=make(lifetime=1200)).status_code == 200


def test_the_file(tmp_path: Any) -> None:
    """The id of the key is read from the name that Apple gave the file."""
    path = tmp_path / f"AuthKey_{KEY}.p8"
    path.write_text(EC)
    path.chmod(0o600)
    creds = ServiceAccountCredentials.from_file(path, provider="app_store_connect", issuer=ISSUER, cache=MemoryCache())
    assert jwt_of(creds.token().access_token)["header"]["kid"] == KEY


@pytest.mark.parametrize(
    "change",
    [{"issuer": "57246542-96fe-1a63-e053-000000000000"}, {"key_id": "AAAAAAAAAA"}, {"key": OTHER}],
    ids=lambda change: next(iter(change)),
)
def test_its_no(change: dict[str, Any], authority: Authority) -> None:
    """An issuer, id or key that Apple does not know is answered 401, and what that means is known."""
    with authority.serve() as server:
        answer = requests.get(f"{server.api_url}/v1/apps", auth=make(**change))
    assert answer.status_code == 401
    meaning = known_of(TokenEndpointError(json.dumps(answer.json())), PROVIDERS["app_store_connect"].known)
    assert meaning is not None
    assert "Integrations" in meaning.hint


def test_a_role_that_does_not_allow() -> None:
    """A 403 is the key's role."""
    meaning = known_of(
        TokenEndpointError("FORBIDDEN_ERROR: This request is forbidden"), PROVIDERS["app_store_connect"].known
    )
    assert meaning is not None
    assert "role" in meaning.hint


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"issuer": None}, "no_issuer"),
        ({"issuer": KEY}, "bad_issuer"),
        ({"key_id": None}, "no_key_id"),
        ({"subject": "user"}, "bad_subject"),
        ({"scope": "read"}, "bad_argument"),
        ({"claims": {"scope": "GET /v1/apps"}}, "bad_argument"),
        ({"audience": "https://api.appstoreconnect.apple.com"}, "bad_argument"),
        ({"grant": "jwt_bearer"}, "bad_argument"),
        ({"lifetime": 1201}, "bad_lifetime"),
        ({"algorithm": "ES384"}, "bad_algorithm"),
        ({"key": RSA}, "bad_algorithm"),
        ({"key": new_key("p384")[0]}, "bad_algorithm"),
        ({"key": None}, "no_key"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_work(change: dict[str, Any], code: str) -> None:
    """What Apple would refuse is refused at construction, with its rule."""
    with pytest.raises(ConfigError) as caught:
        make(**change)
    assert caught.value.hint
    assert caught.value.code == code


def test_another_vendors_key_file() -> None:
    """A Google key file is none of Apple's."""
    with serving("app_store_connect", ManualClock(), key=EC, key_id=KEY, issuer=ISSUER) as served:
        assert "google" in served.foreign_file().message
