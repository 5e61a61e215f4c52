"""The keys and signatures that RFCs print, through `sa_auth.keys.from_jwk`."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc import jws
from joserfc.jwk import import_key

from sa_auth._encoding import b64url, b64url_decode
from sa_auth.keys import Key, from_jwk

FOLDER = Path(__file__).parents[2] / "vectors"
VECTORS = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
SIGNED = [name for name, vector in VECTORS.items() if "signature" in vector]
REPRODUCIBLE = [name for name in SIGNED if VECTORS[name]["reproducible"]]

HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


def signature(key: Key, algorithm: str, data: bytes) -> bytes:
    """Signs by cryptography alone."""
    private = key.private_key
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return private.sign(data)
    digest = HASHES[algorithm[2:]]
    if isinstance(private, rsa.RSAPrivateKey):
        pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
        return private.sign(data, pss if algorithm.startswith("PS") else padding.PKCS1v15(), digest)
    width = (private.curve.key_size + 7) // 8
    return b"".join(
        number.to_bytes(width, "big") for number in decode_dss_signature(private.sign(data, ec.ECDSA(digest)))
    )


def verified(compact: str, key: Key, algorithm: str) -> bytes:
    """The payload, if another library finds the signature good."""
    public: Any = key.public_jwk()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it calls the name EdDSA old
        found = jws.deserialize_compact(compact, import_key(public), algorithms=[algorithm])
    return found.payload


def test_all_are_there() -> None:
    """No vector is missing."""
    assert len(SIGNED) == 7
    assert len(REPRODUCIBLE) == 3


@pytest.mark.parametrize("name", SIGNED)
def test_parts(name: str) -> None:
    """The parts of a vector make up its whole, and the key fits its algorithm."""
    vector = VECTORS[name]
    assert vector["compact"] == f"{vector['protected']}.{vector['payload']}.{vector['signature']}"
    assert vector["signing_input"] == f"{vector['protected']}.{vector['payload']}"
    assert json.loads(b64url_decode(vector["protected"]))["alg"] == vector["alg"]
    key = from_jwk(vector["jwk"], validate_key="now")
    assert vector["alg"] in key.algorithms
    assert key.key_id == vector["jwk"].get("kid")


@pytest.mark.parametrize("name", SIGNED)
def test_printed_signature(name: str) -> None:
    """The signature that the RFC prints verifies under the public half of the loaded key."""
    vector = VECTORS[name]
    key = from_jwk(vector["jwk"])
    assert verified(vector["compact"], key, vector["alg"]) == b64url_decode(vector["payload"])


@pytest.mark.parametrize("name", SIGNED)
def test_signing_again(name: str) -> None:
    """What the loaded key signs verifies, and is the RFC's own signature where that is reproducible."""
    vector = VECTORS[name]
    key = from_jwk(vector["jwk"])
    made = b64url(signature(key, vector["alg"], vector["signing_input"].encode()))
    verified(f"{vector['signing_input']}.{made}", key, vector["alg"])
    assert (made == vector["signature"]) is vector["reproducible"]


@pytest.mark.parametrize("name", [name for name, vector in VECTORS.items() if "thumbprint" in vector])
def test_thumbprint(name: str) -> None:
    """The thumbprint is the one that the RFC prints."""
    assert from_jwk(VECTORS[name]["jwk"]).thumbprint == VECTORS[name]["thumbprint"]
