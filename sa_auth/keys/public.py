"""The public half of a key whose private half is elsewhere: in a key service, an HSM, a function.

Rule: a value, judged as a private key is (kind, size, certificate) when it is made. Stands under the signers that sign
elsewhere. Source: RFC 7638 (thumbprint), RFC 7518 section 3.4 (the form of an ECDSA signature).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from .._encoding import b64url, compact_json
from .._fixed import Fixed
from .certificate import CertificateSource, arrange, header_field, leaf_of, read_certificates
from .faults import fault
from .kind import PublicHalf, algorithms_of, coordinate_width, public_members, supported_public

if TYPE_CHECKING:
    from cryptography import x509


class PublicKey(Fixed):
    """A public key and its certificates.

    Args:
        data: DER SubjectPublicKeyInfo, or PEM, as bytes; None: the certificate's.
        certificate: PEM text, PEM or DER bytes, or a path; None: it has none.

    Attributes:
        public_key: The key object of `cryptography`, to verify with.
        algorithms: The JOSE algorithms of such a key, the default first.
        certificates: The chain, leaf first; empty where there is none.
        thumbprint: The SHA-256 thumbprint of the JWK (RFC 7638), base64url without padding.

    Raises:
        KeyLoadError: `key_damaged`, `key_too_small`, `key_unsupported`, `certificate_mismatch`, `certificate_damaged`.

    Example:
        >>> from sa_auth.testing import new_key
        >>> PublicKey(new_key("p384")[1].encode()).algorithms
        ('ES384',)
    """

    __slots__ = ("algorithms", "certificates", "public_key", "thumbprint")

    public_key: PublicHalf
    algorithms: tuple[str, ...]
    certificates: tuple[x509.Certificate, ...]
    thumbprint: str

    def __init__(self, data: bytes | None, certificate: CertificateSource = None) -> None:
        found = read_certificates(certificate)
        if data is None and not found:
            raise fault("key_damaged", "There is no public key.", hint="Give one, or a certificate.")
        public = supported_public(leaf_of(found).public_key() if data is None else _read(data))
        chain = arrange(found, public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
        thumbprint = b64url(hashlib.sha256(compact_json(public_members(public))).digest())
        self._fix(public_key=public, algorithms=algorithms_of(public), certificates=chain, thumbprint=thumbprint)

    def jwk(self) -> dict[str, str]:
        """The JWK with its required members only; a new dict each time."""
        return public_members(self.public_key)

    def certificate_field(self, name: str) -> Any:
        """The header field "x5t", "x5t#S256" or "x5c".

        Raises:
            ConfigError: there is no certificate.
        """
        return header_field(self.certificates, name)

    def jws_form(self, signature: bytes, *, der: bool) -> bytes:
        """Gives a signature the form that a JWS has it in.

        Args:
            signature: As the key's service gave it.
            der: Whether one of ECDSA is in DER there; else r and s stand one behind the other, as in a JWS.

        Raises:
            ValueError: it is in no such form.
        """
        width = coordinate_width(self.public_key)
        if width is None:
            return signature
        if der:
            return b"".join(number.to_bytes(width, "big") for number in decode_dss_signature(signature))
        if len(signature) != 2 * width:
            raise ValueError("r and s are of another length")
        return signature

    def _told(self) -> str:
        return self.algorithms[0]

    def __reduce__(self) -> tuple[Any, ...]:
        spki = self.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return PublicKey, (spki, b"".join(each.public_bytes(Encoding.PEM) for each in self.certificates) or None)


def _read(data: bytes) -> object:
    read = load_pem_public_key if b"-----BEGIN" in data else load_der_public_key
    found: object = None
    try:
        found = read(data)
    except Exception:  # noqa: BLE001 - the parser's words stay here
        found = None
    if found is None:
        raise fault("key_damaged", "The public key cannot be read.", hint="It is PEM, or DER SubjectPublicKeyInfo.")
    return found
