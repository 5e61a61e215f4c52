"""Certificates beside a key: reading them, finding the key's own, ordering its chain, looking at its dates.

Rule: the leaf is the certificate with the key's public half; what does not lead upwards from it is dropped. Nothing
is trusted here: whether a chain is good is the server's to judge. Source: RFC 5280, RFC 7515 section 4.1.6.
"""

from __future__ import annotations

import base64
import hashlib
import os
import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .._clock import SYSTEM
from .._encoding import b64url
from .._loading import load
from ..errors import ConfigError
from .armor import Block, unwrap
from .faults import fault
from .intake import bounded, read_file

if TYPE_CHECKING:
    from cryptography import x509

CertificateSource: TypeAlias = "str | bytes | os.PathLike[str] | None"

# Ordering checks signatures; these bounds keep a bundle of look-alikes from costing more than a moment.
_MOST_CERTIFICATES = 200
_LONGEST_CHAIN = 10
_LABELS = frozenset({"CERTIFICATE", "X509 CERTIFICATE"})


class CertificateWarning(UserWarning):
    """The key's certificate has expired or is not valid yet; a server that looks will refuse the assertion."""


def _x509() -> Any:
    # Late: it takes longer to load than a key takes to read, and most keys come without a certificate.
    return load("cryptography.x509")


def read_certificates(source: CertificateSource) -> list[x509.Certificate]:
    """Reads what a caller gave as `certificate=`.

    Args:
        source: PEM text, PEM or DER bytes, or a path; None for none. Text without a "-----BEGIN" line is a path.

    Returns:
        The certificates in it, in its order; empty for None.

    Raises:
        KeyLoadError: `certificate_damaged`, `unreadable` or `too_large`.
    """
    if source is None:
        return []
    if not isinstance(source, str | bytes | os.PathLike):
        raise ConfigError(
            f"certificate= is of type {type(source).__name__}.", code="bad_argument",
            hint="It is a path, or the text of the certificate, as PEM or DER.",
        )  # fmt: skip
    if isinstance(source, os.PathLike) or (isinstance(source, str) and "-----BEGIN" not in source):
        content = read_file(source)
    else:
        content = bounded(source)
    found = certificates_in(unwrap(content))
    if not found:
        raise fault("certificate_damaged", "There is no certificate in what was given as certificate=.")
    return found


def certificates_in(blocks: Sequence[Block]) -> list[x509.Certificate]:
    """Reads the certificates among PEM blocks; a DER block counts if it is one."""
    found = [_parse(block) for block in blocks if block.label in _LABELS]
    return found + [_parse(block) for block in blocks if block.label == "DER" and is_certificate(block.data)]


def is_certificate(der: bytes) -> bool:
    """Whether these bytes are a DER certificate."""
    try:
        _x509().load_der_x509_certificate(der)
    except ValueError:
        return False
    return True


def from_der(ders: Iterable[bytes]) -> list[x509.Certificate]:
    """Reads DER certificates, for example the `x5c` of a JWK.

    Raises:
        KeyLoadError: `certificate_damaged`.
    """
    return [_parse(Block("DER", der)) for der in ders]


def _parse(block: Block) -> x509.Certificate:
    read = _x509().load_der_x509_certificate if block.label == "DER" else _x509().load_pem_x509_certificate
    parsed: x509.Certificate | None
    try:
        parsed = read(block.data)
    except Exception:  # noqa: BLE001 - the parser's words stay here
        parsed = None
    if parsed is None:
        raise fault("certificate_damaged")
    return parsed


def arrange(certificates: Sequence[x509.Certificate], spki: bytes) -> tuple[x509.Certificate, ...]:
    """Orders certificates: the key's own, its issuer, that one's issuer, and so on.

    Args:
        certificates: In any order, with any strangers among them.
        spki: The key's SubjectPublicKeyInfo in DER.

    Returns:
        The chain, leaf first; empty for no certificates.

    Raises:
        KeyLoadError: `certificate_mismatch`, there are certificates and none is the key's; `certificate_damaged`,
            there are more than 200.
    """
    if not certificates:
        return ()
    if len(certificates) > _MOST_CERTIFICATES:
        raise fault("certificate_damaged", f"There are more than {_MOST_CERTIFICATES} certificates.")
    own = [certificate for certificate in certificates if _public_bytes(certificate) == spki]
    if not own:
        raise fault("certificate_mismatch")
    # A renewed certificate often stands beside its predecessor: the one that lasts longest is meant.
    chain = [max(own, key=lambda certificate: certificate.not_valid_after_utc)]
    while len(chain) < _LONGEST_CHAIN:
        issuer = next((other for other in certificates if other not in chain and _issued(other, chain[-1])), None)
        if issuer is None:
            break
        chain.append(issuer)
    return tuple(chain)


def leaf_of(certificates: Sequence[x509.Certificate]) -> x509.Certificate:
    """The one that issued none of the others, where no key says whose it is; the first where each did."""
    issuers = [other.issuer for other in certificates if other.issuer != other.subject]
    return next((each for each in certificates if each.subject not in issuers), certificates[0])


def header_field(chain: Sequence[x509.Certificate], name: str) -> Any:
    """The header field that names a certificate, or holds its chain (RFC 7515 sections 4.1.6 to 4.1.8).

    Args:
        chain: Leaf first.
        name: "x5t", "x5t#S256" or "x5c".

    Raises:
        ConfigError: there is none.
    """
    if not chain:
        raise ConfigError(
            "The key has no certificate.",
            code="no_certificate",
            hint="Give it as certificate=, or load a file that holds both.",
        )
    ders = [certificate.public_bytes(Encoding.DER) for certificate in chain]
    if name == "x5c":
        return [base64.b64encode(der).decode("ascii") for der in ders]
    if name == "x5t":
        # SHA-1 is the header field's definition (RFC 7515 section 4.1.7): a name for the certificate, not a proof.
        return b64url(hashlib.sha1(ders[0], usedforsecurity=False).digest())
    return b64url(hashlib.sha256(ders[0]).digest())


def _public_bytes(certificate: x509.Certificate) -> bytes:
    try:
        return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm):  # a stranger's key may be of any kind
        return b""


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    if issuer.subject != certificate.issuer:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except UnsupportedAlgorithm:  # an old hash: the names must do
        return True
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def warn_of_dates(chain: Sequence[x509.Certificate], now: float | None, *, stacklevel: int = 3) -> None:
    """Warns if the leaf is out of its dates. It is no error: some servers pin the key and never look.

    Args:
        chain: Leaf first; nothing happens for an empty one.
        now: Unix seconds; None for the system's clock.
        stacklevel: Whose line the warning names; by default the caller's of the function that calls this.
    """
    if not chain:
        return
    from datetime import datetime, timezone  # as late as the certificates themselves

    moment = datetime.fromtimestamp(SYSTEM.now().wall if now is None else now, timezone.utc)
    starts, ends = chain[0].not_valid_before_utc, chain[0].not_valid_after_utc
    if moment > ends:
        words = f"The key's certificate expired on {ends:%Y-%m-%d}; ask for a new one."
    elif moment < starts:
        words = f"The key's certificate is not valid before {starts:%Y-%m-%d}; check it and this machine's clock."
    else:
        return
    warnings.warn(words, CertificateWarning, stacklevel=stacklevel)
