"""Box's key file, as the developer console gives it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from . import write

PASSPHRASE = "1f0f4d9aa5cbbc8d4ea2f4a1c8b0d9e2"  # noqa: S105 - of a throw-away key


def config(private: str, **changes: Any) -> dict[str, Any]:
    """The parsed file; its key is encrypted by the passphrase in it."""
    key: Any = load_pem_private_key(private.encode(), None)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSPHRASE.encode())).decode()
    app = {"publicKeyID": "ab12cd34", "privateKey": pem, "passphrase": PASSPHRASE}
    settings = {"clientID": "app1", "clientSecret": "app1-secret", "appAuth": app}
    return {"boxAppSettings": settings, "enterpriseID": "123", **changes}


def make(folder: Path, private: str) -> None:
    """Makes `box_config.json`."""
    write(folder / "box_config.json", json.dumps(config(private)))
