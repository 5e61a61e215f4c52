"""A Vault that has a transit engine and nothing else: real keys, and the refusals that Vault's own code has.

It answers over HTTP as `builtin/logical/transit` and `sdk/helper/keysutil` of github.com/hashicorp/vault do.
"""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha2-256": hashes.SHA256(), "sha2-384": hashes.SHA384(), "sha2-512": hashes.SHA512(),
}  # fmt: skip
TOKEN = "hvs.canary-token"


class Refused(Exception):  # noqa: N818 - never leaves this file
    """What it does not do."""

    def __init__(self, status: int, word: str) -> None:
        super().__init__(word)
        self.status, self.word = status, word


class VaultServer:
    """Listens on loopback.

    Attributes:
        keys: Versions, the first is 1, by the key's name.
        refuse: Status and words that it answers everything with; None: it does its work.
        over: While it is not set, no answer comes.
        asked: Path and fields of each request.
        least: The least version that signs.
    """

    def __init__(self) -> None:
        self.keys: dict[str, list[Any]] = {}
        self.refuse: tuple[int, str] | None = None
        self.over = threading.Event()
        self.over.set()
        self.least = 1
        self.garbled = False
        self.elsewhere = ""
        self.asked: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        """Ends it."""
        self.over.set()
        self.http.shutdown()
        self.http.server_close()

    def _handler(server) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                server.over.wait(60)
                fields = json.loads(body) if body else {}
                server.asked.append((self.path, fields, dict(self.headers)))
                try:
                    status, told = 200, {"data": server.does(self.command, self.path, fields, self.headers)}
                except Refused as refused:
                    status, told = refused.status, {"errors": [refused.word] if refused.word else []}
                content = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                if status == 307:
                    self.send_header("Location", f"{server.elsewhere}{self.path}")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # who asked has gone
                    self.wfile.write(content)

            do_GET = do_POST = do_PUT = answer  # noqa: N815 - the library's names

        return Handler

    def does(self, method: str, path: str, fields: dict[str, Any], headers: Any) -> dict[str, Any]:
        """One request."""
        if self.refuse is not None:
            raise Refused(*self.refuse)
        if not headers.get("X-Vault-Token"):
            raise Refused(400, "missing client token")
        if headers["X-Vault-Token"] != TOKEN:
            raise Refused(403, "permission denied")
        parts = path.split("/")
        if parts[1:3] != ["v1", "transit"]:
            raise Refused(404, "no handler for route")
        if parts[3] == "keys" and method == "GET":
            return self._read(parts[4])
        if parts[3] == "sign" and method in {"POST", "PUT"} and len(parts) == 5:
            return self._sign(parts[4], str(fields.get("hash_algorithm")), fields)
        raise Refused(405, "unsupported operation")

    def _read(self, name: str) -> dict[str, Any]:
        if name not in self.keys:
            raise Refused(404, "")
        told = {
            str(number): {
                "public_key": key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
            }
            for number, key in enumerate(self.keys[name], 1)
            if number >= self.least
        }
        return {"name": name, "latest_version": len(self.keys[name]), "keys": told}

    def _sign(self, name: str, hash_name: str, fields: dict[str, Any]) -> dict[str, Any]:
        if hash_name not in HASHES:
            raise Refused(400, f'invalid hash algorithm "{hash_name}"')
        if name not in self.keys:
            raise Refused(400, "encryption key not found")
        versions = self.keys[name]
        version = int(fields.get("key_version") or len(versions))
        if version > len(versions):
            raise Refused(400, "requested version for signing is higher than the latest key version")
        if version < self.least:
            raise Refused(400, "requested version for signing is less than the minimum encryption key version")
        key, hashed, digest = versions[version - 1], HASHES[hash_name], base64.b64decode(fields["input"])
        if not fields.get("prehashed"):
            hasher = hashes.Hash(hashed)
            hasher.update(digest)
            digest = hasher.finalize()
        if len(digest) != hashed.digest_size:
            raise Refused(500, "crypto/rsa: input must be hashed message")
        signature = self._signature(key, hashed, bytes(len(digest)) if self.garbled else digest, fields)
        return {"signature": f"vault:v{version}:{signature}", "key_version": version}

    def _signature(self, key: Any, hashed: hashes.HashAlgorithm, digest: bytes, fields: dict[str, Any]) -> str:
        marshaling = fields.get("marshaling_algorithm") or "asn1"
        if isinstance(key, rsa.RSAPrivateKey):
            kind = fields.get("signature_algorithm") or "pss"
            salt = hashed.digest_size if fields.get("salt_length") == "hash" else padding.PSS.MAX_LENGTH
            if kind not in {"pss", "pkcs1v15"}:
                raise Refused(400, f"unsupported rsa signature algorithm {kind}")
            pad = padding.PKCS1v15() if kind == "pkcs1v15" else padding.PSS(padding.MGF1(hashed), salt)
            return base64.b64encode(key.sign(digest, pad, Prehashed(hashed))).decode()
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        der = key.sign(digest, ec.ECDSA(Prehashed(hashed)))
        if marshaling == "asn1":
            return base64.b64encode(der).decode()
        if marshaling != "jws":
            raise Refused(400, f'invalid marshaling type "{marshaling}"')
        width = (key.curve.key_size + 7) // 8
        raw = b"".join(number.to_bytes(width, "big") for number in decode_dss_signature(der))
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
