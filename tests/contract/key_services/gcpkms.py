"""A fake of Google Cloud KMS over HTTP: real keys, each with one version that is enabled and one that is not."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from cryptography.hazmat.primitives.asymmetric import ed25519

from sa_auth.testing import google_key_file, new_key
from tests.contract.key_services import cloud
from tests.contract.key_services.cloud import Asked, Reply, b64

KINDS = {
    "RS256": "RSA_SIGN_PKCS1_2048_SHA256", "PS256": "RSA_SIGN_PSS_2048_SHA256", "ES256": "EC_SIGN_P256_SHA256",
    "ES384": "EC_SIGN_P384_SHA384", "EdDSA": "EC_SIGN_ED25519",
}  # fmt: skip
RING = "projects/robots/locations/europe-west3/keyRings/ring/cryptoKeys"
PATH = re.compile(rf"/v1/({RING}/(\w+)/cryptoKeyVersions/(\d+))(/publicKey|:asymmetricSign)(?:\?.*)?")


def said(status: int, word: str, message: str = "") -> Reply:
    """A refusal."""
    return Reply(status, {"error": {"code": status, "message": f"{message} {cloud.CANARY}", "status": word}})


def crc(data: bytes) -> str:
    """As JSON has an int64."""
    import google_crc32c

    return str(google_crc32c.value(data))


class World(cloud.Cloud):
    """Cloud KMS. The SDK signs in with a key file's own JWT, which asks nobody."""

    scheme: ClassVar[str] = "gcpkms"
    algorithms: ClassVar[tuple[str, ...]] = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
    library: ClassVar[str | None] = "google.cloud.kms_v1"
    extra: ClassVar[str] = "gcp"
    permission: ClassVar[str] = "cloudkms.cryptoKeyVersions.useToSign"
    names: ClassVar[tuple[str, ...]] = ("127.0.0.1",)
    faults: ClassVar[Mapping[str, Reply]] = {
        "throttled": said(429, "RESOURCE_EXHAUSTED"),
        "denied": said(403, "PERMISSION_DENIED"),
        "not_found": said(404, "NOT_FOUND", f"CryptoKey {RING}/RS256 not found."),
        "wrong_version": said(400, "FAILED_PRECONDITION", f"{RING}/RS256/cryptoKeyVersions/1 is not enabled."),
    }

    def __enter__(self) -> World:
        super().__enter__()
        google_key_file(
            str(self.folder / "robot.json"), email="robot@robots.iam.gserviceaccount.com", private_key_pem=new_key()[0],
            token_uri="https://127.0.0.1:9/nobody",
        )  # fmt: skip
        return self

    def variables(self) -> Mapping[str, str]:
        """The key file."""
        return {"GOOGLE_APPLICATION_CREDENTIALS": str(self.folder / "robot.json"), "GOOGLE_CLOUD_PROJECT": "robots"}

    def uri(self, algorithm: str, version: int = 1) -> str:
        """At this machine."""
        return f"gcpkms://{RING}/{algorithm}/cryptoKeyVersions/{version}?endpoint=https://127.0.0.1:{self.server.port}"

    def public_pem(self, algorithm: str) -> str:
        """Of the real key."""
        return cloud.pair(algorithm)[1]

    def answer(self, asked: Asked) -> Reply:
        """As the service does."""
        if not re.fullmatch(r"Bearer [\w.-]+", asked.headers.get("Authorization", "")):
            return said(401, "UNAUTHENTICATED")
        named = PATH.fullmatch(asked.path)
        if named is None or named[2] not in KINDS:
            return said(404, "NOT_FOUND", f"CryptoKey {RING}/other not found.")
        if named[3] == "2":
            return said(400, "FAILED_PRECONDITION", f"{named[1]} is not enabled, current state is: DISABLED.")
        if named[3] != "1":
            return said(404, "NOT_FOUND", f"CryptoKeyVersion {named[1]} not found.")
        if named[4] == "/publicKey":
            pem = self.public_pem(named[2])
            return Reply(
                200, {"pem": pem, "algorithm": KINDS[named[2]], "pemCrc32c": crc(pem.encode()), "name": named[1]}
            )
        return self._signed(named[1], named[2], asked.json())

    def _signed(self, name: str, algorithm: str, body: dict[str, Any]) -> Reply:
        key = cloud.pair(algorithm)[0]
        whole = isinstance(key, ed25519.Ed25519PrivateKey)
        given = body.get("data") if whole else body.get("digest", {}).get(f"sha{algorithm[2:]}")
        if given is None:
            return said(400, "INVALID_ARGUMENT", "The digest is not of the key's algorithm.")
        data, kind = base64.b64decode(given), "data" if whole else "digest"
        if body[f"{kind}Crc32c"] != crc(data):
            return said(400, "INVALID_ARGUMENT", "The checksum is another one.")
        if self.garbling:
            data = bytes(each ^ 1 for each in data)
        try:
            made = key.sign(data) if whole else cloud.signature(key, algorithm, data)
        except ValueError:
            return said(400, "INVALID_ARGUMENT", "The digest is of another length.")
        return Reply(200, {
            "signature": b64(made), "signatureCrc32c": crc(made), f"verified{kind.title()}Crc32c": True, "name": name,
        })  # fmt: skip
