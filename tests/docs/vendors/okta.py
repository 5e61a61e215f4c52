"""Okta's key file: the private JWK that the console shows once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import RSAAlgorithm

from . import write


def make(folder: Path, private: str) -> None:
    """Makes `okta-key.json`."""
    write(folder / "okta-key.json", json.dumps(jwk_of(private, "k1")))


def jwk_of(private: str, key_id: str) -> dict[str, Any]:
    """An RSA key as the console writes it."""
    key: Any = load_pem_private_key(private.encode(), None)
    jwk: dict[str, Any] = json.loads(RSAAlgorithm.to_jwk(key))
    members = {name: jwk[name] for name in ("kty", "n", "e", "d", "p", "q", "dp", "dq", "qi")}
    return {**members, "use": "sig", "alg": "RS256", "kid": key_id}
