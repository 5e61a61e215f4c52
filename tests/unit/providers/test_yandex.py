"""Yandex Cloud: the documented request, the key file, what its refusals mean and what is refused before one."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from sa_auth import ConfigError, InvalidGrant, KeyFileError, ServiceAccountCredentials
from sa_auth.caches.memory import MemoryCache
from sa_auth.testing import Authority, ManualClock, new_key
from sa_auth.testing.rules.reading import split_jws

PRIVATE, PUBLIC = new_key("rsa2048")
OTHER = new_key("rsa2048", fresh=True)[0]
ENDPOINT = "https://iam.api.cloud.yandex.net/iam/v1/tokens"
FILE = {
    "id": "lfkoe35hsk58aks301nl", "service_account_id": "ajepg0mjt06siua65usm", "created_at": "2026-01-01T00:00:00Z",
    "key_algorithm": "RSA_2048", "public_key": PUBLIC,
    "private_key": f"PLEASE DO NOT REMOVE THIS LINE! Yandex.Cloud SA Key ID <lfkoe35hsk58aks301nl>\n{PRIVATE}",
}  # fmt: skip


def opened(changes: dict[str, Any] | None = None, **arguments: Any) -> ServiceAccountCredentials:
    """Credentials of a key file with anything changed; None takes a field out."""
    info = {name: value for name, value in {**FILE, **(changes or {})}.items() if value is not None}
    return ServiceAccountCredentials.from_info(info, **{"cache": MemoryCache(), **arguments})


def made(key: Any = PRIVATE, **changes: Any) -> ServiceAccountCredentials:
    """Credentials of a bare key; None leaves an argument out."""
    given = {"provider": "yandex", "issuer": "aje1", "key_id": "k1", "cache": MemoryCache(), **changes}
    return ServiceAccountCredentials(key, **{name: value for name, value in given.items() if value is not None})


@pytest.fixture
def authority(sa_clock: ManualClock) -> Authority:
    """Yandex Cloud, which knows the account and its key."""
    authority = Authority(sa_clock, issuer="https://iam.api.cloud.yandex.net", dialect="yandex")
    authority.register(FILE["service_account_id"], PUBLIC, key_id=FILE["id"])
    return authority


def test_the_request(authority: Authority, sa_clock: ManualClock) -> None:
    """Header, claims and body are the documentation's, and a jti beside them; there is no sub."""
    token = opened(transport=authority.transport(), clock=sa_clock).token()
    record = authority.requests[-1]
    now = int(sa_clock.now().wall)
    assert (record.method, record.path, record.status) == ("POST", "/iam/v1/tokens", 200)
    assert record.http_headers["content-type"] == "application/json"
    assert record.header == {"alg": "PS256", "typ": "JWT", "kid": FILE["id"]}
    claims = dict(record.claims)
    assert claims.pop("jti")
    assert claims == {"iss": FILE["service_account_id"], "aud": ENDPOINT, "iat": now - 10, "exp": now + 300}
    assert token.expires_at == pytest.approx(now + 3600, abs=1)


def test_the_salt() -> None:
    """PS256 has a salt of 32 bytes (RFC 7518 section 3.5), which Yandex Cloud insists on."""
    texts: list[str] = []

    class Keeping:
        def send(self, request: Any, deadline: Any) -> Any:
            import json

            from sa_auth.wire import Response

            texts.append(json.loads(request.body)["jwt"])
            return Response(200, {}, b'{"iamToken": "t", "expiresAt": "2999-01-01T00:00:00Z"}')

    opened(transport=Keeping()).token()
    signature = split_jws(texts[0])[2]
    public: Any = load_pem_public_key(PUBLIC.encode())
    signed = texts[0].rpartition(".")[0].encode()
    public.verify(signature, signed, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


def test_over_http(authority: Authority) -> None:
    """It signs in by HTTP, where the endpoint in code is the audience too."""
    authority.clock = ManualClock()
    with authority.serve() as server:
        endpoint = f"{server.url}/iam/v1/tokens"
        assert opened(token_endpoint=endpoint, clock=authority.clock).token().access_token
    assert authority.requests[-1].claims["aud"] == endpoint


@pytest.mark.parametrize("change", [{"id": "gone"}, {"service_account_id": "nobody"}, {"private_key": OTHER}],
                         ids=["key id", "account", "key"])  # fmt: skip
def test_its_no(change: dict[str, Any], authority: Authority, sa_clock: ManualClock) -> None:
    """A 401 arrives as invalid grant, with the three conditions of the documentation and what was sent."""
    with pytest.raises(InvalidGrant) as caught:
        opened(change, transport=authority.transport(), clock=sa_clock).token()
    assert caught.value.status == 401
    assert "belongs to that account" in caught.value.hint
    assert change.get("id", FILE["id"]) in caught.value.hint


def test_its_words_about_a_kid() -> None:
    """The words that are known of Yandex Cloud have a hint of their own."""
    from sa_auth.errors import TokenEndpointError
    from sa_auth.explanation import known_of
    from sa_auth.providers import PROVIDERS

    refusal = TokenEndpointError(
        "The token endpoint answered 401 (The required field 'kid' is missing from the JWT header)."
    )
    meaning = known_of(refusal, PROVIDERS["yandex"].known)
    assert meaning is not None
    assert "key_id=" in meaning.hint


def test_a_clock_that_is_off(authority: Authority, sa_clock: ManualClock) -> None:
    """A refusal for the times is mended by the server's own clock."""
    authority.skew = 1200
    assert opened(transport=authority.transport(), clock=sa_clock).token()
    assert authority.exchanges == 1


def test_the_key_file(tmp_path: Any) -> None:
    """The console's file opens as it is, with the line before the key; the id of the key is the kid."""
    import json

    path = tmp_path / "authorized_key.json"
    path.write_text(json.dumps(FILE))
    path.chmod(0o600)
    creds = ServiceAccountCredentials.from_file(path)
    assert "provider='yandex', issuer='ajepg0mjt06siua65usm'" in repr(creds)
    assert opened(provider="yandex")


@pytest.mark.parametrize("name", ["id", "private_key"])
@pytest.mark.parametrize("value", [None, "", " ", 5])
def test_half_a_key_file(name: str, value: Any) -> None:
    """A file without one of its fields is refused by the field's name."""
    with pytest.raises(KeyFileError) as caught:
        opened({name: value})
    assert repr(name) in caught.value.message
    assert PRIVATE.splitlines()[1] not in str(caught.value)


def test_a_file_of_another_kind() -> None:
    """Without the fields that tell it, a file is no vendor's; with another provider= it is refused."""
    with pytest.raises(KeyFileError):
        opened({"service_account_id": None})
    for other in ("google", "snowflake"):
        with pytest.raises(KeyFileError) as caught:
            opened(provider=other)
        assert "yandex" in caught.value.message
    with pytest.raises(KeyFileError):
        ServiceAccountCredentials.from_info({"type": "service_account"}, provider="yandex")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"key_id": None}, "no_key_id"),
        ({"issuer": None}, "no_issuer"),
        ({"subject": "ann"}, "bad_subject"),
        ({"scope": "editor"}, "bad_argument"),
        ({"lifetime": 3601}, "bad_lifetime"),
        ({"algorithm": "RS256"}, "bad_algorithm"),
        ({"key": new_key("p256")[0]}, "bad_algorithm"),
        ({"key": None}, "no_key"),
        ({"grant": "jwt_bearer"}, "bad_argument"),
        ({"grant": [1]}, "bad_argument"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_work(change: dict[str, Any], code: str) -> None:
    """What Yandex Cloud does not take is refused at construction."""
    with pytest.raises(ConfigError) as caught:
        made(**change)
    assert caught.value.code == code
    assert caught.value.hint


def test_a_bare_key() -> None:
    """A bare key needs the account and the key's id beside it, and nothing more; the grant's name says nothing new."""
    assert made()
    grant = made(grant="rest_exchange")._source._exchange.grant
    assert (grant.field, grant.names.token) == ("jwt", "iamToken")
