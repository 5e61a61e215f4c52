"""Snowflake's key-pair JWT: account, user and key in the claims, the header field of every call, and what is refused."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from typing import Any

import pytest
import requests

from sa_auth import ConfigError, ServiceAccountCredentials
from sa_auth.caches.memory import MemoryCache
from sa_auth.keys import from_pem
from sa_auth.providers import PROVIDERS
from sa_auth.testing import Authority, ManualClock, new_key

PRIVATE, PUBLIC = new_key("rsa2048")
OTHER = new_key("rsa2048", fresh=True)[0]
SNOWFLAKE = PROVIDERS["snowflake"]


def fingerprint(private: str = PRIVATE) -> str:
    """What DESC USER shows of a key."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(from_pem(private).spki()).digest()).decode()


def make(key: Any = PRIVATE, **changes: Any) -> ServiceAccountCredentials:
    """Credentials with anything changed; None leaves an argument out."""
    given = {
        "provider": "snowflake",
        "issuer": "myorg-myaccount",
        "subject": "robot",
        "cache": MemoryCache(),
        **changes,
    }
    return ServiceAccountCredentials(key, **{name: value for name, value in given.items() if value is not None})


def told(creds: ServiceAccountCredentials) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of the token."""
    parts = creds.token().access_token.split(".")[:2]
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in parts)
    return header, claims


def refused(**changes: Any) -> ConfigError:
    """The error of credentials that cannot work."""
    with pytest.raises(ConfigError) as caught:
        make(**changes)
    assert caught.value.hint
    return caught.value


@pytest.fixture
def authority() -> Authority:
    """Snowflake's API, which knows the robot's key."""
    made = Authority(dialect="snowflake")
    made.register(f"MYORG-MYACCOUNT.ROBOT.{fingerprint()}", PUBLIC, subjects="MYORG-MYACCOUNT.ROBOT")
    return made


def test_the_claims() -> None:
    """The iss is ACCOUNT.USER.SHA256:fingerprint and the sub ACCOUNT.USER, both upper case; there is no aud and no scope."""
    clock = ManualClock()
    now = int(clock.now().wall)
    header, claims = told(make(clock=clock))
    assert header == {"alg": "RS256", "typ": "JWT"}
    assert claims.pop("jti")
    assert claims == {
        "iss": f"MYORG-MYACCOUNT.ROBOT.{fingerprint()}", "sub": "MYORG-MYACCOUNT.ROBOT", "iat": now - 10, "exp": now + 3540,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "signed"),
    [
        ("myorg-myaccount", "MYORG-MYACCOUNT"),
        ("xy12345", "XY12345"),
        ("xy12345.eu-central-1", "XY12345"),
        ("xy12345.us-gov-west-1.aws", "XY12345"),
        ("xy12345.snowflakecomputing.com", "XY12345"),
        ("demo-abc123.global", "DEMO"),
        ("Demo-abc123.GLOBAL", "DEMO"),
        ("globalorg-account", "GLOBALORG-ACCOUNT"),
    ],
)
def test_the_account(given: str, signed: str) -> None:
    """The account is cut at its first dot, or with .global at its first hyphen, as the documentation's sample does."""
    assert told(make(issuer=given))[1]["sub"] == f"{signed}.ROBOT"


def test_the_user() -> None:
    """The user is the LOGIN_NAME whole, dots and all."""
    assert told(make(subject="ann.lee@example.test"))[1]["sub"] == "MYORG-MYACCOUNT.ANN.LEE@EXAMPLE.TEST"


def test_calls_are_accepted(authority: Authority) -> None:
    """Snowflake takes the token with the header field that says what it is, and one token serves many calls."""
    with authority.serve() as server, requests.Session() as session:
        session.auth = make()
        answers = [session.post(f"{server.api_url}/v2/statements", json={"statement": "select 1"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200], authority.explain()
    assert len(authority.api.calls_by_token) == 1
    assert authority.requests[-1].http_headers["x-snowflake-authorization-token-type"] == "KEYPAIR_JWT"


def test_another_user_of_the_same_key(authority: Authority) -> None:
    """replace(subject=) signs for another user of the account."""
    authority.register(f"MYORG-MYACCOUNT.OTHER.{fingerprint()}", PUBLIC, subjects="MYORG-MYACCOUNT.OTHER")
    creds = make().replace(subject="other")
    with authority.serve() as server:
        assert requests.get(f"{server.api_url}/x", auth=creds).status_code == 200
    assert "'other'" in repr(creds)


def test_the_fingerprint_follows_the_key(tmp_path: Any) -> None:
    """When the key's file is replaced, the next token names the new key and is signed by it."""
    path, clock = tmp_path / "rsa_key.p8", ManualClock()
    path.write_text(PRIVATE)
    path.chmod(0o600)
    creds = make(str(path), clock=clock)
    assert told(creds)[1]["iss"].endswith(fingerprint())
    path.write_text(OTHER)
    os.utime(path, ns=(1, 1))
    clock.advance(3600)
    assert told(creds)[1]["iss"].endswith(fingerprint(OTHER))


@pytest.mark.parametrize(
    "change",
    [{"subject": "nobody"}, {"issuer": "elsewhere"}, {"key": OTHER}],
    ids=lambda c: next(iter(c)),
)
def test_its_no(change: dict[str, Any], authority: Authority) -> None:
    """Snowflake answers a user, account or key that it does not know with 390144, and the hint of that names the remedy."""
    with authority.serve() as server:
        answer = requests.get(f"{server.api_url}/x", auth=make(**change))
    assert (answer.status_code, answer.json()["code"]) == (401, "390144")
    assert "SYSTEM$GET_LOGIN_FAILURE_DETAILS" in hint_of(answer.json()["message"])


def hint_of(words: str) -> str:
    """What the first entry that fits says."""
    import re

    return next(known.hint for known in SNOWFLAKE.known if re.search(known.pattern, words, re.IGNORECASE))


@pytest.mark.parametrize(
    ("code", "word"),
    [("394300", "LOGIN_NAME"), ("394302", "clock"), ("394304", "RSA_PUBLIC_KEY_FP"), ("394305", "RS256"),
     ("394306", "signature"), ("394307", "address"), ("390144", "SYSTEM$GET_LOGIN_FAILURE_DETAILS")],
)  # fmt: skip
def test_every_code_has_its_meaning(code: str, word: str) -> None:
    """Each code that an administrator reads out is explained on its own."""
    assert word in hint_of(code)


def test_without_the_header_field(authority: Authority) -> None:
    """The dialect refuses a call that does not say what its token is."""
    with authority.serve() as server:
        token = make().token().access_token
        answer = requests.get(f"{server.api_url}/x", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"subject": None}, "no_subject"),
        ({"issuer": None}, "no_issuer"),
        ({"issuer": "https://myorg-myaccount.snowflakecomputing.com"}, "bad_issuer"),
        ({"issuer": ".eu-central-1"}, "bad_issuer"),
        ({"issuer": "-a.global"}, "bad_issuer"),
        ({"issuer": "my org"}, "bad_issuer"),
        ({"issuer": f"MYORG-MYACCOUNT.ROBOT.{fingerprint()}"}, "bad_issuer"),
        ({"subject": "myorg-myaccount.robot"}, "bad_subject"),
        ({"scope": "session:role:x"}, "bad_argument"),
        ({"audience": "https://x.example/"}, "bad_argument"),
        ({"grant": "jwt_bearer"}, "bad_argument"),
        ({"grant": [1]}, "bad_argument"),
        ({"lifetime": 3601}, "bad_lifetime"),
        ({"algorithm": "RS512"}, "bad_algorithm"),
        ({"key": new_key("p256")[0]}, "bad_algorithm"),
        ({"key": None}, "no_key"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_work(change: dict[str, Any], code: str) -> None:
    """What Snowflake would refuse is refused at construction, by its own rule."""
    assert refused(**change).code == code


def test_another_vendors_key_file() -> None:
    """A Google key file is none of Snowflake's."""
    with pytest.raises(ConfigError) as caught:
        ServiceAccountCredentials.from_info({"type": "service_account"}, provider="snowflake")
    assert "google" in caught.value.message
