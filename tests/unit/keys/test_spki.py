"""The DER of a public key, made of its JWK alone."""

from __future__ import annotations

import base64
import hashlib

import pytest

from sa_auth.keys import from_pem
from sa_auth.keys.spki import fingerprint_of, spki
from sa_auth.testing import new_key


@pytest.mark.parametrize("kind", ["rsa2048", "p256", "p384", "p521", "ed25519"])
def test_the_same_as_of_the_key(kind: str) -> None:
    """A key that lives elsewhere has the same DER by its JWK as one that is here."""
    key = from_pem(new_key(kind)[0])
    assert spki(key.public_jwk()) == key.spki()
    assert base64.b64decode(fingerprint_of(key.public_jwk())) == hashlib.sha256(key.spki()).digest()
