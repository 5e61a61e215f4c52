"""Who may ask: an issuer or client with its public keys, its secret or its certificate, and what it is allowed.

Rule: what is registered as a key is never an HMAC or private one, so nothing could be mixed up with a shared secret.

Source: RFC 7518 section 3.1 for the algorithms of each type of key, sections 3.2 and 3.3 for the least sizes; RFC 8705
section 2 for certificates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sa_auth.errors import ConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_CURVES = {"secp256r1": ("ES256",), "secp384r1": ("ES384",), "secp521r1": ("ES512",)}
_LEAST_RSA_BITS = 2048
_MACS = {"HS256": 32, "HS384": 48, "HS512": 64}
_GRANTS = "urn:ietf:params:oauth:grant-type:"
_SHORT_GRANTS = {"jwt_bearer": f"{_GRANTS}jwt-bearer", "saml2_bearer": f"{_GRANTS}saml2-bearer",
                 "token_exchange": f"{_GRANTS}token-exchange"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """One key that a signature is verified with.

    Attributes:
        key: The key itself: a public one, or the bytes of a client's secret.
        key_id: The `kid` it answers to; None: it has no name.
        algorithms: The `alg` values it may be used with.
    """

    key: PublicKey | bytes = field(repr=False)
    key_id: str | None
    algorithms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Registration:
    """An issuer or client that the authority knows.

    Attributes:
        issuer: The `iss` of its assertions.
        keys: Its public keys; several while one replaces another.
        subjects: The `sub` values it may act for; None: any or none.
        scopes: The scopes it may ask for; None: any.
        client_id: How it names itself as a client; None: as the issuer.
        client_secret: What it proves that with; None: nothing of the kind.
        certificate: The SHA-256 of its TLS certificate; None: it has none.
        redirect_uris: Where authorization codes may be sent; None: anywhere.
        dpop_bound: Whether it always uses DPoP.
        grants: The grant types it may use; None: any.
        clients: The client that each `sub` stands for, where the issuer is a token service; None: it is no such service.
    """

    issuer: str
    keys: tuple[VerifyKey, ...] = ()
    subjects: frozenset[str] | None = None
    scopes: frozenset[str] | None = None
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    certificate: bytes | None = None
    redirect_uris: frozenset[str] | None = None
    dpop_bound: bool = False
    grants: frozenset[str] | None = None
    clients: Mapping[str, str] | None = None

    @property
    def name(self) -> str:
        """How it names itself as a client."""
        return self.client_id or self.issuer

    @property
    def confidential(self) -> bool:
        """Whether it has anything to prove itself with."""
        return bool(self.keys) or self.client_secret is not None or self.certificate is not None

    def candidates(self, key_id: object) -> tuple[VerifyKey, ...]:
        """The keys an assertion with this `kid` (None: with none) may have been signed by."""
        if key_id is None:
            return self.keys
        return tuple(key for key in self.keys if key.key_id is None or key.key_id == key_id)


def words(value: str | Iterable[str] | None) -> frozenset[str] | None:
    """Reads an allowed set that is written as one string or as several; None stays None."""
    return None if value is None else frozenset(value.split() if isinstance(value, str) else value)


def grant_types(value: str | Iterable[str] | None) -> frozenset[str] | None:
    """Reads the allowed grant types, written as RFC 6749 has them or by the last word of their URN.

    Example:
        >>> sorted(grant_types("refresh_token jwt-bearer"))
        ['refresh_token', 'urn:ietf:params:oauth:grant-type:jwt-bearer']
    """
    found = words(value)
    return None if found is None else frozenset(_SHORT_GRANTS.get(name.replace("-", "_"), name) for name in found)


def secret_key(secret: str) -> VerifyKey:
    """Makes a client's secret a key for `client_secret_jwt`, with the algorithms it is long enough for."""
    data = secret.encode()
    # RFC 7518 section 3.2: a key of the same size as the hash output or larger; a short one keeps HS256 all the same,
    # since secrets that people chose are shorter than that and nothing is guarded here.
    fitting = tuple(name for name, least in _MACS.items() if len(data) >= least)
    return VerifyKey(data, None, fitting or ("HS256",))


def certificate_digest(pem: str | bytes) -> bytes:
    """The SHA-256 of a certificate's DER form.

    Raises:
        ConfigError: it is no certificate in PEM.
    """
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_pem_x509_certificate

    try:
        der = load_pem_x509_certificate(pem.encode("ascii") if isinstance(pem, str) else pem).public_bytes(Encoding.DER)
    except ValueError:
        der = None
    if der is None:
        raise ConfigError("This is not a certificate.", hint="Give the client's TLS certificate as PEM.")
    return hashlib.sha256(der).digest()


def verify_key(source: Any, key_id: str | None = None, algorithms: Iterable[str] | None = None) -> VerifyKey:
    """Reads a public key.

    Args:
        source: PEM text or bytes of a public key or certificate, a public key of `cryptography`, or a JWK as a mapping.
        key_id: The `kid` it answers to; default a JWK's own, else none.
        algorithms: The `alg` values it may be used with; default all that fit its type.

    Raises:
        ConfigError: it is no public key, of a type without signatures here, too small, or an algorithm does not fit.
    """
    if key_id is None and isinstance(source, Mapping):
        key_id = source.get("kid")
    key = _load(source)
    fitting = _fitting(key)
    chosen = fitting if algorithms is None else tuple(algorithms)
    if not chosen or not set(chosen) <= set(fitting):
        raise ConfigError(f"This key can be used with {', '.join(fitting)}, not with {', '.join(chosen) or 'nothing'}.")
    return VerifyKey(key, key_id, chosen)


def _load(source: Any) -> Any:
    """Parses the key, whatever form it has; anything else comes out as it is, and fits nothing."""
    from cryptography.hazmat.primitives import serialization  # late: jwt and cryptography cost 60 ms
    from cryptography.x509 import load_pem_x509_certificate

    try:
        if isinstance(source, Mapping):
            return _from_jwk(source)
        if isinstance(source, str):
            source = source.encode("ascii")
        if isinstance(source, bytes) and b"-----BEGIN CERTIFICATE" in source:
            return load_pem_x509_certificate(source).public_key()
        if isinstance(source, bytes):
            return serialization.load_pem_public_key(source)
    except ValueError:
        source = None
    return source


def _from_jwk(fields: Mapping[str, Any]) -> Any:
    import jwt

    if "d" in fields or fields.get("kty") == "oct":
        return None
    try:
        return jwt.PyJWK.from_dict(dict(fields)).key
    except (jwt.PyJWTError, KeyError):
        return None


def _fitting(key: Any) -> tuple[str, ...]:
    """The algorithms that fit a key's type.

    Raises:
        ConfigError: there is none.
    """
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < _LEAST_RSA_BITS:
            raise ConfigError(f"An RSA key has at least {_LEAST_RSA_BITS} bits (RFC 7518 section 3.3).")
        return _RSA
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    if isinstance(key, ed25519.Ed25519PublicKey):
        return ("EdDSA",)
    raise ConfigError(
        "This is not a public key that can be registered.",
        hint="Give the public half as PEM, JWK or an object of cryptography: RSA, P-256, P-384, P-521 or Ed25519.",
    )
