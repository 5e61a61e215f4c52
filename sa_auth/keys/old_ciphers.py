"""Opens PEM keys that were encrypted with ciphers `cryptography` no longer reads there.

Rule: asked only after the usual reader said "unknown cipher". PKCS#8 goes to OpenSSL inside a PFX made around it, so
that no cipher is written here; of the traditional forms AES-192 is read, since `openssl rsa -aes192` still writes it.
Source: RFC 7292 section 4 (PFX), RFC 1423 and OpenSSL's EVP_BytesToKey (traditional).
"""

from __future__ import annotations

import hashlib
import re

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import load_der_private_key, pkcs12

from .armor import Block
from .faults import fault

_DATA = bytes.fromhex("06092a864886f70d010701")
_SHROUDED_KEY = bytes.fromhex("060b2a864886f70d010c0a0102")
_VERSION_3 = bytes.fromhex("020103")
_SEQUENCE, _OCTETS, _CONTEXT_0 = 0x30, 0x04, 0xA0

_AES_192 = re.compile(rb"DEK-Info: AES-192-CBC,([0-9A-Fa-f]{32})\n")
_UNSUPPORTED = "The private key is encrypted with a cipher that is not supported."
_CONVERT = "Convert it: `openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD -out NEW`."


def has_old_ciphers() -> bool:
    """Whether OpenSSL's legacy provider is loaded, which RC2 and RC4 come with."""
    try:
        Cipher(ARC4(bytes(16)), None).encryptor()
    except UnsupportedAlgorithm:
        return False
    return True


def read_old(block: Block, password: bytes) -> object:
    """Opens a block that the usual reader could not.

    Args:
        block: PKCS#8, as PEM or DER, or the traditional form.
        password: Its password.

    Returns:
        A key object of `cryptography`.

    Raises:
        KeyLoadError: `wrong_password`, or `key_unsupported` with the command that converts it.
    """
    traditional = b"Proc-Type:" in block.data
    salt = _AES_192.search(block.data)
    if (traditional and not salt) or not (traditional or has_old_ciphers()):
        raise fault("key_unsupported", _UNSUPPORTED, hint=_CONVERT)
    try:
        if salt:
            return _open_aes_192(block.inside(), bytes.fromhex(salt[1].decode("ascii")), password)
        key = pkcs12.load_pkcs12(_pfx_around(block.inside()), password).key
    except Exception:  # noqa: BLE001 - a parser's words stay here
        key = None
    if key is None:
        raise fault("wrong_password")
    return key


def _pfx_around(encrypted_key: bytes) -> bytes:
    """The smallest PFX without a MAC that holds this one EncryptedPrivateKeyInfo."""
    bag = _tlv(_SEQUENCE, _SHROUDED_KEY + _tlv(_CONTEXT_0, encrypted_key))
    safe = _data(_tlv(_SEQUENCE, bag))
    return _tlv(_SEQUENCE, _VERSION_3 + _data(_tlv(_SEQUENCE, safe)))


def _data(content: bytes) -> bytes:
    return _tlv(_SEQUENCE, _DATA + _tlv(_CONTEXT_0, _tlv(_OCTETS, content)))


def _tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def _open_aes_192(sealed: bytes, salt: bytes, password: bytes) -> object:
    stream, last = b"", b""
    while len(stream) < 24:
        # MD5 because that is the format; who can choose writes PKCS#8.
        last = hashlib.md5(last + password + salt[:8], usedforsecurity=False).digest()
        stream += last
    decryptor = Cipher(AES(stream[:24]), CBC(salt)).decryptor()
    padded = decryptor.update(sealed) + decryptor.finalize()
    remover = PKCS7(128).unpadder()
    der = remover.update(padded) + remover.finalize()
    return load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
