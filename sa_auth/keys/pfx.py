"""Reads a private key and its certificates from a PFX file (PKCS#12).

Rule: OpenSSL opens it, through `cryptography`, whatever it was sealed with: AES, 3DES, RC2 or RC4; with any MAC or
none. The key is validated as the file is opened. Source: RFC 7292.
"""

from __future__ import annotations

import base64
import binascii
import os

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import pkcs12

from .._secret import Password, open_password
from ..errors import KeyLoadError, SaAuthError
from .certificate import CertificateSource, read_certificates, warn_of_dates
from .faults import attempt, fault
from .intake import bounded, read_file
from .key import Key
from .old_ciphers import has_old_ciphers
from .validity import check_mode
from .work import check_work

# Object identifiers in DER. They stand in the clear around what is encrypted, so looking for the bytes is enough; a
# chance hit in 10 random bytes or more does not happen.
_PKCS7 = bytes.fromhex("2a864886f70d0107")
_ENCRYPTED_DATA = b"\x06\x09" + _PKCS7 + b"\x06"
_PLAIN_KEY = bytes.fromhex("060b2a864886f70d010c0a0101")
_SHROUDED_KEY = bytes.fromhex("060b2a864886f70d010c0a0102")
_RC_CIPHERS = tuple(bytes.fromhex(f"060a2a864886f70d010c01{number:02x}") for number in (1, 2, 5, 6))

_CONVERT = (
    "Convert it: `openssl pkcs12 -legacy -in OLD -nodes -out key.pem`, then "
    "`openssl pkcs12 -export -in key.pem -out NEW`."
)


def from_pfx(
    data: bytes | str | os.PathLike[str],
    *,
    password: Password = None,
    certificate: CertificateSource = None,
    validate_key: str = "full",
    now: float | None = None,
) -> Key:
    """Loads the private key of a PFX file, with its certificates.

    Args:
        data: The file's bytes (or those in base64, as environment variables have them), or its path. At most 1 MiB.
        password: None and empty are the same: files without a password have one of the two.
        certificate: PEM text, PEM or DER bytes, or a path; used instead of the certificates in the file.
        validate_key: As elsewhere; the key is validated as the file is opened, whatever this says.
        now: Unix seconds, to judge the certificate's dates by; None for the system's clock.

    Returns:
        The key. A certificate out of its dates is warned about (`CertificateWarning`), not refused.

    Raises:
        KeyLoadError: its `code` says why: wrong_password, password_missing, password_not_needed, certificate_only,
            key_damaged, key_unsupported, key_too_small, certificate_mismatch, several_keys, unreadable, too_large.
        ConfigError: an argument is of the wrong type, or `validate_key` is not known.

    Example:
        >>> from cryptography.hazmat.primitives.asymmetric import ec
        >>> from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
        >>> made = ec.generate_private_key(ec.SECP256R1())
        >>> sealed = BestAvailableEncryption(b"a long one")
        >>> data = pkcs12.serialize_key_and_certificates(None, made, None, None, sealed)
        >>> from_pfx(data, password="a long one").algorithm
        'ES256'
    """
    outcome = attempt(_load, data, password, certificate, validate_key)
    del data, password, certificate
    if isinstance(outcome, SaAuthError):
        raise outcome
    warn_of_dates(outcome.certificates, now)
    return outcome


def _load(
    data: bytes | str | os.PathLike[str], password: Password, certificate: CertificateSource, validate_key: str
) -> Key:
    check_mode(validate_key)
    content = read_file(data) if isinstance(data, str | os.PathLike) else bounded(data)
    content = _without_base64(content)
    if content[:1] != b"\x30":
        raise fault("key_damaged", "This is not a PFX file.", hint="PEM text is read by from_pem, JSON by from_jwk.")
    if content.count(_PLAIN_KEY) + content.count(_SHROUDED_KEY) > 1:
        raise fault("several_keys")
    check_work(content)
    store = _open(content, open_password(password) or None)
    if store.key is None:
        raise fault("certificate_only", "There is no private key in the PFX.")
    certificates = read_certificates(certificate) or _certificates(store)
    return Key(store.key, certificates=certificates, validate_key=validate_key, validated=True)


def _without_base64(content: bytes) -> bytes:
    if content[:1] == b"\x30":
        return content
    try:
        return base64.b64decode(b"".join(content.split()), validate=True)
    except (binascii.Error, ValueError):
        return content


def _open(content: bytes, password: bytes | None) -> pkcs12.PKCS12KeyAndCertificates:
    # Where nothing is encrypted and there is no MAC, OpenSSL takes any password; so ask without one first.
    plain = _ENCRYPTED_DATA not in content and _SHROUDED_KEY not in content
    if password is not None and plain and not isinstance(_try(content, None), KeyLoadError):
        raise fault("password_not_needed")
    outcome = _try(content, password)
    if not isinstance(outcome, KeyLoadError):
        return outcome
    raise _explain(content, password) if outcome.code == "wrong_password" else outcome


def _try(content: bytes, password: bytes | None) -> pkcs12.PKCS12KeyAndCertificates | KeyLoadError:
    try:
        return pkcs12.load_pkcs12(content, password)
    except UnsupportedAlgorithm:
        return fault("key_unsupported")
    except Exception as error:  # noqa: BLE001 - a parser's errors have no common root
        # OpenSSL has one sentence for a wrong password and for a changed byte; all others mean damage.
        return fault("wrong_password" if "password" in str(error) else "key_damaged")


def _explain(content: bytes, password: bytes | None) -> KeyLoadError:
    """Says why a file that is in order could not be opened with this password."""
    if password is None:
        return fault(
            "password_missing",
            "The PFX needs a password and none was given.",
            hint="Give password=. The .p12 files that Google once issued all have the password notasecret.",
        )
    if not isinstance(_try(content, None), KeyLoadError):
        return fault("password_not_needed")
    if any(cipher in content for cipher in _RC_CIPHERS) and not has_old_ciphers():
        return fault("key_unsupported", "The PFX is sealed with RC2 or RC4, which OpenSSL has not here.", hint=_CONVERT)
    return fault("wrong_password")


def _certificates(store: pkcs12.PKCS12KeyAndCertificates) -> list[x509.Certificate]:
    found = [store.cert, *store.additional_certs]
    return [entry.certificate for entry in found if entry is not None]
