"""msal: as `entra`, given the certificate's SHA-1 thumbprint; it then signs by RS256 and names that."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from typing import Any

from tests.contract.material import MATERIAL
from tests.vectors.capture.entra import SCOPE, SERVER, asked


def capture() -> dict[str, Any]:
    """What msal sends."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    material = MATERIAL["rsa2048"]
    der = x509.load_pem_x509_certificate(material.certificate).public_bytes(Encoding.DER)
    credential = {"private_key": material.pair[0], "thumbprint": hashlib.sha1(der).hexdigest()}
    seen = asked(material, SERVER, credential, lambda app: app.acquire_token_for_client([SCOPE]))
    return {"sdk": {"name": "msal", "version": version("msal")}, "seen": seen}
