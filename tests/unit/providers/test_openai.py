"""OpenAI's federation: the documented request, what its refusals mean, and what is refused before one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
import requests

from sa_auth import ConfigError, InvalidGrant, InvalidRequest, ServiceAccountCredentials
from sa_auth.caches.memory import MemoryCache
from sa_auth.grants import JWTBearer, TokenExchange
from sa_auth.testing import Authority, google_key_file
from sa_auth.testing.server import Server
from tests.unit.providers.serving import EC, EC_PUBLIC, RSA

FORM = {"identity_provider_id": "idp_abc", "service_account_id": "sa_abc"}
STS, AUDIENCE = "https://sts.example", "https://api.openai.com/v1"
TYPE = "urn:ietf:params:oauth:token-type:"


@pytest.fixture
def served() -> Iterator[Server]:
    """OpenAI on this machine, with a token service."""
    authority = Authority(dialect="openai")
    authority.trust_issuer(STS, EC_PUBLIC, subjects={"robot": "robot"})
    with authority.serve() as server:
        yield server


def token_of(headers: dict[str, Any] | None = None, **changes: Any) -> str:
    """A JWT of the token service."""
    now = int(time.time())
    claims = {"iss": STS, "sub": "robot", "aud": AUDIENCE, "iat": now, "exp": now + 300, **changes}
    said = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(said, EC, algorithm="ES256", headers={"kid": "k1"} if headers is None else headers)


def make(served: Server | None = None, **changes: Any) -> ServiceAccountCredentials:
    """Credentials with anything changed; None leaves an argument out."""
    given = {
        "provider": "openai", "grant": TokenExchange(token_of), "form": FORM, "cache": MemoryCache(),
        "token_endpoint": None if served is None else f"{served.url}/oauth/token", **changes,
    }  # fmt: skip
    return ServiceAccountCredentials(**{name: value for name, value in given.items() if value is not None})


@pytest.mark.parametrize("kind", ["jwt", "id_token"])
def test_the_request(kind: str, served: Server) -> None:
    """The body is JSON with the grant, the token, its kind and both ids, and nothing else."""
    handed = token_of()
    make(served, grant=TokenExchange(lambda: handed, kind)).token()
    record = served.authority.requests[-1]
    assert record.path == "/oauth/token"
    assert record.form == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": handed,
        "subject_token_type": f"{TYPE}{kind}", **FORM,
    }  # fmt: skip


def test_calls(served: Server) -> None:
    """One token serves many calls."""
    with requests.Session() as session:
        session.auth = make(served)
        assert [session.get(f"{served.api_url}/v1/models").status_code for _ in range(3)] == [200, 200, 200]
    assert served.authority.exchanges == 1


@pytest.mark.parametrize(
    "handed",
    [{"iss": "https://other.example"}, {"aud": "https://x.example"}, {"sub": "nobody"}, {"headers": {}}, {"iat": None}],
    ids=lambda change: next(iter(change)),
)
def test_a_token_that_does_not_fit(handed: dict[str, Any], served: Server) -> None:
    """A no to the token says what it is held against; no token is in it."""
    token = token_of(**handed)
    with pytest.raises(InvalidGrant) as caught:
        make(served, grant=TokenExchange(lambda: token)).token()
    assert "mapping" in caught.value.hint
    assert token not in str(caught.value)


def test_another_no(served: Server) -> None:
    """A no of another kind, such as to the request, stays what it is."""
    with (
        served.authority.answer(400, {"error": "invalid_request", "error_description": "x"}),
        pytest.raises(InvalidRequest),
    ):
        make(served).token()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"form": None}, "no_form_field"),
        ({"form": {"identity_provider_id": "idp_abc"}}, "no_form_field"),
        ({"form": {**FORM, "identity_provider_id": " "}}, "no_form_field"),
        ({"scope": "read"}, "bad_argument"),
        ({"grant": None}, "bad_grant"),
        ({"key": RSA}, "bad_argument"),
        ({"grant": None, "key": RSA, "issuer": "robot"}, "bad_grant"),
        ({"grant": TokenExchange()}, "bad_grant"),
        ({"grant": TokenExchange(token_of, "access_token")}, "bad_grant"),
        ({"grant": "client_credentials"}, "bad_grant"),
        ({"grant": JWTBearer(token_of)}, "bad_grant"),
        ({"audience": AUDIENCE}, "bad_argument"),
        ({"subject": "robot"}, "bad_subject"),
        ({"lifetime": 60}, "bad_argument"),
    ],
    ids=str,
)
def test_what_cannot_work(change: dict[str, Any], code: str) -> None:
    """What OpenAI would refuse is refused at construction."""
    with pytest.raises(ConfigError) as caught:
        make(**change)
    assert caught.value.hint
    assert caught.value.code == code


def test_another_vendors_key_file() -> None:
    """A Google key file is none of OpenAI's."""
    info = google_key_file(email="robot@demo.iam.gserviceaccount.com", private_key_pem=RSA)
    with pytest.raises(ConfigError) as caught:
        ServiceAccountCredentials.from_info(info, provider="openai", form=FORM)
    assert "google" in caught.value.message
