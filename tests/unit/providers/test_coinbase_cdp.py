"""Coinbase Developer Platform: a JWT for each call, the key file in both forms, and what is refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from sa_auth import ConfigError, SaAuthError, ServiceAccountCredentials
from sa_auth.caches.memory import MemoryCache
from sa_auth.keys import from_pem
from sa_auth.signers.local import LocalSigner
from sa_auth.testing import Authority, ManualClock, google_key_file, new_key
from tests.unit.providers.serving import EC, EC_PUBLIC, RSA
from tests.vectors.capture import jwt_of

KEY = "organizations/0a1b/apiKeys/2c3d"
ED, ED_PUBLIC = new_key("ed25519")
CALL = "https://api.cdp.coinbase.com/platform/v2/evm/accounts"


def make(key: Any = EC, **changes: Any) -> ServiceAccountCredentials:
    """Credentials with anything changed; None leaves an argument out."""
    given = {"provider": "coinbase_cdp", "key_id": KEY, "cache": MemoryCache(), **changes}
    return ServiceAccountCredentials(key, **{name: value for name, value in given.items() if value is not None})


def secret_of(private: str) -> str:
    """An Ed25519 key as the portal shows it: 64 bytes in base64."""
    key: Any = load_pem_private_key(private.encode(), None)
    halves = key.private_bytes_raw() + key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.b64encode(halves).decode()


@pytest.fixture
def authority() -> Authority:
    """Coinbase's API, which knows the key."""
    made = Authority(dialect="coinbase_cdp")
    made.register("cdp", EC_PUBLIC, key_id=KEY)
    return made


@pytest.fixture
def api(authority: Authority) -> Iterator[str]:
    """Where it listens."""
    with authority.serve() as server:
        yield server.api_url


def test_the_jwt_of_a_call() -> None:
    """Header and claims are those of Coinbase's library; the query is left out of what the JWT is for."""
    token = make(clock=ManualClock()).token_for("get", f"{CALL}?limit=1")
    told = jwt_of(token.access_token)
    assert len(told["header"].pop("nonce")) == 16
    assert told["header"] == {"alg": "ES256", "kid": KEY, "typ": "JWT"}
    assert told["claims"] == {
        "iss": "cdp", "sub": KEY, "nbf": "0", "iat": "0", "exp": "120", "jti": "<jti>",
        "uris": ["GET api.cdp.coinbase.com/platform/v2/evm/accounts"],
    }  # fmt: skip


def test_calls_of_a_session(authority: Authority, api: str) -> None:
    """Every call of a Session has a JWT of its own, which is for that method and path."""
    with requests.Session() as session:
        session.auth = make()
        answers = [session.get(f"{api}/a?x=1"), session.get(f"{api}/a"), session.post(f"{api}/b", json={"x": 1})]
    assert [answer.status_code for answer in answers] == [200, 200, 200], authority.explain()
    assert list(authority.api.calls_by_token.values()) == [1, 1, 1]


def test_one_call_by_hand(api: str) -> None:
    """A client other than `requests` takes the token of a call; another call is refused by it."""
    header = {"Authorization": make().token_for("GET", f"{api}/a").authorization}
    assert requests.get(f"{api}/a", headers=header).status_code == 200
    refused = requests.get(f"{api}/b", headers=header)
    assert (refused.status_code, refused.json()["errorType"]) == (401, "unauthorized")


def test_a_no_is_passed_on(authority: Authority, api: str) -> None:
    """A 401 comes to the caller as it is: no other token would help, and the call is not made twice."""
    authority.api.refuse_next(1)
    assert requests.get(f"{api}/a", auth=make()).status_code == 401
    assert len(authority.requests) == 1


def test_there_is_no_token_without_a_call() -> None:
    """A token for all calls is refused, and the error says how one is had; nothing is held of it."""
    with pytest.raises(ConfigError, match="for one method and address") as caught:
        make().token()
    assert caught.value.code == "token_for_one_call"
    assert "token_for(" in caught.value.hint


@pytest.mark.parametrize(
    ("method", "url", "code"),
    [
        ("GET", "/platform/v2/evm/accounts", "bad_argument"),
        ("GET", "https:///platform", "bad_argument"),
        ("GET", "https://api.cdp.coinbase.com/a b", "bad_argument"),
        (CALL, "GET", "bad_argument"),
        ("", CALL, "bad_argument"),
        (None, CALL, "bad_argument"),
        ("GET", None, "bad_argument"),
        ("GET", "http://api.cdp.coinbase.com/a", "not_https"),
        ("GET", "https://evil.example/a", "host_not_allowed"),
    ],
)
def test_no_call(method: Any, url: Any, code: str) -> None:
    """A token is signed for a whole address alone, and for no host that it may not go to."""
    creds = make(allowed_hosts="api.cdp.coinbase.com")
    with pytest.raises(ConfigError) as caught:
        creds.token_for(method, url)
    assert (caught.value.code, bool(caught.value.hint)) == (code, True)


def test_other_vendors_tokens_serve_for_all_calls() -> None:
    """Asked for one call, other credentials give the token that they hold."""
    creds = ServiceAccountCredentials(
        EC, issuer="robot", audience="https://api.example/", grant="self_signed", cache=MemoryCache()
    )
    assert creds.token_for("GET", CALL) is creds.token()


class Broken(LocalSigner):
    """A signer that fails by an error of its own."""

    __slots__ = ()

    def sign(self, data: bytes) -> bytes:
        """Never."""
        raise OSError(f"canary {len(data)}")


def test_a_signer_that_fails() -> None:
    """What a signer raises arrives as an error of ours without its words."""
    creds = make(Broken(from_pem(EC), key_id=KEY), key_id=None)
    with pytest.raises(SaAuthError, match="OSError") as caught:
        creds.token_for("GET", CALL)
    assert "canary" not in f"{caught.value} {caught.value.__cause__} {caught.value.__context__}"


@pytest.mark.parametrize("name", ["name", "id"])
@pytest.mark.parametrize("kind", ["p256", "ed25519"])
def test_the_file(name: str, kind: str, tmp_path: Path, authority: Authority, api: str) -> None:
    """The portal's file opens with either name of the id, and either kind of key."""
    authority.register("cdp", ED_PUBLIC, key_id="ed")
    path = tmp_path / "cdp_api_key.json"
    told = {name: KEY, "privateKey": EC} if kind == "p256" else {name: "ed", "privateKey": secret_of(ED)}
    path.write_text(json.dumps(told))
    path.chmod(0o600)
    creds = ServiceAccountCredentials.from_file(path, cache=MemoryCache())
    assert requests.get(f"{api}/a", auth=creds).status_code == 200, authority.explain()


def test_a_file_that_was_replaced(tmp_path: Path) -> None:
    """The next call is signed by the new file's key, under its own id."""
    path = tmp_path / "cdp_api_key.json"

    def put(name: str, secret: str) -> None:
        (tmp_path / "new").write_text(json.dumps({"id": name, "privateKey": secret}))
        (tmp_path / "new").chmod(0o600)
        (tmp_path / "new").replace(path)

    put("old", EC)
    creds = ServiceAccountCredentials.from_file(path, cache=MemoryCache())
    seen = [jwt_of(creds.token_for("GET", CALL).access_token)]
    put("new", secret_of(ED))
    seen.append(jwt_of(creds.token_for("GET", CALL).access_token))
    told = [(one["header"]["kid"], one["claims"]["sub"], one["header"]["alg"]) for one in seen]
    assert told == [("old", "old", "ES256"), ("new", "new", "EdDSA")]


@pytest.mark.parametrize(
    "info",
    [
        {"name": KEY, "privateKey": ""},
        {"name": "", "privateKey": EC},
        {"id": 7, "privateKey": EC},
        {"name": KEY, "privateKey": secret_of(ED)[:40]},
        {"name": KEY, "privateKey": "no key"},
    ],
    ids=["no key", "no name", "a number", "cut", "no base64"],
)
def test_half_a_file(info: dict[str, Any]) -> None:
    """A file with half its fields, or half its key, is refused with what to do, and not repeated."""
    with pytest.raises(ConfigError) as caught:
        ServiceAccountCredentials.from_info(info)
    assert (caught.value.code, bool(caught.value.hint)) == ("key_file_field", True)
    assert secret_of(ED)[:20] not in str(caught.value)


def test_another_vendors_file() -> None:
    """Google's file is none of Coinbase's."""
    info = google_key_file(email="robot@demo.iam.gserviceaccount.com", private_key_pem=RSA)
    with pytest.raises(ConfigError):
        ServiceAccountCredentials.from_info(info, provider="coinbase_cdp")


@pytest.mark.parametrize(
    "change",
    [
        {"key": RSA},
        {"key_id": None},
        {"scope": "read"},
        {"issuer": "robot"},
        {"subject": "ada@example.com"},
        {"grant": "jwt_bearer"},
        {"grant": {}},
        {"lifetime": 600},
        {"claims": {"uris": []}},
        {"headers": {"nonce": "1"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_is_refused(change: dict[str, Any]) -> None:
    """What Coinbase does not take is refused at construction, with what to do."""
    with pytest.raises(ConfigError) as caught:
        make(**change)
    assert caught.value.hint


@pytest.mark.parametrize("change", [{"lifetime": 120}, {"issuer": "cdp"}, {"subject": KEY}], ids=str)
def test_what_is_taken(change: dict[str, Any], api: str) -> None:
    """What Coinbase says anyway may be said, and two minutes be used to their end."""
    assert requests.get(f"{api}/a", auth=make(**change)).status_code == 200
