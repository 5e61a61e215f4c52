"""What may be shown of a key and its certificate."""

from __future__ import annotations

import pytest

from sa_auth.errors import KeyLoadError
from sa_auth.keys import Key
from sa_auth.keys.facts import (
    certificate_facts,
    certificate_pem,
    certificates_of,
    jwk_set,
    key_name,
    public_fingerprint,
)
from sa_auth.keys.making import generate, self_signed_certificate
from sa_auth.keys.spki import fingerprint_of


@pytest.fixture(scope="module")
def key():
    """A key with its certificate."""
    alone = generate("p256")
    return Key(alone.private_key, certificates=[self_signed_certificate(alone, "robot", 10, now=1_800_000_000)])


def test_certificate(key):
    """What a certificate says is told, its thumbprints as a header would have them."""
    facts = certificate_facts(key.certificates[0])
    assert (facts.subject, facts.issuer) == ("CN=robot", "CN=robot")
    assert facts.not_after == 1_800_000_000 + 10 * 86_400
    assert (facts.x5t, facts.x5t_s256) == (key.x5t, key.x5t_s256)
    assert int(facts.serial, 16) == key.certificates[0].serial_number


def test_fingerprint(key):
    """The fingerprint is the same of the key, its certificate and its public JWK."""
    assert public_fingerprint(key) == public_fingerprint(key.certificates[0]) == fingerprint_of(key.public_jwk())


def test_names(key):
    """Kind and size are told in words."""
    assert (key_name(key), key_name(generate("ed25519"))) == ("EC P-256", "Ed25519")


def test_jwk_set(key):
    """The JWK set holds the public half, its kid, use and alg, and the certificate."""
    (jwk,) = jwk_set(key, key_id="one", algorithm="ES256")["keys"]
    assert (jwk["kid"], jwk["use"], jwk["alg"], jwk["x5t#S256"]) == ("one", "sig", "ES256", key.x5t_s256)
    assert jwk["x5c"] == list(key.x5c)
    assert "d" not in jwk


def test_certificates_as_pem(key):
    """Certificates go to PEM and back."""
    assert certificates_of(certificate_pem(key.certificates * 2).encode()) == key.certificates * 2


def test_no_certificates():
    """What holds none is refused."""
    with pytest.raises(KeyLoadError):
        certificates_of(b"nothing")
