"""The client proves itself with a MAC by its secret: RFC 7523 section 2.2, RFC 7518 section 3.2."""

from __future__ import annotations

import base64
from typing import Any

import jwt
import pytest
from joserfc import jws
from joserfc.jwk import OctKey

from sa_auth import InvalidClient, ServiceAccountCredentials
from sa_auth._secret import Secret
from sa_auth.caches.memory import MemoryCache
from sa_auth.client_auth import Client, ClientSecretJWT, TokenRequest
from sa_auth.errors import ConfigError
from sa_auth.testing import Authority, ManualClock

SECRET = "canary-" + "é" * 32
NOW = 1_700_000_000.9
SERVER = "https://as.example"
UNJUDGED = {"verify_exp": False, "verify_aud": False, "verify_iat": False}


def sent(method: Any) -> dict[str, str]:
    """The fields that it adds."""
    return dict(method.apply(TokenRequest(), NOW).fields)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("secret", [SECRET, Secret(SECRET)])
def test_the_proof(algorithm: str, secret: Any) -> None:
    """PyJWT and joserfc find the MAC good; iss and sub are the client id, aud is the server's issuer identifier."""
    fields = sent(ClientSecretJWT("app", secret, audience=SERVER, algorithm=algorithm))
    assert list(fields) == ["client_assertion_type", "client_assertion"]
    assert fields["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    text = fields["client_assertion"]
    claims = jwt.decode(text, SECRET.encode(), algorithms=[algorithm], options=UNJUDGED)  # type: ignore[arg-type]
    assert len(base64.urlsafe_b64decode(claims.pop("jti") + "==")) == 16
    assert claims == {"iss": "app", "sub": "app", "aud": SERVER, "iat": 1_699_999_990, "exp": 1_700_000_300}
    assert jwt.get_unverified_header(text) == {"alg": algorithm, "typ": "client-authentication+jwt"}
    jws.deserialize_compact(text, OctKey.import_key(SECRET.encode()), algorithms=[algorithm])
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(text, SECRET.encode() + b"x", algorithms=[algorithm], options=UNJUDGED)  # type: ignore[arg-type]


def test_in_other_words() -> None:
    """Another type and lifetime where the caller says so; the server is the face's where no audience is named."""
    method = ClientSecretJWT("app", SECRET, typ=None, lifetime=60).completed(Client(audience=SERVER))
    text = sent(method)["client_assertion"]
    said = jwt.decode(text, options={"verify_signature": False})
    assert (said["aud"], said["exp"]) == (SERVER, 1_700_000_060)
    assert jwt.get_unverified_header(text) == {"alg": "HS256"}
    own = ClientSecretJWT("app", SECRET, audience="https://as.example/token").completed(Client(audience=SERVER))
    assert jwt.decode(sent(own)["client_assertion"], options={"verify_signature": False})["aud"] == f"{SERVER}/token"


def test_fresh_for_each_request() -> None:
    """Every request has a proof of its own."""
    method = ClientSecretJWT("app", SECRET, audience=SERVER)
    assert len({sent(method)["client_assertion"] for _ in range(20)}) == 20


@pytest.mark.parametrize(("algorithm", "least"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_too_short(algorithm: str, least: int) -> None:
    """A secret shorter than the hash is refused, by its bytes; one as long is taken."""
    assert ClientSecretJWT("app", "s" * least, algorithm=algorithm)
    assert ClientSecretJWT("app", "é" * (least // 2), algorithm=algorithm)
    with pytest.raises(ConfigError) as caught:
        ClientSecretJWT("app", "s" * (least - 1), algorithm=algorithm)
    assert caught.value.code == "secret_too_short"
    assert (str(least) in caught.value.message, bool(caught.value.hint)) == (True, True)
    assert "sss" not in str(caught.value)


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "PS256", "EdDSA", "none"])
def test_no_other_algorithm(algorithm: str) -> None:
    """The names of public-key algorithms and `none` are refused with those there are: a secret is no key of theirs."""
    with pytest.raises(ConfigError) as caught:
        ClientSecretJWT("app", SECRET, algorithm=algorithm)
    assert caught.value.code == "bad_algorithm"
    assert caught.value.hint == "One of HS256, HS384, HS512."


def test_what_it_says() -> None:
    """A refusal's hint tells whose proof it was and for whom, and nothing of the secret."""
    method = ClientSecretJWT("app", SECRET, audience=SERVER)
    told = f"client assertion with iss 'app', sub 'app', aud '{SERVER}', alg 'HS256', typ 'client-authentication+jwt'"
    assert method.describe() == told
    assert repr(method) == "ClientSecretJWT('app')"


def test_a_server_takes_it(sa_clock: ManualClock) -> None:
    """A strict server takes it, and another secret's not; the secret itself never leaves."""
    authority = Authority(sa_clock)
    authority.register("app", client_secret=SECRET)
    given: dict[str, Any] = {
        "server": authority.issuer, "token_endpoint": authority.token_endpoint, "transport": authority.transport(),
        "clock": sa_clock, "grant": "client_credentials",
    }  # fmt: skip
    method = ClientSecretJWT("app", SECRET)
    assert ServiceAccountCredentials(client_auth=method, cache=MemoryCache(), **given).token()
    record = authority.requests[-1]
    assert (record.client, record.client_method, record.broken) == ("app", "client_secret_jwt", ())
    assert "canary" not in str(record.form.pairs)
    wrong = ClientSecretJWT("app", SECRET + "x")
    with pytest.raises(InvalidClient) as caught:
        ServiceAccountCredentials(client_auth=wrong, cache=MemoryCache(), **given).token()
    assert "canary" not in str(caught.value)
