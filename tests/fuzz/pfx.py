"""Fuzz target: PFX files. Any bytes become a key that can sign, or a `ConfigError` without a secret.

The bytes: one that chooses the password (none, the right one, a wrong one), then the file.
"""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.serialization import NoEncryption

from sa_auth.errors import SaAuthError
from sa_auth.keys import from_pfx

from . import laws, material
from .pem import PASSWORDS


def judge(data: bytes) -> None:
    """The file becomes a key, or a refusal in constant words."""
    password, content = PASSWORDS[data[0] % 3 if data else 0], data[1:]
    with laws.alone():
        try:
            key = from_pfx(content, password=password)
        except SaAuthError as error:
            laws.refused(error, material.PASSWORD, content.decode("latin-1"))
        else:
            laws.check_key(key)


def seeds() -> dict[str, bytes]:
    """Sealed, with a MAC alone, and with neither, where a change inside is not stopped at the door."""
    found = {}
    for kind in ("rsa", "p256", "ed25519", "short", "k256"):
        found[f"bare_{kind}"] = b"\0" + material.bare_pfx(kind)
    for kind in ("p256", "rsa"):
        found[f"mac_{kind}"] = b"\0" + material.pfx(kind, NoEncryption())
        for number in range(3):
            found[f"sealed_{kind}_{number}"] = bytes([number]) + material.pfx(kind)
    found["bare_with_password"] = b"\1" + material.bare_pfx("p256")
    found["base64"] = b"\1" + base64.b64encode(material.pfx("p256"))
    found["cut"] = b"\1" + material.pfx("p256")[:300]
    found["no_file"] = b"\0-----BEGIN PRIVATE KEY-----"
    return found
