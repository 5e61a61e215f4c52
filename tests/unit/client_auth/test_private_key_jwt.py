"""The client proves itself with its key: RFC 7523 section 2.2, and what replaces its audience."""

from __future__ import annotations

import base64
from typing import Any

import jwt
import pytest
from joserfc import jws
from joserfc.jwk import import_key

from sa_auth.client_auth import Client, PrivateKeyJWT, TokenRequest
from sa_auth.errors import ConfigError
from sa_auth.keys import from_pem
from sa_auth.signers.local import LocalSigner
from sa_auth.testing import new_key

PRIVATE, PUBLIC = new_key("p256")
SIGNER = LocalSigner(from_pem(PRIVATE), key_id="k1")
NOW = 1_700_000_000.9
KNOWN = Client("app", SIGNER, "https://as.example")
UNJUDGED = {"verify_exp": False, "verify_aud": False, "verify_iat": False}


def proof(method: PrivateKeyJWT, known: Client = KNOWN, public: str = PUBLIC) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of what a method sends, once PyJWT has found the signature good."""
    fields = dict(method.completed(known).apply(TokenRequest(), NOW).fields)
    assert fields["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    text = fields["client_assertion"]
    header = jwt.get_unverified_header(text)
    return header, jwt.decode(text, public, algorithms=[header["alg"]], options=UNJUDGED)  # type: ignore[arg-type]


def test_what_is_sent() -> None:
    """Two fields follow what is asked, and no client_id, which RFC 7521 section 4.2 calls unnecessary."""
    before = TokenRequest((("grant_type", "client_credentials"),), {"Accept": "a"})
    after = PrivateKeyJWT().completed(KNOWN).apply(before, NOW)
    assert [name for name, _ in after.fields] == ["grant_type", "client_assertion_type", "client_assertion"]
    assert after.headers == before.headers


def test_the_proof() -> None:
    """It is explicitly typed; iss and sub are the client id; aud is the server's issuer identifier as one string."""
    header, claims = proof(PrivateKeyJWT())
    assert header == {"alg": "ES256", "kid": "k1", "typ": "client-authentication+jwt"}
    jti = claims.pop("jti")
    assert claims == {
        "iss": "app", "sub": "app", "aud": "https://as.example", "iat": 1_699_999_990, "exp": 1_700_000_300,
    }  # fmt: skip
    assert len(base64.urlsafe_b64decode(jti + "==")) == 16


def test_another_library_takes_it() -> None:
    """A second library, joserfc, verifies the signature."""
    text = dict(PrivateKeyJWT().completed(KNOWN).apply(TokenRequest(), NOW).fields)["client_assertion"]
    jws.deserialize_compact(text, import_key(dict(SIGNER.public_jwk())), algorithms=["ES256"])


def test_fresh_for_each_request() -> None:
    """Every request has a proof of its own."""
    method = PrivateKeyJWT().completed(KNOWN)
    texts = [dict(method.apply(TokenRequest(), NOW).fields)["client_assertion"] for _ in range(20)]
    assert len({jwt.decode(text, options={"verify_signature": False})["jti"] for text in texts}) == 20


def test_in_other_words() -> None:
    """Servers that want another audience or type get it where the caller says so, and there alone."""
    header, claims = proof(PrivateKeyJWT(audience="https://as.example/token", typ="JWT"), KNOWN._replace(audience=None))
    assert (header["typ"], claims["aud"]) == ("JWT", "https://as.example/token")
    assert "typ" not in proof(PrivateKeyJWT(typ=None))[0]


def test_the_methods_own_words_go_first() -> None:
    """Client id, key, lifetime, claims and header fields of the method stand in place of the face's."""
    private, public = new_key("p384")
    said = {"lifetime": 120, "claims": {"a": "face"}, "headers": {"h": "face"}}
    known = KNOWN._replace(shape=tuple(said.items()))
    header, claims = proof(PrivateKeyJWT(), known)
    assert (header["h"], claims["a"], claims["exp"]) == ("face", "face", 1_700_000_120)
    own = PrivateKeyJWT(
        client_id="own", signer=LocalSigner(from_pem(private)), lifetime=60, claims={"a": "own"}, headers={"h": "own"}
    )
    header, claims = proof(own, known, public)
    assert (header["alg"], header["h"]) == ("ES384", "own")
    assert (claims["iss"], claims["sub"], claims["a"], claims["exp"]) == ("own", "own", "own", 1_700_000_060)
    header, claims = proof(PrivateKeyJWT(claims={}, headers={}), known)
    assert "a" not in claims
    assert "h" not in header


def test_client_id_beside_it() -> None:
    """Where it is asked for, client_id stands beside the proof and names the client that the proof is of."""
    method = PrivateKeyJWT(with_client_id=True).completed(KNOWN)
    fields = method.apply(TokenRequest(), NOW).fields
    assert fields[2:] == (("client_id", "app"),)
    said = jwt.decode(dict(fields)["client_assertion"], options={"verify_signature": False})
    assert dict(fields)["client_id"] == said["iss"] == said["sub"]


def test_the_callers_mappings_are_copied() -> None:
    """What the caller does to its mappings before the credentials are made changes no proof."""
    claims: dict[str, Any] = {"a": ["b"]}
    method = PrivateKeyJWT(claims=claims)
    claims["a"].append("c")
    claims["d"] = 1
    assert {name: said for name, said in proof(method)[1].items() if name in {"a", "d"}} == {"a": ["b"]}


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "exp", "iat", "jti", "scope"])
def test_a_claim_that_an_argument_decides(name: str) -> None:
    """No claim may make the proof another client's, or another server's, behind the arguments' back."""
    with pytest.raises(ConfigError) as caught:
        PrivateKeyJWT(claims={name: "x"}).completed(KNOWN)
    assert (caught.value.code, bool(caught.value.hint)) == ("bad_argument", True)


def test_what_it_says() -> None:
    """A refusal's hint tells whose proof it was, for whom and by which key."""
    told = PrivateKeyJWT().completed(KNOWN).describe()  # type: ignore[attr-defined]
    for word in ("client assertion", "iss 'app'", "sub 'app'", "aud 'https://as.example'", "kid 'k1'"):
        assert word in told
    assert repr(PrivateKeyJWT()) == "PrivateKeyJWT(audience=None, typ='client-authentication+jwt')"
