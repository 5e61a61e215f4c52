"""Fresh keys, and key files as a vendor's console would hand them out.

Rule: no key here is anybody's. Source: the file that Google's console downloads for a service account; RFC 8410 for
Ed25519.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_CACHE: dict[str, tuple[str, str]] = {}
_LOCK = threading.Lock()


def new_key(kind: str = "rsa2048", *, fresh: bool = False) -> tuple[str, str]:
    """Makes a key pair.

    Args:
        kind: "rsa2048", "rsa4096", "p256", "p384", "p521" or "ed25519".
        fresh: RSA keys are made once per process, as the search for primes takes up to a second; True makes another.

    Returns:
        The private key as PKCS #8 PEM and the public key as SubjectPublicKeyInfo PEM.

    Raises:
        ValueError: the kind is unknown.

    Example:
        >>> private_pem, public_pem = new_key("ed25519")
        >>> private_pem.splitlines()[0], public_pem.splitlines()[0]
        ('-----BEGIN PRIVATE KEY-----', '-----BEGIN PUBLIC KEY-----')
        >>> new_key("rsa2048") == new_key("rsa2048"), new_key("p256") == new_key("p256")
        (True, False)
    """
    if fresh or not kind.startswith("rsa"):
        return _generate(kind)
    with _LOCK:
        if kind not in _CACHE:
            _CACHE[kind] = _generate(kind)
        return _CACHE[kind]


def _generate(kind: str) -> tuple[str, str]:
    # Late: the plug-in is loaded with every run of pytest, and most runs make no key.
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    makers = {
        "rsa2048": lambda: rsa.generate_private_key(65537, 2048),
        "rsa4096": lambda: rsa.generate_private_key(65537, 4096),
        "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
    }
    if kind not in makers:
        raise ValueError(f"No kind of key is called {kind!r}; there are {', '.join(makers)}.")
    key: Any = makers[kind]()
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode("ascii"), public.decode("ascii")


def google_key_file(
    path: str | Path | None = None,
    *,
    private_key_pem: str,
    email: str = "robot@example-project.iam.gserviceaccount.com",
    token_uri: str = "https://oauth2.googleapis.com/token",  # noqa: S107 - a URL
    key_id: str | None = None,
    project_id: str = "example-project",
    client_id: str = "100000000000000000001",
    universe_domain: str = "googleapis.com",
    changes: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Gives the content of a service-account key file as Google's console makes it, and writes it where told.

    Args:
        path: Where to write it, readable by its owner alone (0600); None writes nothing.
        private_key_pem: The private key as PKCS #8 PEM.
        email: `client_email`, the issuer.
        token_uri: The token endpoint.
        key_id: `private_key_id`; default 40 random hex digits, as Google's are.
        project_id: The project's name.
        client_id: The account's number.
        universe_domain: "googleapis.com" outside a sovereign cloud.
        changes: Fields to replace; a value of None removes the field.

    Returns:
        The fields.

    Raises:
        OSError: the file cannot be written.

    Example:
        >>> info = google_key_file(private_key_pem="...", key_id="k1", changes={"project_id": None})
        >>> info["type"], info["private_key_id"], "project_id" in info
        ('service_account', 'k1', False)
    """
    fields: dict[str, Any] = {
        "type": "service_account",
        "project_id": project_id,
        "private_key_id": key_id if key_id is not None else secrets.token_hex(20),
        "private_key": private_key_pem,
        "client_email": email,
        "client_id": client_id,
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": token_uri,
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
        "client_x509_cert_url": f"https://www.googleapis.com/robot/v1/metadata/x509/{quote(email, safe='')}",
        "universe_domain": universe_domain,
        **(changes or {}),
    }
    info = {name: value for name, value in fields.items() if value is not None}
    if path is not None:
        _write_private(path, json.dumps(info, indent=2) + "\n")
    return info


def _write_private(path: str | Path, text: str) -> None:
    """Writes a file that no other user could read at any moment, under any umask."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        if hasattr(os, "fchmod"):
            os.fchmod(descriptor, 0o600)
        file.write(text)
