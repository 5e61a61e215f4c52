"""Keys that are made here, and the certificate that some vendors want of them."""

from __future__ import annotations

import datetime

import pytest
from cryptography import x509

from sa_auth.errors import ConfigError
from sa_auth.keys import from_pem
from sa_auth.keys.making import KINDS, generate, kinds_for, private_pem, self_signed_certificate

QUICK = [kind for kind in KINDS if kind not in {"rsa3072", "rsa4096"}]


@pytest.mark.parametrize("kind", QUICK)
@pytest.mark.parametrize("password", [None, "a secret"])
def test_what_is_made_can_be_read(kind, password):
    """A key of each kind, encrypted or not, is read again as the same key."""
    key = generate(kind)
    again = from_pem(private_pem(key, password), password=password, validate_key="now")
    assert again.thumbprint == key.thumbprint


def test_no_such_kind():
    """A kind that there is not is told those there are."""
    with pytest.raises(ConfigError, match="no such kind") as refusal:
        generate("dsa")
    assert "p256" in refusal.value.hint


@pytest.mark.parametrize(
    ("algorithms", "first", "among"),
    [
        (("RS256",), "rsa2048", "rsa4096"), (("RS512",), "rsa4096", "rsa2048"), (("RS384", "ES384"), "rsa2048", "p384"),
        (("ES256", "EdDSA"), "p256", "ed25519"), (("ES512",), "p521", "p521"), (("PS256", "RS256"), "rsa2048", "rsa3072"),
        ((), "rsa2048", "ed25519"),
    ],
)  # fmt: skip
def test_kinds_for(algorithms, first, among):
    """The kinds that fit are told, the best first."""
    found = kinds_for(algorithms)
    assert found[0] == first
    assert among in found


def test_long_enough():
    """Where an RSA key has to be longer, the shorter ones are none of the kinds."""
    assert kinds_for(("PS256", "ES256"), 3072) == ("rsa3072", "rsa4096", "p256")


@pytest.mark.parametrize("kind", QUICK)
def test_certificate(kind):
    """A certificate is of the key, by the key, from a moment ago, for so many days, and is no authority's."""
    key = generate(kind)
    made = self_signed_certificate(key, "robot", 30, now=1_800_000_000)
    assert made.public_key() == key.private_key.public_key()
    made.verify_directly_issued_by(made)
    assert made.not_valid_before_utc.timestamp() == 1_800_000_000 - 300
    assert made.not_valid_after_utc.timestamp() == 1_800_000_000 + 30 * 86_400
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert self_signed_certificate(key, "robot", 30).not_valid_after_utc > datetime.datetime.now(datetime.timezone.utc)


def test_no_two_certificates_have_a_number():
    """Two certificates of one key are told apart."""
    key = generate("p256")
    assert len({self_signed_certificate(key, "robot", 1).serial_number for _ in range(3)}) == 3


@pytest.mark.parametrize(
    ("subject", "days"), [("", 1), (" ", 1), ("x" * 65, 1), ("a\nb", 1), ("robot", 0), ("robot", 40_000)]
)
def test_no_certificate(subject, days):
    """A name or a life that no certificate has is refused."""
    with pytest.raises(ConfigError):
        self_signed_certificate(generate("p256"), subject, days)
