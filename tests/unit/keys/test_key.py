"""Tests of `sa_auth.keys.key`: the loaded key as a value."""

from __future__ import annotations

import base64
import copy
import hashlib
import pickle
import threading
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from sa_auth._encoding import b64url
from sa_auth.errors import ConfigError, KeyLoadError
from sa_auth.keys import Key, from_pem
from sa_auth.keys import key as module
from sa_auth.keys.kind import PrivateKey
from sa_auth.keys.validity import sound


def test_algorithms(
    rsa_key: rsa.RSAPrivateKey, ec_key: ec.EllipticCurvePrivateKey, ed_key: ed25519.Ed25519PrivateKey
) -> None:
    """The algorithms follow from the kind of key, the default first."""
    assert Key(rsa_key).algorithms == ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
    assert Key(ec_key).algorithms == ("ES256",)
    assert Key(ec.generate_private_key(ec.SECP384R1())).algorithms == ("ES384",)
    assert Key(ec.generate_private_key(ec.SECP521R1())).algorithms == ("ES512",)
    assert Key(ed_key).algorithms == ("EdDSA",)
    assert Key(rsa_key, algorithm="PS256").algorithm == "PS256"


@pytest.mark.parametrize("algorithm", ["ES256", "HS256", "none", "", "rs256"])
def test_algorithm_must_fit(rsa_key: rsa.RSAPrivateKey, algorithm: str) -> None:
    """An algorithm that the key cannot sign with is refused; the hint lists those it can."""
    with pytest.raises(KeyLoadError, match="PS512") as caught:
        Key(rsa_key, algorithm=algorithm)
    assert caught.value.code == "key_unsupported"


@pytest.mark.parametrize("given_key", [None, "text", b"bytes", 7])
def test_no_key_object(given_key: object) -> None:
    """What is no key object is unsupported."""
    with pytest.raises(KeyLoadError) as caught:
        Key(given_key)
    assert caught.value.code == "key_unsupported"


def test_public_forms(rsa_key: rsa.RSAPrivateKey) -> None:
    """The public key is given as JWK, PEM and DER, all of the same key."""
    key = Key(rsa_key)
    public = load_pem_public_key(key.public_pem().encode())
    assert public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == key.spki()
    assert list(key.public_jwk()) == ["e", "kty", "n"]
    key.public_jwk()["kty"] = "changed"
    assert key.public_jwk()["kty"] == "RSA"


def test_coordinates_keep_their_width() -> None:
    """A coordinate with zeros in front keeps its full width in the JWK (RFC 7518 section 6.2.1.2)."""
    for scalar in range(1, 600):
        jwk = Key(ec.derive_private_key(scalar, ec.SECP521R1())).public_jwk()
        assert len(jwk["x"]) == len(jwk["y"]) == 88


def test_thumbprint_is_computed_once(ec_key: ec.EllipticCurvePrivateKey, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thumbprint is computed when it is first asked for, and kept."""
    key = Key(ec_key)
    first = key.thumbprint
    monkeypatch.setattr(module, "public_members", lambda _: pytest.fail("computed again"))
    assert key.thumbprint == first


def test_certificate_names(rsa_key: rsa.RSAPrivateKey, chain: list[x509.Certificate]) -> None:
    """x5t, x5t#S256 and x5c are those of the leaf and of the chain."""
    key = Key(rsa_key, certificates=[chain[2], chain[0], chain[1]])
    ders = [certificate.public_bytes(Encoding.DER) for certificate in chain]
    assert key.x5t == b64url(hashlib.sha1(ders[0]).digest())  # noqa: S324 - the header field is made of it
    assert key.x5t_s256 == b64url(hashlib.sha256(ders[0]).digest())
    assert [base64.b64decode(entry) for entry in key.x5c] == ders


@pytest.mark.parametrize("name", ["x5t", "x5t_s256", "x5c"])
def test_no_certificate(ec_key: ec.EllipticCurvePrivateKey, name: str) -> None:
    """Without a certificate its names raise ConfigError with a hint."""
    with pytest.raises(ConfigError, match="certificate=") as caught:
        getattr(Key(ec_key), name)
    assert caught.value.code == "no_certificate"


def test_secret(
    rsa_key: rsa.RSAPrivateKey, ec_key: ec.EllipticCurvePrivateKey, ed_key: ed25519.Ed25519PrivateKey
) -> None:
    """The secret has 32 bytes, differs from key to key, and does not depend on the order of an RSA key's primes."""
    secrets = {Key(made).secret() for made in (rsa_key, ec_key, ed_key)}
    assert [len(secret) for secret in secrets] == [32, 32, 32]
    numbers = rsa_key.private_numbers()
    p, q, d = numbers.q, numbers.p, numbers.d
    turned = rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), numbers.public_numbers
    )
    assert Key(turned.private_key()).secret() == Key(rsa_key).secret()


def test_repr(rsa_key: rsa.RSAPrivateKey) -> None:
    """The repr shows kind, size and eight hex digits."""
    key = Key(rsa_key, key_id="canary")
    assert repr(key) == f"Key(RSA 2048, sha256={hashlib.sha256(key.thumbprint.encode()).hexdigest()[:8]})"


def test_not_pickled(ec_key: ec.EllipticCurvePrivateKey) -> None:
    """A key is not pickled; a copy is the key itself."""
    key = Key(ec_key)
    with pytest.raises(ConfigError, match="environment variable") as caught:
        pickle.dumps(key)
    assert caught.value.code == "not_picklable"
    assert copy.copy(key) is key
    assert copy.deepcopy(key) is key


@pytest.mark.parametrize("name", ["algorithm", "private_key", "certificates", "_memo", "other"])
def test_immutable(ec_key: ec.EllipticCurvePrivateKey, name: str) -> None:
    """Nothing of a key can be set or deleted."""
    key = Key(ec_key)
    with pytest.raises(AttributeError):
        setattr(key, name, None)
    with pytest.raises(AttributeError):
        delattr(key, name)


def test_unknown_mode(ec_key: ec.EllipticCurvePrivateKey) -> None:
    """An unknown `validate_key` is a ConfigError."""
    with pytest.raises(ConfigError) as caught:
        Key(ec_key, validate_key="skip")
    assert caught.value.code == "validate_key"


@pytest.fixture
def validations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The modes of all validations that took place."""
    seen: list[str] = []

    def count(key: PrivateKey, mode: str) -> bool:
        seen.append(mode)
        return sound(key, mode)

    monkeypatch.setattr(module, "sound", count)
    return seen


@pytest.mark.parametrize("mode", ["full", "fast"])
def test_validated_once_by_eight_threads(rsa_key: rsa.RSAPrivateKey, validations: list[str], mode: str) -> None:
    """Nothing is validated at construction; eight threads at once validate once; later calls not at all."""
    key = Key(rsa_key, validate_key=mode)
    assert validations == []
    start = threading.Barrier(8)

    def use() -> None:
        start.wait(10)
        key.ensure_valid()

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    key.ensure_valid()
    assert validations == [mode]


def test_validated_at_construction(rsa_key: rsa.RSAPrivateKey, validations: list[str]) -> None:
    """With "now" the key is validated when it is made, and then no more."""
    Key(rsa_key, validate_key="now").ensure_valid()
    assert validations == ["now"]


def test_known_to_be_sound(rsa_key: rsa.RSAPrivateKey, validations: list[str]) -> None:
    """A key that its maker calls validated is not validated again, with "now" either."""
    Key(rsa_key, validate_key="now", validated=True).ensure_valid()
    assert validations == []


def test_a_damaged_key_stays_damaged(damaged_rsa: Callable[[str], str], validations: list[str]) -> None:
    """A damaged key raises at every call, a fresh error each time, and is validated once."""
    key = from_pem(damaged_rsa("d"))
    errors = []
    for _ in range(3):
        with pytest.raises(KeyLoadError) as caught:
            key.ensure_valid()
        errors.append(caught.value)
    assert {error.code for error in errors} == {"key_damaged"}
    assert len({id(error) for error in errors}) == 3
    assert validations == ["full"]


def test_damaged_key_in_its_other_acts(damaged_rsa: Callable[[str], str]) -> None:
    """A damaged key still has a repr, a thumbprint and a secret, so that a log line never fails."""
    key = Key(load_pem_private_key(damaged_rsa("p").encode(), None, unsafe_skip_rsa_key_validation=True))
    assert repr(key)
    assert key.thumbprint
    assert key.secret()


def test_fork(python: Callable[..., str]) -> None:
    """A child forked while another thread validates does not wait for a lock that nobody will release."""
    script = (
        "import os, signal\n"
        "if not hasattr(os, 'fork'): print('no fork here', end=''); raise SystemExit\n"
        "from cryptography.hazmat.primitives.asymmetric import ec\n"
        "from sa_auth.keys import Key\n"
        "from sa_auth.keys import key as module\n"
        "key = Key(ec.generate_private_key(ec.SECP256R1()))\n"
        "module._TURN[0].acquire()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    signal.alarm(10)\n"
        "    key.ensure_valid()\n"
        "    os._exit(7)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    assert python(script) in {"7", "no fork here"}
