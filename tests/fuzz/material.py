"""Keys and certificates for the seeds, made once in a process and written nowhere but below `build/`."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat, pkcs12
from cryptography.x509.oid import NameOID

from .laws import SECRET

PASSWORD = f"{SECRET}-password"
_NONE = serialization.NoEncryption()


@cache
def made() -> dict[str, Any]:
    """One key of each kind that is taken, and some that are not."""
    return {
        "rsa": rsa.generate_private_key(65537, 2048),
        "p256": ec.generate_private_key(ec.SECP256R1()),
        "p521": ec.generate_private_key(ec.SECP521R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate(),
        "short": rsa.generate_private_key(65537, 1024),
        "k256": ec.generate_private_key(ec.SECP256K1()),
    }


@cache
def certificate(kind: str) -> x509.Certificate:
    """A self-signed certificate of a key."""
    key = made()[kind]
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf")]), datetime.now(timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
    )
    return builder.sign(key, None if kind == "ed25519" else hashes.SHA256())


def certificate_pem(kind: str) -> str:
    """The certificate as PEM."""
    return certificate(kind).public_bytes(Encoding.PEM).decode()


def pem(kind: str, form: PrivateFormat = PrivateFormat.PKCS8, sealed: Any = _NONE) -> str:
    """The key as PEM."""
    return made()[kind].private_bytes(Encoding.PEM, form, sealed).decode()


def der(kind: str) -> bytes:
    """The key as PKCS#8 in DER."""
    found: bytes = made()[kind].private_bytes(Encoding.DER, PrivateFormat.PKCS8, _NONE)
    return found


def sealed() -> Any:
    """A cheap encryption by the password: the fuzzer opens it a million times."""
    return PrivateFormat.PKCS12.encryption_builder().kdf_rounds(1).build(PASSWORD.encode())


def pfx(kind: str, how: Any = None) -> bytes:
    """The key and its certificate as PKCS#12."""
    return pkcs12.serialize_key_and_certificates(b"name", made()[kind], certificate(kind), None, how or sealed())


def bare_pfx(kind: str) -> bytes:
    """The same with nothing encrypted and no MAC, so that a change inside is not stopped by one."""
    data, key_bag, cert_bag, x509_cert = (bytes.fromhex(text) for text in (
        "06092a864886f70d010701", "060b2a864886f70d010c0a0101", "060b2a864886f70d010c0a0103", "060a2a864886f70d01091601",
    ))  # fmt: skip

    def wrapped(content: bytes) -> bytes:
        return tlv(0x30, data + tlv(0xA0, tlv(0x04, content)))

    key = tlv(0x30, key_bag + tlv(0xA0, der(kind)))
    cert = tlv(0x04, certificate(kind).public_bytes(Encoding.DER))
    held = tlv(0x30, cert_bag + tlv(0xA0, tlv(0x30, x509_cert + tlv(0xA0, cert))))
    return tlv(0x30, bytes.fromhex("020103") + wrapped(tlv(0x30, wrapped(tlv(0x30, key + held)))))


def tlv(tag: int, content: bytes) -> bytes:
    """DER of one thing."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def jwk(kind: str) -> dict[str, Any]:
    """The key as a private JWK."""
    numbers = made()[kind].private_numbers() if kind != "ed25519" else None
    if kind == "ed25519":
        key = made()[kind]
        return {
            "kty": "OKP", "crv": "Ed25519", "d": _b64(key.private_bytes_raw()), "x": _b64(key.public_key().public_bytes_raw())
        }  # fmt: skip
    public = numbers.public_numbers
    if kind.startswith("p"):
        crv, width = {"p256": ("P-256", 32), "p521": ("P-521", 66)}[kind]
        coordinates = {name: _number(getattr(public, name), width) for name in ("x", "y")}
        return {"kty": "EC", "crv": crv, "d": _number(numbers.private_value, width), **coordinates}
    members = {"p": numbers.p, "q": numbers.q, "dp": numbers.dmp1, "dq": numbers.dmq1, "qi": numbers.iqmp}
    members = {"n": public.n, "e": public.e, "d": numbers.d, **members}
    return {"kty": "RSA", **{name: _number(value) for name, value in members.items()}}


def _number(value: int, width: int = 0) -> str:
    return _b64(value.to_bytes(width or (value.bit_length() + 7) // 8, "big"))


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
