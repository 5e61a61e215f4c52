"""AWS KMS, played by moto; what moto does wrong (PSS and digests) is signed beside it by the key that moto holds."""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from tests.contract.key_services import cloud
from tests.contract.key_services.cloud import Asked, Reply, b64

REGION = "eu-west-1"
KINDS = {"ES256": "ECC_NIST_P256", "ES384": "ECC_NIST_P384"}
SPECS = {"RSASSA_PSS_SHA_256": "PS256", "RSASSA_PKCS1_V1_5_SHA_256": "RS256", "ECDSA_SHA_256": "ES256",
         "ECDSA_SHA_384": "ES384"}  # fmt: skip


def said(code: str, status: int = 400) -> Reply:
    """A refusal."""
    return Reply(status, {"__type": code, "message": cloud.CANARY}, {"Content-Type": "application/x-amz-json-1.1"})


class World(cloud.Cloud):
    """moto, in this process, behind a server that can be told to fail."""

    scheme: ClassVar[str] = "awskms"
    algorithms: ClassVar[tuple[str, ...]] = ("RS256", "PS256", "ES256", "ES384")
    library: ClassVar[str | None] = "boto3"
    extra: ClassVar[str] = "aws"
    permission: ClassVar[str] = "kms:Sign"
    faults: ClassVar[Mapping[str, Reply]] = {
        "throttled": said("ThrottlingException"),
        "denied": said("AccessDeniedException"),
        "not_found": said("NotFoundException"),
        "wrong_version": said("DisabledException"),
    }

    def __enter__(self) -> World:
        import boto3
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
        from werkzeug.test import Client

        super().__enter__()
        self._moto = Client(DomainDispatcherApplication(create_backend_app))
        self._arns: dict[str, str] = {}
        self._alias = f"alias/{uuid.uuid4()}"  # what moto has outlives this world
        with self.environment():
            client = boto3.Session().client("kms", region_name=REGION)
            for algorithm in self.algorithms:
                spec = KINDS.get(algorithm, "RSA_2048")
                made = client.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]
                client.create_alias(AliasName=f"{self._alias}/{algorithm}", TargetKeyId=made["KeyId"])
                self._arns[algorithm] = made["Arn"]
        return self

    def variables(self) -> Mapping[str, str]:
        """A login, the endpoint, and no file of the user's."""
        return {
            "AWS_ACCESS_KEY_ID": "robot", "AWS_SECRET_ACCESS_KEY": "hush", "AWS_CONFIG_FILE": str(self.folder / "none"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "none"), "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL_KMS": f"http://127.0.0.1:{self.server.port}",
        }  # fmt: skip

    def uri(self, algorithm: str) -> str:
        """By ARN; one by an alias."""
        return (
            f"awskms:///{self._alias}/ES384?region={REGION}"
            if algorithm == "ES384"
            else f"awskms:{self._arns[algorithm]}"
        )

    def key(self, name: str) -> Any:
        """That moto holds."""
        from moto.kms.models import kms_backends

        backend = kms_backends["123456789012"][REGION]
        held: Any = backend.keys[backend.get_key_id(backend.any_id_to_key_id(name))].private_key
        return held.private_key

    def public_pem(self, algorithm: str) -> str:
        """Of the key that moto holds."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        public = self.key(self._arns[algorithm]).public_key()
        return str(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())

    def answer(self, asked: Asked) -> Reply:
        """As moto does, or better."""
        if asked.headers.get("X-Amz-Target") == "TrentService.Sign":
            return self._signed(asked)
        return self.by_moto(asked)

    def by_moto(self, asked: Asked) -> Reply:
        """As moto does."""
        came = self._moto.open(asked.path, method=asked.method, headers=dict(asked.headers.items()), data=asked.body)
        return Reply(came.status_code, came.get_data(), {"Content-Type": came.content_type or ""})

    def _signed(self, asked: Asked) -> Reply:
        body = asked.json()
        message = base64.b64decode(body["Message"])
        if len(message) > 4096:
            return said("ValidationException")
        algorithm, raw = SPECS.get(body["SigningAlgorithm"], ""), body["MessageType"] == "RAW"
        if raw and not algorithm.startswith("PS") and not self.garbling:
            return self.by_moto(asked)
        digest = hashlib.new(f"sha{algorithm[2:]}", message + b"!" * self.garbling).digest() if raw else message
        try:
            made = cloud.signature(self.key(body["KeyId"]), algorithm, digest)
        except ValueError:
            return said("ValidationException")
        return Reply(
            200, {"Signature": b64(made), "KeyId": body["KeyId"], "SigningAlgorithm": body["SigningAlgorithm"]}
        )
