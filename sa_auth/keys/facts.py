"""What may be shown of a key and its certificate, and the forms in which the public half is handed over.

Rule: nothing private comes out of here. Source: RFC 7517 sections 4 and 5 (JWK set), RFC 7638 (thumbprint), RFC 7515
sections 4.1.6 to 4.1.8 for what stands in for a certificate.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .._encoding import b64url
from .certificate import read_certificates
from .key import Key
from .kind import name_of

if TYPE_CHECKING:
    from cryptography import x509


class CertificateFacts(NamedTuple):
    """What a certificate says.

    Attributes:
        not_before: Unix seconds, like `not_after`.
        x5t: SHA-1 of its DER, base64url; `x5t_s256` likewise by SHA-256.
    """

    subject: str
    issuer: str
    serial: str
    not_before: float
    not_after: float
    x5t: str
    x5t_s256: str


def certificate_facts(certificate: x509.Certificate) -> CertificateFacts:
    """What a certificate says of itself."""
    der = certificate.public_bytes(Encoding.DER)
    # SHA-1 is the header field's definition (RFC 7515 section 4.1.7): a name for the certificate, not a proof.
    sha1 = hashlib.sha1(der, usedforsecurity=False)
    return CertificateFacts(
        subject=_shown(certificate.subject),
        issuer=_shown(certificate.issuer),
        serial=f"{certificate.serial_number:x}",
        not_before=certificate.not_valid_before_utc.timestamp(),
        not_after=certificate.not_valid_after_utc.timestamp(),
        x5t=b64url(sha1.digest()),
        x5t_s256=b64url(hashlib.sha256(der).digest()),
    )


def certificates_of(data: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates of a file that holds no key, in its order.

    Raises:
        KeyLoadError: there is none, or it cannot be read.
    """
    return tuple(read_certificates(data))


def key_name(key: Key) -> str:
    """Type and size for people: "RSA 2048"."""
    return name_of(key.private_key)


def public_fingerprint(owner: Key | x509.Certificate) -> str:
    """SHA-256 of the public key's SubjectPublicKeyInfo, in standard base64; "SHA256:" before it is Snowflake's form.

    Example:
        >>> from sa_auth.keys.making import generate
        >>> len(public_fingerprint(generate("p256")))
        44
    """
    if isinstance(owner, Key):
        der = owner.spki()
    else:
        der = owner.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(der).digest()).decode("ascii")


def jwk_set(key: Key, *, key_id: str, algorithm: str) -> dict[str, Any]:
    """The public half as a JWK set of one.

    Args:
        key: The key; where it has a certificate, x5c and x5t#S256 stand beside it.
        key_id: Its `kid`.
        algorithm: Its `alg`.

    Example:
        >>> from sa_auth.keys.making import generate
        >>> sorted(jwk_set(generate("p256"), key_id="one", algorithm="ES256")["keys"][0])
        ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']
    """
    jwk: dict[str, Any] = {**key.public_jwk(), "kid": key_id, "use": "sig", "alg": algorithm}
    if key.certificates:
        jwk |= {"x5c": list(key.x5c), "x5t#S256": key.x5t_s256}
    return {"keys": [jwk]}


def certificate_pem(certificates: Sequence[x509.Certificate]) -> str:
    """Certificates as PEM, one after the other."""
    return "".join(one.public_bytes(Encoding.PEM).decode("ascii") for one in certificates)


def _shown(name: x509.Name) -> str:
    # A stranger wrote it: what a terminal would act on is shown, not done.
    return "".join(sign if sign.isprintable() else "?" for sign in name.rfc4514_string())
