"""Fuzz target: keys as PEM, DER or base64. Any bytes become a key that can sign, or a `ConfigError` without a secret.

The bytes: one that chooses the password (none, the right one, a wrong one), then the text.
"""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import PrivateFormat

from sa_auth.errors import SaAuthError
from sa_auth.keys import from_pem

from . import laws, material

PASSWORDS = (None, material.PASSWORD, f"{laws.SECRET}-wrong")


def judge(data: bytes) -> None:
    """The text becomes a key, or a refusal in constant words."""
    password, text = PASSWORDS[data[0] % 3 if data else 0], data[1:]
    with laws.alone():
        try:
            key = from_pem(text, password=password, validate_key="fast")
        except SaAuthError as error:
            laws.refused(error, material.PASSWORD, text.decode("latin-1"))
        else:
            laws.check_key(key)


def seeds() -> dict[str, bytes]:
    """A key of each kind and form, with a certificate, sealed, and as people paste it."""
    plain = {kind: material.pem(kind).encode() for kind in material.made()}
    found = {f"pkcs8_{kind}": b"\0" + text for kind, text in plain.items()}
    for kind in ("rsa", "p256"):
        found[f"traditional_{kind}"] = b"\0" + material.pem(kind, PrivateFormat.TraditionalOpenSSL).encode()
        found[f"openssh_{kind}"] = b"\0" + material.pem(kind, PrivateFormat.OpenSSH).encode()
        found[f"certified_{kind}"] = b"\0" + material.certificate_pem(kind).encode() + plain[kind]
        found[f"der_{kind}"] = b"\0" + material.der(kind)
    sealed = serialization.BestAvailableEncryption(material.PASSWORD.encode())
    for number in range(3):
        found[f"sealed_{number}"] = bytes([number]) + material.pem("p256", sealed=sealed).encode()
        traditional = material.pem("p256", PrivateFormat.TraditionalOpenSSL, sealed)
        found[f"sealed_traditional_{number}"] = bytes([number]) + traditional.encode()
    found["aes192"] = b"\1" + found["sealed_traditional_1"][1:].replace(b"AES-256-CBC", b"AES-192-CBC")
    found["escaped"] = b"\0" + plain["p256"].replace(b"\n", b"\\n")
    found["base64"] = b"\0" + base64.b64encode(plain["p256"])
    found["utf16"] = b"\0" + plain["p256"].decode().encode("utf-16")
    found["twice"] = b"\0" + plain["p256"] * 2
    found["cut"] = b"\0" + plain["rsa"][:900]
    found["putty"] = b"\0PuTTY-User-Key-File-2: ssh-rsa"
    found["public"] = b"\0-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n"
    return found
