"""Reads a private key from PEM text, or from DER.

Rule: PKCS#8, PKCS#1, SEC1 and OpenSSH, plain or encrypted; what the text looks like is `armor`'s business. Nothing of
the text, the password or a parser's words reaches an error. Source: RFC 5958, RFC 8017 appendix A.1, RFC 5915.
"""

from __future__ import annotations

from importlib import import_module
from inspect import signature

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
    load_ssh_private_key,
)

from .._loading import load
from .._secret import Password, open_password
from ..errors import KeyLoadError, MissingExtra, SaAuthError
from .armor import Block, as_text, unwrap
from .certificate import CertificateSource, certificates_in, is_certificate, read_certificates, warn_of_dates
from .faults import attempt, fault
from .intake import bounded
from .key import Key
from .validity import check_mode
from .work import check_work

_PUBLIC_LABELS = frozenset({"PUBLIC KEY", "RSA PUBLIC KEY", "EC PUBLIC KEY", "SSH2 PUBLIC KEY"})
_PUBLIC_LINES = ("ssh-", "ecdsa-sha2-", "sk-")
_OPENSSH = "OPENSSH PRIVATE KEY"
# An OpenSSH key begins with a magic word and then, length first, the name of its cipher.
_OPENSSH_PLAIN = b"openssh-key-v1\x00\x00\x00\x00\x04none"
# Before its release 45, cryptography validated OpenSSH keys as it read them, and had no argument to put that off.
_SKIP = "unsafe_skip_rsa_key_validation"
_SSH_OPTIONS = {_SKIP: True} if _SKIP in signature(load_ssh_private_key).parameters else {}
# How cryptography says that it does not read this encryption here; `old_ciphers` then has a try.
_UNKNOWN_CIPHER = ("Unknown key encryption", "unknown cipher", "Invalid key")


def from_pem(
    text: str | bytes,
    *,
    password: Password = None,
    certificate: CertificateSource = None,
    validate_key: str = "full",
    now: float | None = None,
) -> Key:
    """Loads a private key from text.

    Args:
        text: PEM, with certificates before or after the key in any order; DER bytes; or either in base64. Escaped,
            folded, indented or quoted text, as environment variables have it, is repaired. At most 1 MiB.
        password: For an encrypted key. Empty counts as none.
        certificate: PEM text, PEM or DER bytes, or a path; used instead of the certificates in `text`.
        validate_key: "full" before the first signature, "fast" likewise but by arithmetic alone, "now" at once.
        now: Unix seconds, to judge the certificate's dates by; None for the system's clock.

    Returns:
        The key. A certificate out of its dates is warned about (`CertificateWarning`), not refused.

    Raises:
        KeyLoadError: its `code` says why: wrong_password, password_missing, password_not_needed, public_key_only,
            certificate_only, key_damaged, key_unsupported, key_too_small, certificate_mismatch, several_keys, ...
        MissingExtra: an encrypted OpenSSH key needs bcrypt.
        ConfigError: an argument is of the wrong type, or `validate_key` is not known.

    Example:
        >>> key = from_pem('''-----BEGIN PRIVATE KEY-----
        ... MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
        ... -----END PRIVATE KEY-----''')
        >>> key, key.algorithm
        (Key(Ed25519, sha256=f3705484), 'EdDSA')
    """
    outcome = attempt(_load, text, password, certificate, validate_key)
    del text, password, certificate
    if isinstance(outcome, SaAuthError):
        raise outcome
    warn_of_dates(outcome.certificates, now)
    return outcome


def _load(text: object, password: Password, certificate: CertificateSource, validate_key: str) -> Key:
    check_mode(validate_key)
    content = bounded(text)
    blocks = unwrap(content)
    private = _parse(_private_block(blocks, content), open_password(password) or None)
    # Short-circuited on purpose: a certificate of the caller's stands instead of the file's own.
    certificates = read_certificates(certificate) or certificates_in(blocks)
    return Key(private, certificates=certificates, validate_key=validate_key)


def _private_block(blocks: list[Block], content: bytes) -> Block:
    """Finds the one private key, or says what is there instead."""
    keys = [block for block in blocks if block.label.endswith("PRIVATE KEY") or block.label == "DER"]
    if len(keys) == 1:
        return keys[0]
    if keys:
        raise fault("several_keys")
    labels = {block.label for block in blocks}
    text = as_text(content)
    if labels & _PUBLIC_LABELS or text.startswith(_PUBLIC_LINES):
        raise fault("public_key_only")
    if any(label.endswith("CERTIFICATE") for label in labels):
        raise fault("certificate_only")
    if text.startswith("PuTTY-User-Key-File"):
        raise fault("key_unsupported", "This is PuTTY's own format.", hint="Export it in PuTTYgen as an OpenSSH key.")
    raise fault(
        "key_damaged",
        "There is no private key in the text: it has no line '-----BEGIN ... PRIVATE KEY-----'.",
        hint="A key's text begins with -----BEGIN; from_pem() takes that text and no path. A .p12 or .pfx file is read by "
        "from_pfx(), JSON by from_jwk().",
    )


def _parse(block: Block, password: bytes | None) -> object:
    encrypted = _encrypted(block)
    if encrypted and password is None:
        raise fault("password_missing")
    if encrypted is False and password is not None:
        raise fault("password_not_needed")
    if password is not None:
        check_work(block.inside())
    trouble: SaAuthError | None = None
    try:
        return _read(block, password)
    except Exception as error:  # noqa: BLE001 - a parser's errors have no common root
        trouble = _judge(error, block, password)
    if password is not None and trouble.code == "old_cipher":
        return load("sa_auth.keys.old_ciphers").read_old(block, password)
    raise trouble


def _encrypted(block: Block) -> bool | None:
    """Whether a password is needed; None for DER, whose reader says it."""
    if block.label == "DER":
        return None
    if block.label == _OPENSSH:
        return not block.inside().startswith(_OPENSSH_PLAIN)
    return block.label == "ENCRYPTED PRIVATE KEY" or b"Proc-Type: 4,ENCRYPTED" in block.data


def _read(block: Block, password: bytes | None) -> object:
    # Validation is put off, never left out: Key.ensure_valid() does it before the first signature.
    if block.label == "DER":
        return load_der_private_key(block.data, password, unsafe_skip_rsa_key_validation=True)
    if block.label == _OPENSSH:
        return load_ssh_private_key(block.data, password, **_SSH_OPTIONS)
    return load_pem_private_key(block.data, password, unsafe_skip_rsa_key_validation=True)


def _judge(error: Exception, block: Block, password: bytes | None) -> SaAuthError:
    """Gives the parser's trouble its word; the parser's own text is looked at and dropped."""
    if block.label == "DER" and isinstance(error, TypeError):
        return fault("password_missing" if password is None else "password_not_needed")
    if isinstance(error, UnsupportedAlgorithm | Warning):
        return _unsupported(block)
    if block.label == "DER" and is_certificate(block.data):
        return fault("certificate_only")
    if block.label == "DER" and _is_public(block.data):
        return fault("public_key_only")
    if password is None:
        return fault("key_damaged")
    if any(words in str(error) for words in _UNKNOWN_CIPHER):
        return KeyLoadError("The usual reader does not know the cipher.", code="old_cipher")
    return fault("wrong_password")


def _unsupported(block: Block) -> SaAuthError:
    if block.label != _OPENSSH or not _encrypted(block):
        return fault("key_unsupported")
    if _has_bcrypt():
        return fault(
            "key_unsupported",
            "The OpenSSH key is encrypted with a cipher that is not supported.",
            hint="Write it anew: `ssh-keygen -p -Z aes256-ctr -f FILE`.",
        )
    return MissingExtra(
        "An encrypted OpenSSH key needs the package 'bcrypt'.", hint='Install it with: pip install "sa_auth[ssh]"'
    )


def _has_bcrypt() -> bool:
    try:
        import_module("bcrypt")
    except ImportError:
        return False
    return True


def _is_public(der: bytes) -> bool:
    try:
        load_der_public_key(der)
    except Exception:  # noqa: BLE001 - whatever it is, it is not that
        return False
    return True
