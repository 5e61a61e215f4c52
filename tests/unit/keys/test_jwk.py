"""Tests of `sa_auth.keys.jwk`: private JSON Web Keys, and what is refused."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc.jwk import ECKey, OKPKey, RSAKey

from sa_auth._encoding import b64url
from sa_auth.errors import ConfigError, KeyLoadError, SaAuthError
from sa_auth.keys import Key, from_jwk

JWK = dict[str, Any]
CRT = ("p", "q", "dp", "dq", "qi")


@pytest.fixture(scope="session")
def rsa_jwk() -> JWK:
    """A private RSA JWK, written by another library."""
    return dict(RSAKey.generate_key(2048).as_dict(private=True))


@pytest.fixture(scope="session")
def ec_jwk() -> JWK:
    """A private P-256 JWK, written by another library."""
    return dict(ECKey.generate_key("P-256").as_dict(private=True))


@pytest.fixture(scope="session")
def ed_jwk() -> JWK:
    """A private Ed25519 JWK, written by another library."""
    return dict(OKPKey.generate_key("Ed25519").as_dict(private=True))


def refused(data: Any, **arguments: Any) -> str:
    """The code under which a JWK is refused at the latest before the first signature."""
    try:
        from_jwk(data, **arguments).ensure_valid()
    except KeyLoadError as error:
        assert error.hint
        return error.code
    return "accepted"


@pytest.mark.parametrize("write", [dict, json.dumps, lambda jwk: json.dumps(jwk).encode("utf-8-sig"), MappingProxyType])
@pytest.mark.parametrize("kind", ["rsa", "ec", "ed"])
def test_forms(request: pytest.FixtureRequest, kind: str, write: Callable[[JWK], Any]) -> None:
    """A private JWK is read from a mapping, text or bytes, and is the key that it was."""
    jwk = request.getfixturevalue(f"{kind}_jwk")
    key = from_jwk(write({**jwk, "kid": "the key"}), validate_key="now")
    assert key.key_id == "the key"
    assert all(jwk[name] == value for name, value in key.public_jwk().items())


@pytest.mark.parametrize(("curve", "algorithm"), [("P-256", "ES256"), ("P-384", "ES384"), ("P-521", "ES512")])
def test_curves(curve: str, algorithm: str) -> None:
    """Each curve has its one algorithm."""
    jwk = ECKey.generate_key(curve).as_dict(private=True)
    assert from_jwk(jwk).algorithms == (algorithm,)


def test_rsa_without_primes(rsa_jwk: JWK) -> None:
    """An RSA JWK of n, e and d alone is the same key as the whole one, to the byte of its secret."""
    short = {name: value for name, value in rsa_jwk.items() if name not in CRT}
    key = from_jwk(short, validate_key="now")
    assert key.secret() == from_jwk(rsa_jwk).secret()


@pytest.mark.parametrize("bits", [4097, 16_384])
def test_large_without_primes(bits: int) -> None:
    """The primes of a large RSA key are not searched for, which would take minutes: it has to bring them."""
    members = {"n": 1 << (bits - 1) | 1, "e": 65537, "d": (1 << (bits - 1)) - 1}
    jwk = {"kty": "RSA", **{name: b64url(value.to_bytes(bits // 8 + 1, "big")) for name, value in members.items()}}
    with pytest.raises(KeyLoadError, match="primes are missing") as caught:
        from_jwk(jwk)
    assert caught.value.code == "key_unsupported"


@pytest.mark.parametrize("member", ["e", "d"])
def test_long_exponents(rsa_jwk: JWK, member: str) -> None:
    """An exponent that is longer than any key's is refused before it is counted with."""
    short = {name: value for name, value in rsa_jwk.items() if name not in CRT}
    began = time.process_time()
    assert refused({**short, member: "_" * 2730}) == "key_damaged"
    assert time.process_time() - began < 0.5


def test_algorithm(rsa_jwk: JWK, ec_jwk: JWK) -> None:
    """The JWK's own `alg` is the default algorithm; one that does not fit the key is refused."""
    assert from_jwk({**rsa_jwk, "alg": "PS384"}).algorithm == "PS384"
    assert from_jwk(rsa_jwk).algorithm == "RS256"
    for jwk, algorithm in (
        (rsa_jwk, "ES256"), (rsa_jwk, "HS256"), (rsa_jwk, "none"), (rsa_jwk, "RSA-OAEP"), (ec_jwk, "ES384"), (ec_jwk, ""),
    ):  # fmt: skip
        assert refused({**jwk, "alg": algorithm}) == "key_unsupported"


def test_shared_secrets() -> None:
    """`kty: oct` is refused, alone and in a set."""
    secret = {"kty": "oct", "k": "AAAA", "alg": "HS256"}
    assert refused(secret) == "key_unsupported"
    assert refused({"keys": [secret]}) == "key_unsupported"


@pytest.mark.parametrize("kind", ["rsa", "ec", "ed"])
def test_public(request: pytest.FixtureRequest, kind: str) -> None:
    """A public JWK, or a set of them, is named as public."""
    key = from_jwk(request.getfixturevalue(f"{kind}_jwk"))
    assert refused(key.public_jwk()) == "public_key_only"
    assert refused({"keys": [key.public_jwk()]}) == "public_key_only"
    assert refused({"keys": []}) == "public_key_only"


def test_set(rsa_jwk: JWK, ec_jwk: JWK) -> None:
    """Of a set, the one private key is taken; two are refused."""
    public = from_jwk(rsa_jwk).public_jwk()
    assert from_jwk({"keys": [public, {**ec_jwk, "kid": "b"}]}).key_id == "b"
    assert refused({"keys": [rsa_jwk, ec_jwk]}) == "several_keys"


@pytest.mark.parametrize("data", ["", "[]", "null", "nope", b"\xff\xfe", "[" * 100_000, '{"d": NaN', "7"])
def test_not_json(data: str | bytes) -> None:
    """What is no JSON object is damaged."""
    assert refused(data) == "key_damaged"


def test_other_json() -> None:
    """JSON that is no JWK, such as a vendor's key file, is unsupported; the hint says who reads it."""
    with pytest.raises(KeyLoadError, match="from_file") as caught:
        from_jwk({"type": "service_account"})
    assert caught.value.code == "key_unsupported"


@pytest.mark.parametrize("value", [None, 7, "", "!", "A", [], "\u00e4", "AAAA"])
@pytest.mark.parametrize("member", ["n", "e", "d", "p", "q", "dp", "dq", "qi"])
def test_damaged_rsa(rsa_jwk: JWK, member: str, value: Any) -> None:
    """A member that is absent, of another type or wrong makes an RSA JWK damaged, or too small."""
    assert refused({**rsa_jwk, member: value}, validate_key="fast") in {"key_damaged", "key_too_small"}


@pytest.mark.parametrize("mode", ["full", "fast", "now"])
@pytest.mark.parametrize("member", ["d", "p"])
def test_damaged_rsa_by_two(rsa_jwk: JWK, member: str, mode: str) -> None:
    """A number that is off by two is caught in every mode."""
    number = int.from_bytes(base64.urlsafe_b64decode(rsa_jwk[member] + "=="), "big") + 2
    octets = number.to_bytes((number.bit_length() + 7) // 8, "big")
    jwk = {**rsa_jwk, member: base64.urlsafe_b64encode(octets).decode().rstrip("=")}
    assert refused(jwk, validate_key=mode) == "key_damaged"
    if member == "d":
        assert refused({name: value for name, value in jwk.items() if name not in CRT}) == "key_damaged"


@pytest.mark.parametrize("member", ["x", "y", "d"])
def test_mixed_keys(ec_jwk: JWK, ed_jwk: JWK, member: str) -> None:
    """Members of two keys in one JWK are damaged."""
    other = ECKey.generate_key("P-256").as_dict(private=True)
    assert refused({**ec_jwk, member: other[member]}) == "key_damaged"
    assert refused({name: value for name, value in ec_jwk.items() if name != member}) in {
        "key_damaged",
        "public_key_only",
    }
    if member != "y":
        edwards = OKPKey.generate_key("Ed25519").as_dict(private=True)
        assert refused({**ed_jwk, member: edwards[member]}) == "key_damaged"


def test_unsupported_kinds(rsa_jwk: JWK, ec_jwk: JWK, ed_jwk: JWK) -> None:
    """Other curves, key types, multi-prime RSA and sizes beyond the bounds are refused before any arithmetic."""
    assert refused({**ec_jwk, "crv": "secp256k1"}) == "key_unsupported"
    assert refused({**ec_jwk, "crv": ["P-256"]}) == "key_unsupported"
    assert refused({**ed_jwk, "crv": "Ed448"}) == "key_unsupported"
    assert refused({**ed_jwk, "crv": "X25519"}) == "key_unsupported"
    assert refused({**ed_jwk, "kty": "AKP"}) == "key_unsupported"
    assert refused({**ed_jwk, "kty": ["OKP"]}) == "key_unsupported"
    assert refused({**rsa_jwk, "oth": []}) == "key_unsupported"
    assert refused({**rsa_jwk, "n": "_" * 2740}) == "key_unsupported"
    assert refused({**rsa_jwk, "d": "_" * 500_000}) == "key_unsupported"
    assert refused({**rsa_jwk, "n": "_" * 171}) == "key_too_small"


def test_use(ec_jwk: JWK) -> None:
    """A key that says it is not for signing is refused."""
    assert refused({**ec_jwk, "use": "sig", "key_ops": ["sign"]}) == "accepted"
    assert refused({**ec_jwk, "use": "enc"}) == "key_unsupported"
    assert refused({**ec_jwk, "key_ops": ["verify"]}) == "key_unsupported"


def test_key_id_is_text(ec_jwk: JWK) -> None:
    """A `kid` or `alg` that is not text is damaged."""
    assert refused({**ec_jwk, "kid": 7}) == "key_damaged"
    assert refused({**ec_jwk, "alg": ["ES256"]}) == "key_damaged"


def test_chain(rsa_key: rsa.RSAPrivateKey, pem: Callable[..., str], chain: list[x509.Certificate], ec_jwk: JWK) -> None:
    """`x5c` comes along as the chain; one of another key, or that cannot be read, is refused."""
    jwk = RSAKey.import_key(pem(rsa_key)).as_dict(private=True)
    entries = [base64.b64encode(certificate.public_bytes(Encoding.DER)).decode() for certificate in chain]
    key = from_jwk({**jwk, "x5c": entries})
    assert list(key.x5c) == entries
    assert from_jwk(jwk, certificate=chain[0].public_bytes(Encoding.PEM)).x5c == (entries[0],)
    assert refused({**ec_jwk, "x5c": entries}) == "certificate_mismatch"
    for wrong in ([], "x", [7], ["AAAA"], 7, ["!"]):
        assert refused({**jwk, "x5c": wrong}) == "certificate_damaged"


def test_too_large_and_wrong_arguments(ec_jwk: JWK) -> None:
    """More than 1 MiB of text, a wrong type and an unknown `validate_key` are refused."""
    assert refused(json.dumps(ec_jwk) + " " * (1 << 20)) == "too_large"
    with pytest.raises(ConfigError):
        from_jwk(7)  # type: ignore[arg-type]
    with pytest.raises(ConfigError):
        from_jwk(ec_jwk, validate_key="never")


def test_same_secret_as_other_forms(
    rsa_key: rsa.RSAPrivateKey,
    ec_key: ec.EllipticCurvePrivateKey,
    ed_key: ed25519.Ed25519PrivateKey,
    pem: Callable[..., str],
) -> None:
    """A key read from a JWK has the same secret and thumbprint as from any other form."""
    pairs: list[tuple[Any, Any]] = [(rsa_key, RSAKey), (ec_key, ECKey), (ed_key, OKPKey)]
    for made, kind in pairs:
        key = from_jwk(kind.import_key(pem(made)).as_dict(private=True))
        assert key.secret() == Key(made).secret()
        assert key.thumbprint == kind.import_key(pem(made)).thumbprint()


def test_errors_are_silent(rsa_jwk: JWK, ec_jwk: JWK, assert_silent: Callable[..., None]) -> None:
    """No private member is found in any error, its chain or the locals of our frames."""
    wrong: list[Any] = [
        {**rsa_jwk, "dp": rsa_jwk["dq"]},
        {**rsa_jwk, "p": rsa_jwk["q"]},
        {**rsa_jwk, "kty": "oct"},
        {**ec_jwk, "x": ec_jwk["y"]},
        {**ec_jwk, "kid": 7},
        {**rsa_jwk, "alg": rsa_jwk["d"]},
        {"keys": [rsa_jwk, ec_jwk]},
        json.dumps(rsa_jwk)[:-1],
        json.dumps(rsa_jwk).encode("utf-16"),
    ]
    for jwk in wrong:
        with pytest.raises(SaAuthError) as caught:
            from_jwk(jwk, validate_key="now")
        assert_silent(caught.value, rsa_jwk["d"], rsa_jwk["p"], rsa_jwk["q"], ec_jwk["d"])
