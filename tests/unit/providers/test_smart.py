"""SMART backend services: the documented request, what is refused before it, and what a bare invalid_client means."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from sa_auth import ConfigError, InvalidClient, InvalidScope, ServiceAccountCredentials
from sa_auth.caches.memory import MemoryCache
from sa_auth.client_auth import PrivateKeyJWT
from sa_auth.keys import from_pem
from sa_auth.testing import Authority, ManualClock, new_key

KEYS = {"rsa2048": new_key("rsa2048"), "p384": new_key("p384")}
PRIVATE, PUBLIC = KEYS["rsa2048"]
SCOPE = "system/Patient.rs system/Observation.rs"
ENDPOINT = "https://auth.example/r4/token"


def make(key: Any = PRIVATE, **changes: Any) -> ServiceAccountCredentials:
    """Credentials with anything changed; None leaves an argument out."""
    given = {
        "provider": "smart", "issuer": "my-client", "key_id": "k1", "scope": SCOPE, "token_endpoint": ENDPOINT,
        "cache": MemoryCache(), **changes,
    }  # fmt: skip
    return ServiceAccountCredentials(key, **{name: value for name, value in given.items() if value is not None})


def served(kind: str = "rsa2048", **options: Any) -> Authority:
    """A server that knows the client's key."""
    authority = Authority(dialect="smart", **options)
    authority.register("my-client", KEYS[kind][1], key_id="k1")
    return authority


@pytest.mark.parametrize(("kind", "alg"), [("rsa2048", "RS384"), ("p384", "ES384")])
def test_the_request(kind: str, alg: str) -> None:
    """Header, claims and form are the specification's, by either of its algorithms."""
    clock = ManualClock()
    authority = served(kind, clock=clock)
    with authority.serve() as server:
        token = make(KEYS[kind][0], token_endpoint=server.token_endpoint, clock=clock).token()
    record = authority.requests[-1]
    assert not record.broken
    now = int(clock.now().wall)
    assert record.client_header == {"alg": alg, "kid": "k1", "typ": "JWT"}
    claims = dict(record.client_claims)
    assert claims.pop("jti")
    assert claims == {
        "iss": "my-client", "sub": "my-client", "aud": server.token_endpoint, "iat": now - 10, "exp": now + 240,
    }  # fmt: skip
    assert set(record.form) == {"grant_type", "scope", "client_assertion_type", "client_assertion"}
    assert (record.form["grant_type"], record.form["scope"]) == ("client_credentials", SCOPE)
    assert token.scope == SCOPE


@pytest.mark.parametrize("lifetime", [1, 299, 300])
def test_five_minutes(lifetime: int) -> None:
    """Up to five minutes are taken, and never more lie between iat and exp."""
    authority = served()
    make(lifetime=lifetime, token_endpoint=authority.token_endpoint, transport=authority.transport()).token()
    claims = authority.requests[-1].client_claims
    assert claims["exp"] - claims["iat"] <= 300


def test_an_address_of_the_keys() -> None:
    """A jku goes into the header as it is given."""
    authority, jku = served(), "https://client.example/jwks.json"
    make(headers={"jku": jku}, token_endpoint=authority.token_endpoint, transport=authority.transport()).token()
    assert authority.requests[-1].client_header["jku"] == jku


def test_the_kid_of_a_jwk(tmp_path: Any) -> None:
    """A private JWK brings its kid along."""
    jwk = '{"kty": "EC", "crv": "P-384", "kid": "k1", "d": "%s", "x": "%s", "y": "%s"}'
    key = from_pem(KEYS["p384"][0])
    public, authority = key.public_jwk(), served("p384")
    number = key.private_key.private_numbers().private_value
    private = base64.urlsafe_b64encode(number.to_bytes(48, "big")).decode().rstrip("=")
    path = tmp_path / "key.json"
    path.write_text(jwk % (private, public["x"], public["y"]))
    path.chmod(0o600)
    ServiceAccountCredentials.from_file(
        path, provider="smart", issuer="my-client", scope=SCOPE, token_endpoint=authority.token_endpoint,
        transport=authority.transport(), cache=MemoryCache(),
    ).token()  # fmt: skip
    assert authority.requests[-1].client_header["kid"] == "k1"


def test_another_audience() -> None:
    """A server that wants another aud gets it by the client's own proof, still of the type JWT."""
    authority = served()
    creds = make(
        client_auth=PrivateKeyJWT(audience="https://other.example/token"), token_endpoint=authority.token_endpoint,
        transport=authority.transport(),
    )  # fmt: skip
    with pytest.raises(InvalidClient):
        creds.token()
    record = authority.requests[-1]
    assert (record.client_claims["aud"], record.client_header["typ"]) == ("https://other.example/token", "JWT")


@pytest.mark.parametrize("change", [{"key_id": "k2"}, {"issuer": "nobody"}, {"key": new_key("rsa2048", fresh=True)[0]}],
                         ids=["kid", "client", "key"])  # fmt: skip
def test_a_no_without_words(change: dict[str, Any]) -> None:
    """A bare invalid_client arrives with the causes that there are, and what was sent."""
    authority = served()
    with authority.serve() as server, pytest.raises(InvalidClient) as caught:
        make(**{"token_endpoint": server.token_endpoint, **change}).token()
    hint = caught.value.hint
    assert "Epic takes minutes" in hint
    assert change.get("key_id", "k1") in hint
    assert server.token_endpoint in hint


def test_a_scope_that_is_not_granted() -> None:
    """An invalid_scope points at scopes_supported."""
    authority = served()
    with authority.serve() as server, pytest.raises(InvalidScope) as caught:
        make(scope="offline", token_endpoint=server.token_endpoint).token()
    assert "scopes_supported" in caught.value.hint
    assert "offline" in caught.value.hint


def test_a_clock_that_is_off() -> None:
    """More than five minutes ahead by the server's clock is refused, and mended by that clock."""
    authority = served(clock=ManualClock())
    authority.skew = -400
    creds = make(token_endpoint=authority.token_endpoint, transport=authority.transport(), clock=authority.clock)
    assert creds.token()
    assert authority.exchanges == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"token_endpoint": None}, "no_token_endpoint"),
        ({"token_endpoint": None, "server": "https://auth.example"}, "no_token_endpoint"),
        ({"scope": None}, "no_scope"),
        ({"scope": "patient/Patient.rs"}, "bad_scope"),
        ({"scope": "system/Patient.rs user/Patient.rs"}, "bad_scope"),
        ({"key_id": None}, "no_key_id"),
        ({"issuer": None}, "no_issuer"),
        ({"subject": "ann"}, "bad_subject"),
        ({"audience": "https://x.example/"}, "bad_argument"),
        ({"lifetime": 301}, "bad_lifetime"),
        ({"algorithm": "RS256"}, "bad_algorithm"),
        ({"key": new_key("p256")[0]}, "bad_algorithm"),
        ({"key": new_key("ed25519")[0]}, "bad_algorithm"),
        ({"headers": {"jku": "http://client.example/jwks.json"}}, "bad_argument"),
        ({"headers": {"jku": True}}, "bad_argument"),
        ({"key": None}, "no_client_auth"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_what_cannot_work(change: dict[str, Any], code: str) -> None:
    """What the specification does not allow is refused at construction."""
    with pytest.raises(ConfigError) as caught:
        make(**change)
    assert caught.value.code == code
    assert caught.value.hint


def test_where_the_endpoint_stands() -> None:
    """Whoever gives none is told where to read it, and why it is not read by itself."""
    with pytest.raises(ConfigError) as caught:
        make(token_endpoint=None)
    assert ".well-known/smart-configuration" in caught.value.hint


def test_another_vendors_key_file() -> None:
    """A Google key file is none for SMART."""
    with pytest.raises(ConfigError) as caught:
        ServiceAccountCredentials.from_info({"type": "service_account"}, provider="smart")
    assert "google" in caught.value.message
