"""Anthropic's federation: the documented request, the header fields of exchange and call, and what is refused."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests

from sa_auth import ConfigError, InvalidGrant, InvalidRequest, ServiceAccountCredentials
from sa_auth.assertions import FromFile
from sa_auth.caches.memory import MemoryCache
from sa_auth.grants import JWTBearer, TokenExchange
from sa_auth.testing import Authority, ManualClock, google_key_file
from sa_auth.testing.server import Server
from tests.unit.providers.serving import EC, EC_PUBLIC, OTHER_RSA, RSA, RSA_PUBLIC

FORM = {
    "federation_rule_id": "fdrl_01AbCd", "organization_id": "00000000-0000-0000-0000-000000000000",
    "service_account_id": "svac_01AbCd",
}  # fmt: skip
STS, AUDIENCE = "https://sts.example", "https://api.anthropic.com"
VECTOR = Path(__file__).parents[2] / "vectors" / "providers" / "anthropic.json"


@pytest.fixture
def served() -> Iterator[Server]:
    """Anthropic on this machine, with a token service and an issuer of one's own."""
    authority = Authority(dialect="anthropic")
    authority.trust_issuer(STS, EC_PUBLIC, subjects={"robot": "robot"})
    authority.register("https://login.example", RSA_PUBLIC)
    with authority.serve() as server:
        yield server


def token_of(**changes: Any) -> str:
    """A JWT of the token service."""
    now = int(time.time())
    claims = {"iss": STS, "sub": "robot", "aud": AUDIENCE, "iat": now, "exp": now + 300, **changes}
    return jwt.encode(claims, EC, algorithm="ES256")


def make(served: Server | None = None, **changes: Any) -> ServiceAccountCredentials:
    """Credentials with anything changed; None leaves an argument out."""
    endpoint = None if served is None else f"{served.url}/v1/oauth/token"
    given = {
        "provider": "anthropic", "grant": JWTBearer(token_of), "form": FORM, "cache": MemoryCache(),
        "token_endpoint": endpoint, **changes,
    }  # fmt: skip
    return ServiceAccountCredentials(**{name: value for name, value in given.items() if value is not None})


def test_the_request(served: Server) -> None:
    """The body is JSON with the grant, the JWT as it is and the ids, and nothing else; the header is the library's."""
    handed = token_of()
    make(served, grant=JWTBearer(handed), form={**FORM, "workspace_id": "default"}).token()
    record = served.authority.requests[-1]
    assert record.path == "/v1/oauth/token"
    assert record.form == {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": handed, **FORM, "workspace_id": "default",
    }  # fmt: skip
    seen = json.loads(VECTOR.read_text(encoding="utf-8"))["headers"]["anthropic-beta"]
    assert record.http_headers["anthropic-beta"] == seen


def test_a_token_in_a_file(served: Server, tmp_path: Path) -> None:
    """A projected token is read for each exchange, so a new one in its place is what is sent."""
    path = tmp_path / "token.jwt"
    creds = make(served, grant=JWTBearer(FromFile(path)))
    for _ in range(2):
        path.write_text(token_of(jti=str(time.monotonic())))
        token = creds.token()
        assert served.authority.requests[-1].form["assertion"] == path.read_text()
        creds.discard(token)


def test_a_key_of_ones_own(served: Server) -> None:
    """An issuer whose keys Anthropic was given signs for itself; the audience is the rule's."""
    given = {"grant": None, "issuer": "https://login.example", "subject": "robot", "key_id": "k1", "audience": AUDIENCE}
    make(served, key=RSA, **given).token()
    claims = served.authority.requests[-1].claims
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("https://login.example", "robot", AUDIENCE)
    assert "client_id" not in served.authority.requests[-1].form


@pytest.mark.parametrize(("own", "sent"), [
    (None, "oauth-2025-04-20"),
    ("files-api-2025-04-14", "files-api-2025-04-14,oauth-2025-04-20"),
    ("oauth-2025-04-20,files-api-2025-04-14", "oauth-2025-04-20,files-api-2025-04-14"),
])  # fmt: skip
def test_every_call(own: str | None, sent: str, served: Server) -> None:
    """Every call says that its token is one of OAuth, beside the betas that it names itself."""
    headers = {} if own is None else {"anthropic-beta": own}
    with requests.Session() as session:
        session.auth = make(served)
        for _ in range(2):
            answer = session.get(f"{served.api_url}/v1/models", headers=headers)
            assert answer.status_code == 200
            assert answer.request.headers["anthropic-beta"] == sent


@pytest.mark.parametrize("change", [{"iss": "https://other.example"}, {"aud": "https://x.example"}, {"sub": "nobody"}], ids=lambda change: next(iter(change)))  # fmt: skip
def test_a_token_that_does_not_fit_the_rule(change: dict[str, Any], served: Server) -> None:
    """A 401 is the rule's: the hint says what is held against what, and where the console shows it; no token is in it."""
    handed = token_of(**change)
    with pytest.raises(InvalidGrant) as caught:
        make(served, grant=JWTBearer(lambda: handed)).token()
    assert "rule" in caught.value.hint
    assert "workspace_id" in caught.value.hint
    assert handed not in str(caught.value)


def test_another_key(served: Server) -> None:
    """So is a signature of a key that the issuer does not have."""
    with pytest.raises(InvalidGrant):
        make(served, key=OTHER_RSA, grant=None, issuer="https://login.example", audience=AUDIENCE).token()


def test_a_request_that_is_wrong(served: Server) -> None:
    """What Anthropic calls an invalid request arrives as one."""
    with (
        served.authority.answer(400, {"error": "invalid_request", "error_description": "x"}),
        pytest.raises(InvalidRequest),
    ):
        make(served).token()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"form": None}, "no_form_field"),
        ({"form": {"federation_rule_id": "fdrl_1"}}, "no_form_field"),
        ({"form": {**FORM, "federation_rule_id": "svac_01"}}, "bad_form_field"),
        ({"form": {**FORM, "service_account_id": "fdrl_01"}}, "bad_form_field"),
        ({"form": {**FORM, "workspace_id": "mine"}}, "bad_form_field"),
        ({"form": {**FORM, "organization_id": "org_1"}}, "bad_form_field"),
        ({"scope": "read"}, "bad_argument"),
        ({"key": RSA}, "bad_argument"),
        ({"grant": "client_credentials"}, "bad_argument"),
        ({"grant": TokenExchange(lambda: "x")}, "bad_argument"),
        ({"grant": None}, "no_key"),
        ({"grant": None, "key": RSA, "issuer": None, "audience": AUDIENCE}, "no_issuer"),
        ({"grant": None, "key": RSA, "issuer": "https://login.example"}, "no_audience"),
        ({"grant": None, "issuer": "https://login.example"}, "no_key"),
        ({"audience": AUDIENCE}, "bad_argument"),
        ({"subject": "robot"}, "bad_argument"),
    ],
    ids=str,
)
def test_what_cannot_work(change: dict[str, Any], code: str) -> None:
    """What Anthropic would refuse is refused at construction."""
    with pytest.raises(ConfigError) as caught:
        make(**change)
    assert caught.value.hint
    assert caught.value.code == code


def test_another_vendors_key_file() -> None:
    """A Google key file is none of Anthropic's."""
    with pytest.raises(ConfigError) as caught:
        ServiceAccountCredentials.from_info(
            google_key_file(email="robot@demo.iam.gserviceaccount.com", private_key_pem=RSA), provider="anthropic",
            form=FORM, clock=ManualClock(),
        )  # fmt: skip
    assert "google" in caught.value.message
