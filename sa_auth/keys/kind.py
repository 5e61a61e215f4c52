"""What kind of key it is, and what follows from that: algorithms, public members, private bytes.

Rule: only the kinds listed here sign. Source: RFC 7518 sections 3 and 6, RFC 8037, RFC 7638 section 3.2.
"""

from __future__ import annotations

from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from .._encoding import b64url, digest
from .faults import fault

PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicHalf: TypeAlias = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
_PRIVATE = (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey)

RSA_BITS_LEAST = 2048
RSA_BITS_MOST = 16384
_RSA_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")

# cryptography's name of the curve -> the JWK's name of it, the one algorithm, the bytes of a coordinate.
_CURVES = {
    "secp256r1": ("P-256", "ES256", 32),
    "secp384r1": ("P-384", "ES384", 48),
    "secp521r1": ("P-521", "ES512", 66),
}


def supported(key: object) -> PrivateKey:
    """Lets a key of a known kind and size through.

    Raises:
        KeyLoadError: `key_too_small`, or `key_unsupported` for DSA, DH, X25519, Ed448, other curves, RSA over 16384.
    """
    if isinstance(key, rsa.RSAPrivateKey):
        check_rsa_size(key.key_size)
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return key
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key
    raise fault("key_unsupported")


def supported_public(key: object) -> PublicHalf:
    """Lets a public key of a known kind and size through.

    Raises:
        KeyLoadError: as of a private one.
    """
    if isinstance(key, rsa.RSAPublicKey):
        check_rsa_size(key.key_size)
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return key
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    raise fault("key_unsupported", "The public key is of a kind that is not supported.")


def check_rsa_size(bits: int) -> None:
    """Judges the length of a modulus in bits, before any arithmetic with it."""
    if bits < RSA_BITS_LEAST:
        raise fault("key_too_small", f"The RSA key has {bits} bits, fewer than {RSA_BITS_LEAST}.")
    if bits > RSA_BITS_MOST:
        raise fault("key_unsupported", f"The RSA key has more than {RSA_BITS_MOST} bits.")


def algorithms_of(key: PrivateKey | PublicHalf) -> tuple[str, ...]:
    """The JOSE algorithms a key can sign with, the default first."""
    if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey):
        return _RSA_ALGORITHMS
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        return (_CURVES[key.curve.name][1],)
    return ("EdDSA",)


def name_of(key: PrivateKey) -> str:
    """Type and size for people: "RSA 2048", "EC P-256", "Ed25519"."""
    if isinstance(key, rsa.RSAPrivateKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return f"EC {_CURVES[key.curve.name][0]}"
    return "Ed25519"


def coordinate_width(key: PublicHalf) -> int | None:
    """Bytes of one coordinate, and of r and s; None where the key is on no curve of ECDSA."""
    return _CURVES[key.curve.name][2] if isinstance(key, ec.EllipticCurvePublicKey) else None


def public_members(key: PrivateKey | PublicHalf) -> dict[str, str]:
    """The members of the public JWK that a thumbprint is made of, in the order it wants them."""
    public = key.public_key() if isinstance(key, _PRIVATE) else key
    if isinstance(public, rsa.RSAPublicKey):
        rsa_numbers = public.public_numbers()
        return {"e": _shortest(rsa_numbers.e), "kty": "RSA", "n": _shortest(rsa_numbers.n)}
    if isinstance(public, ec.EllipticCurvePublicKey):
        curve, _, width = _CURVES[public.curve.name]
        point = public.public_numbers()
        x, y = point.x.to_bytes(width, "big"), point.y.to_bytes(width, "big")
        return {"crv": curve, "kty": "EC", "x": b64url(x), "y": b64url(y)}
    return {"crv": "Ed25519", "kty": "OKP", "x": b64url(public.public_bytes_raw())}


def private_digest(key: PrivateKey) -> bytes:
    """32 bytes that only the holder of the key can make, the same whatever form the key was stored in.

    Not a hash of its PKCS#8: files may name the primes in either order and choose d modulo phi or lambda.
    """
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.private_numbers()
        primes = sorted((numbers.p, numbers.q))
        fields = [_octets(number) for number in (*primes, numbers.public_numbers.e)]
        return digest("sa_auth key", "RSA", *fields)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        scalar = key.private_numbers().private_value
        return digest("sa_auth key", key.curve.name, _octets(scalar))
    return digest("sa_auth key", "Ed25519", key.private_bytes_raw())


def _octets(number: int) -> bytes:
    return number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big")


def _shortest(number: int) -> str:
    return b64url(_octets(number))
