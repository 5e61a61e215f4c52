"""A public JWK as DER SubjectPublicKeyInfo, of a key that lives here or elsewhere.

Rule: pure. Stands beside the keys; a signer gives its public half as a JWK wherever the private one is.
Source: RFC 7518 section 6, RFC 8037 section 2; RFC 5280 section 4.1.2.7 for the form.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .._encoding import b64url_decode

_CURVES: dict[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}


def spki(jwk: Mapping[str, Any]) -> bytes:
    """The DER of a public key.

    Args:
        jwk: As `Signer.public_jwk()` gives it.
    """
    public: Any
    if jwk["kty"] == "RSA":
        public = rsa.RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])).public_key()
    elif jwk["kty"] == "EC":
        curve = _CURVES[jwk["crv"]]
        public = ec.EllipticCurvePublicNumbers(_number(jwk["x"]), _number(jwk["y"]), curve).public_key()
    else:
        public = ed25519.Ed25519PublicKey.from_public_bytes(b64url_decode(jwk["x"]))
    found: bytes = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return found


def fingerprint_of(jwk: Mapping[str, Any]) -> str:
    """The SHA-256 of that DER in standard base64, as consoles show it of an uploaded key.

    Example:
        >>> from sa_auth.keys import from_pem
        >>> from sa_auth.testing import new_key
        >>> len(fingerprint_of(from_pem(new_key("p256")[0]).public_jwk()))
        44
    """
    return base64.b64encode(hashlib.sha256(spki(jwk)).digest()).decode("ascii")


def _number(text: str) -> int:
    return int.from_bytes(b64url_decode(text), "big")
