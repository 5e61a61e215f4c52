"""A key of Google Cloud KMS.

Rule: a digest goes there, or the message where the key is Ed25519, each with its checksum; one request a call, with the
SDK's own retries off. Stands under `RemoteSigner`. Source: Cloud KMS API v1, AsymmetricSign and GetPublicKey.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import google.auth.exceptions as login_errors
import google_crc32c
from google.api_core import exceptions as google_errors
from google.api_core.client_options import ClientOptions
from google.cloud import kms_v1

from ..errors import ConfigError, SigningError
from ..wire import endpoint
from .calling import PerProcess
from .service import (
    KeyService,
    denied,
    failed,
    no_answer,
    no_login,
    not_found,
    parts,
    throttled,
    unavailable,
    unfit,
    wrong_version,
)

_EXAMPLE = "gcpkms://projects/P/locations/europe-west3/keyRings/R/cryptoKeys/K/cryptoKeyVersions/1"
_VERSION = re.compile(r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+/cryptoKeyVersions/[0-9]+")
# A key signs by one algorithm alone: the service's name of it without the length of the key -> JOSE.
_JOSE = {
    "RSA_SIGN_PKCS1_SHA256": "RS256",
    "RSA_SIGN_PKCS1_SHA512": "RS512",
    "RSA_SIGN_PSS_SHA256": "PS256",
    "RSA_SIGN_PSS_SHA512": "PS512",
    "EC_SIGN_P256_SHA256": "ES256",
    "EC_SIGN_P384_SHA384": "ES384",
    "EC_SIGN_ED25519": "EdDSA",
}
_PERMISSIONS = {
    "sign": "cloudkms.cryptoKeyVersions.useToSign (the role Cloud KMS CryptoKey Signer)",
    "public_key": "cloudkms.cryptoKeyVersions.viewPublicKey (the role Cloud KMS CryptoKey Public Key Viewer)",
}
_LOGIN_HINT = (
    "The SDK looks into GOOGLE_APPLICATION_CREDENTIALS, the login of gcloud and the machine's service account; or pass "
    "login=."
)
# gRPC's names, which stand in the service's answers over HTTP as well: there 400, 409 and 504 mean more than one thing.
_BY_STATUS = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 502: "UNAVAILABLE", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
}  # fmt: skip


class GoogleKey(KeyService):
    """A version of an asymmetric key of Google Cloud KMS, for signing: `gcpkms:`.

    It needs `cloudkms.cryptoKeyVersions.useToSign` and `cloudkms.cryptoKeyVersions.viewPublicKey`, which the roles
    `roles/cloudkms.signer` and `roles/cloudkms.publicKeyViewer` give, or `roles/cloudkms.signerVerifier` both; with
    `certificate=` the first alone.

    A key signs by the one algorithm that it was made for, and that is the default; with `certificate=`, which spares the
    question, it has to be said where it is not the first of such a key (`algorithm="PS256"`).

    Args:
        uri: `gcpkms://` and the resource name of the version. `endpoint`: URL of a regional or private endpoint; default
            the SDK's.
        login: Function that gives `google.auth` credentials, called in each process once; None: the application default
            ones.

    Raises:
        ConfigError: the URI is of another form.

    Example:
        >>> GoogleKey("gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1")
        GoogleKey('projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1')
        >>> GoogleKey("gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k")
        Traceback (most recent call last):
        sa_auth.errors.ConfigError: bad_key_uri: The key URI gcpkms: names no version of a key. Hint: For example ...
    """

    service = "Google Cloud KMS"
    algorithms = tuple(_JOSE.values())

    def __init__(self, uri: str, *, login: Callable[[], Any] | None = None) -> None:
        path, values = parts(uri, {"endpoint": "URL of a regional or private endpoint"}, _EXAMPLE)
        self._name = path.removeprefix("//")
        if _VERSION.fullmatch(self._name) is None:
            raise ConfigError(
                "The key URI gcpkms: names no version of a key.", code="bad_key_uri",
                hint=f"For example {_EXAMPLE!r}: the resource name, as the console copies it.",
            )  # fmt: skip
        self._endpoint = endpoint(values["endpoint"], "endpoint", by_caller=True) if "endpoint" in values else None
        self._login = login
        self._client = PerProcess(self._open)

    def _open(self) -> Any:
        # Over HTTP and not gRPC, whose threads do not survive a fork: workers are forked after credentials were made.
        return kms_v1.KeyManagementServiceClient(
            credentials=None if self._login is None else self._login(), transport="rest",
            client_options=ClientOptions(api_endpoint=self._endpoint),
        )  # fmt: skip

    def public_key(self, timeout: float) -> bytes:  # noqa: D102 - the port says it
        answer = self._client().get_public_key(name=self._name, retry=None, timeout=timeout)
        pem = bytes(answer.pem, "ascii")
        self._whole(pem, answer.pem_crc32c)
        name = re.sub(
            r"_(?:2048|3072|4096)(?=_)", "", kms_v1.CryptoKeyVersion.CryptoKeyVersionAlgorithm(answer.algorithm).name
        )
        self.algorithms = (_JOSE[name],) if name in _JOSE else ()
        return pem

    def sign(self, algorithm: str, data: bytes, digest: bytes, timeout: float) -> bytes:  # noqa: D102
        asked: dict[str, Any] = {"name": self._name}
        if digest:
            asked["digest"] = {f"sha{algorithm[2:]}": digest}
            asked["digest_crc32c"] = google_crc32c.value(digest)
        else:
            asked["data"], asked["data_crc32c"] = data, google_crc32c.value(data)
        answer = self._client().asymmetric_sign(request=asked, retry=None, timeout=timeout)
        if answer.name != self._name or not (answer.verified_digest_crc32c or answer.verified_data_crc32c):
            raise self._damaged()
        self._whole(answer.signature, answer.signature_crc32c)
        return bytes(answer.signature)

    def _whole(self, data: bytes, checksum: int) -> None:
        if google_crc32c.value(data) != checksum:
            raise self._damaged()

    def _damaged(self) -> SigningError:
        return unavailable(
            self.service, hint="What was sent or came was damaged on the way: a checksum is another one."
        )

    def __repr__(self) -> str:
        return f"GoogleKey({self._name!r})"

    def explain(self, error: Exception, act: str) -> SigningError:  # noqa: D102
        if isinstance(error, google_errors.GoogleAPICallError):
            return self._refused(error, act)
        # A login that cannot be reached is told apart by the SDK's own word for it.
        if isinstance(error, login_errors.TransportError) or getattr(error, "retryable", False):
            return no_answer(self.service)
        if isinstance(error, login_errors.GoogleAuthError):
            return no_login(self.service, _LOGIN_HINT)
        # The errors of requests are such ones.
        return no_answer(self.service) if isinstance(error, OSError) else failed(self.service, error, act)

    def _refused(self, error: google_errors.GoogleAPICallError, act: str) -> SigningError:
        status = error.code
        word = _word(error)
        if word == "PERMISSION_DENIED":
            return denied(self.service, f"{_PERMISSIONS[act]} on the key", act, status=status)
        if word == "UNAUTHENTICATED":
            return no_login(self.service, _LOGIN_HINT)
        if word == "FAILED_PRECONDITION":
            return wrong_version(self.service, "That version is disabled, destroyed or not made yet.", status=status)
        if word == "NOT_FOUND" and "CryptoKeyVersion " in str(error.message):
            return wrong_version(self.service, "Look at the number at the end of the URI.", status=status)
        if word == "NOT_FOUND":
            return not_found(self.service, "Look at project, location, key ring and key in the URI.", status=status)
        if word == "INVALID_ARGUMENT":
            return unfit(
                self.service, "that algorithm", "It has to be a key for asymmetric signing, and algorithm= the one that "
                "it was made for.", status=status,
            )  # fmt: skip
        if word == "RESOURCE_EXHAUSTED":
            return throttled(self.service, status=status)
        if word in {"UNAVAILABLE", "INTERNAL", "ABORTED", "UNKNOWN"}:
            return unavailable(self.service, status=status)
        return no_answer(self.service) if word == "DEADLINE_EXCEEDED" else failed(self.service, error, act)


def _word(error: google_errors.GoogleAPICallError) -> str:
    response: Any = error.response
    try:
        said = response.json()["error"]["status"]
    except Exception:  # noqa: BLE001 - no JSON, or another one: the number has to do
        said = None
    return str(said or _BY_STATUS.get(int(error.code or 0), ""))
