"""Keys for the vectors: made anew for each run, and known by names so that vectors can be compared."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from sa_auth import ServiceAccountCredentials, client_auth, grants
from sa_auth.testing import new_key


@dataclass(frozen=True)
class Material:
    """A key of a kind, with a certificate of its own."""

    kind: str

    @cached_property
    def pair(self) -> tuple[str, str]:
        """Private and public key as PEM."""
        return new_key(self.kind)

    @cached_property
    def certificate(self) -> bytes:
        """A certificate of the key by the key, as PEM."""
        key: Any = load_pem_private_key(self.pair[0].encode(), None)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "robot")])
        now = datetime.datetime.now(datetime.timezone.utc)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=2))
            .sign(key, hashes.SHA256())
        )
        return made.public_bytes(Encoding.PEM)

    @cached_property
    def known(self) -> Mapping[str, str]:
        """What differs from key to key, and the names that stand for it; thumbprints with and without padding."""
        der = x509.load_pem_x509_certificate(self.certificate).public_bytes(Encoding.DER)
        key: Any = load_pem_private_key(self.pair[0].encode(), None)
        spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        names = {
            hashlib.sha1(der).digest(): "<x5t>",  # noqa: S324 - the header field's own definition
            hashlib.sha256(der).digest(): "<x5t#S256>",
        }
        found = {base64.urlsafe_b64encode(digest).decode().rstrip("="): name for digest, name in names.items()}
        found[base64.b64encode(der).decode()] = "<certificate>"
        found["SHA256:" + base64.b64encode(hashlib.sha256(spki).digest()).decode()] = "<fingerprint>"
        return found

    def fill(self, value: Any) -> Any:
        """An argument of a vector with "<private key>" and "<certificate>" filled in."""
        if isinstance(value, str):
            return value.replace("<private key>", self.pair[0]).replace("<certificate>", self.certificate.decode())
        if isinstance(value, dict):
            return {name: self.fill(one) for name, one in value.items()}
        return [self.fill(one) for one in value] if isinstance(value, list) else value

    def credentials(self, **arguments: Any) -> ServiceAccountCredentials:
        """Credentials of this key, or of the key file in `info`."""
        info = arguments.pop("info", None)
        if isinstance(arguments.get("grant"), dict):  # a token that is exchanged: {"JWTBearer": "..."}
            ((name, token),) = arguments["grant"].items()
            arguments["grant"] = getattr(grants, name)(token)
        if isinstance(arguments.get("client_auth"), dict):
            ((name, told),) = arguments["client_auth"].items()
            arguments["client_auth"] = getattr(client_auth, name)(*told)
        if info is not None:
            return ServiceAccountCredentials.from_info(json.loads(json.dumps(info)), **arguments)
        arguments.setdefault("key", self.pair[0])
        return ServiceAccountCredentials(**arguments)


MATERIAL = {kind: Material(kind) for kind in ("rsa2048", "p256", "p384", "ed25519")}
