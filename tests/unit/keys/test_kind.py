"""Tests of `sa_auth.keys.kind`: which keys sign, and what follows from their kind."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x448, x25519

from sa_auth.errors import KeyLoadError
from sa_auth.keys.kind import check_rsa_size, name_of, private_digest, supported


@pytest.mark.parametrize("key", [
    ed448.Ed448PrivateKey.generate(),
    x25519.X25519PrivateKey.generate(),
    x448.X448PrivateKey.generate(),
    dsa.generate_private_key(1024),
    ec.generate_private_key(ec.SECP256K1()),
    ec.generate_private_key(ec.SECP224R1()),
    ed25519.Ed25519PrivateKey.generate().public_key(),
], ids=lambda key: type(key).__name__)  # fmt: skip
def test_unsupported(key: object) -> None:
    """A kind that is not listed does not pass."""
    with pytest.raises(KeyLoadError) as caught:
        supported(key)
    assert caught.value.code == "key_unsupported"


@pytest.mark.parametrize(("bits", "code"), [
    (512, "key_too_small"), (1024, "key_too_small"), (2047, "key_too_small"), (2048, None), (16384, None),
    (16385, "key_unsupported"),
])  # fmt: skip
def test_rsa_size(bits: int, code: str | None) -> None:
    """RSA has 2048 to 16384 bits."""
    found = None
    try:
        check_rsa_size(bits)
    except KeyLoadError as error:
        found = error.code
    assert found == code


def test_names(
    rsa_key: rsa.RSAPrivateKey, ec_key: ec.EllipticCurvePrivateKey, ed_key: ed25519.Ed25519PrivateKey
) -> None:
    """A kind has a name with its size."""
    assert [name_of(key) for key in (rsa_key, ec_key, ed_key)] == ["RSA 2048", "EC P-256", "Ed25519"]


def test_digests_of_curves_differ() -> None:
    """The same scalar on two curves gives two digests."""
    first, second = (ec.derive_private_key(7, curve) for curve in (ec.SECP256R1(), ec.SECP384R1()))
    assert private_digest(first) != private_digest(second)
