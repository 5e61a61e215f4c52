"""Fuzz target: JSON Web Keys and sets of them. Any bytes become a key that can sign, or a `ConfigError` without a secret.

The bytes: the text. Where it is a JSON object, it is read as a mapping as well, which comes out the same.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from sa_auth.errors import SaAuthError
from sa_auth.keys import Key, from_jwk

from . import laws, material


def judge(data: bytes) -> None:
    """The text becomes a key, or a refusal that repeats none of it; as text and as a mapping alike."""
    with laws.alone():
        first = _read(data, data)
        try:
            found = json.loads(data.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            again = _read(found, data)
            assert type(again) is type(first), "text and mapping are read in two ways"
            if isinstance(first, SaAuthError) or isinstance(again, SaAuthError):
                assert str(again) == str(first)
                return
            assert again.thumbprint == first.thumbprint
    if isinstance(first, Key):
        laws.check_key(first)


def _read(given: Any, data: bytes) -> Key | SaAuthError:
    try:
        return from_jwk(given, validate_key="fast")
    except SaAuthError as error:
        laws.refused(error, data.decode("latin-1"))
        return error


def seeds() -> dict[str, bytes]:
    """A key of each kind, with all that may stand beside it, alone and in sets."""
    jwks: dict[str, dict[str, Any]] = {kind: material.jwk(kind) for kind in ("rsa", "p256", "p521", "ed25519", "short")}
    whole = {name: value for name, value in jwks["rsa"].items() if name in {"kty", "n", "e", "d"}}
    chain = {
        kind: base64.b64encode(material.certificate(kind).public_bytes(Encoding.DER)).decode()
        for kind in ("rsa", "p256")
    }
    found = {
        **jwks,
        "without_primes": whole,
        "described": {**jwks["p256"], "kid": "one", "alg": "ES256", "use": "sig", "key_ops": ["sign"]},
        "certified": {**jwks["p256"], "x5c": [chain["p256"]]},
        "certified_rsa": {**whole, "x5c": [chain["rsa"]]},
        "set": {"keys": [jwks["ed25519"], {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]},
        "two": {"keys": [jwks["ed25519"], jwks["p256"]]},
        "secret": {"kty": "oct", "k": "AAAA"},
        "public": {"kty": "RSA", "n": jwks["rsa"]["n"], "e": "AQAB"},
        "huge": {"kty": "RSA", **dict.fromkeys("ned", "_" * 2731)},
        "others": {**jwks["rsa"], "oth": []},
    }
    return {name: json.dumps(value).encode() for name, value in found.items()}
