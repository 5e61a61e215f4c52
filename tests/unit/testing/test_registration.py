"""Public keys, and what an issuer is allowed."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.x509.oid import NameOID

from sa_auth.errors import ConfigError
from sa_auth.testing import new_key
from sa_auth.testing.registration import Registration, verify_key, words

PRIVATE, PUBLIC = new_key("p256")
KEY: Any = serialization.load_pem_private_key(PRIVATE.encode(), None)


def certificate() -> bytes:
    """A self-signed certificate over the key."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "robot")])
    day = dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc)
    builder = x509.CertificateBuilder(name, name, KEY.public_key(), 1, day, day + dt.timedelta(days=1))
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


JWK: dict[str, Any] = json.loads(jwt.get_algorithm_by_name("ES256").to_jwk(KEY.public_key()))


@pytest.mark.parametrize(
    "source",
    [PUBLIC, PUBLIC.encode(), KEY.public_key(), certificate(), certificate().decode(), JWK],
    ids=["text", "bytes", "object", "certificate", "certificate text", "jwk"],
)
def test_a_public_key_is_taken_in_every_form(source: Any) -> None:
    """PEM, object, certificate and JWK all give the same key and its one algorithm."""
    key = verify_key(source)
    assert key.key == KEY.public_key()
    assert (key.key_id, key.algorithms) == (None, ("ES256",))


def test_a_jwk_brings_its_own_name() -> None:
    """The kid of a JWK is the key's name, unless another is given."""
    assert verify_key({**JWK, "kid": "one"}).key_id == "one"
    assert verify_key({**JWK, "kid": "one"}, "two").key_id == "two"


def small_rsa() -> str:
    """An RSA key below the least size."""
    public = rsa.generate_private_key(65537, 1024).public_key()
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


PRIVATE_JWK = json.loads(jwt.get_algorithm_by_name("ES256").to_jwk(KEY))


@pytest.mark.parametrize(
    "source",
    [
        PRIVATE,
        KEY,
        PRIVATE_JWK,
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "EC"},
        {"kty": "unheard"},
        {},
        "secret",
        "sécret",
        b"",
        None,
        7,
        ec.generate_private_key(ec.SECP256K1()).public_key(),
        dsa.generate_private_key(1024).public_key(),
    ],
    ids=lambda value: repr(value).partition(" at 0x")[0],
)
def test_nothing_else_is_taken(source: Any) -> None:
    """Private and shared keys, other types and nonsense are refused."""
    with pytest.raises(ConfigError, match="not a public key"):
        verify_key(source)


def test_a_small_rsa_key_is_refused() -> None:
    """RSA has at least 2048 bits (RFC 7518 section 3.3)."""
    with pytest.raises(ConfigError, match="2048"):
        verify_key(small_rsa())


@pytest.mark.parametrize("algorithms", [["RS256"], ["HS256"], ["none"], ["ES256", "ES384"], []])
def test_an_algorithm_that_does_not_fit_is_refused(algorithms: list[str]) -> None:
    """Only what fits the type of key can be allowed, and something must be."""
    with pytest.raises(ConfigError, match="can be used with ES256"):
        verify_key(PUBLIC, algorithms=algorithms)


def test_algorithms_can_be_narrowed() -> None:
    """An RSA key can be kept to one algorithm."""
    assert verify_key(new_key("rsa2048")[1], algorithms=["PS256"]).algorithms == ("PS256",)


def test_a_named_key_answers_to_its_name_alone() -> None:
    """A kid picks the key of that name; a nameless key answers to any; without a kid all may be meant."""
    one, nameless = verify_key(PUBLIC, "one"), verify_key(PUBLIC)
    known = Registration("x", (one, nameless))
    assert known.candidates("one") == (one, nameless)
    assert known.candidates("two") == (nameless,)
    assert known.candidates(None) == (one, nameless)


def test_its_repr_shows_no_secret() -> None:
    """The client secret is not in the repr."""
    assert "hush" not in repr(Registration("x", (), client_secret="hush"))


def test_allowed_sets_are_read_in_both_forms() -> None:
    """One string of words, several strings, or None for no limit."""
    assert words("a b") == words(["a", "b"]) == frozenset({"a", "b"})
    assert words(None) is None
    assert words("") == frozenset()
