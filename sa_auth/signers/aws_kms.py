"""A key of AWS KMS.

Rule: the whole message goes there up to 4096 bytes, and its digest beyond; one request a call, with the SDK's own retries
off. Stands under `RemoteSigner`. Source: AWS KMS API, Sign and GetPublicKey (the service model in botocore).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import boto3
from botocore import exceptions as aws
from botocore.config import Config

from ..errors import ConfigError, SigningError
from ..wire import endpoint
from .calling import PerProcess
from .service import KeyService, denied, failed, no_answer, no_login, not_found, parts, throttled, unavailable, unfit
from .service import wrong_version as disabled

_SPECS = {
    "RS256": "RSASSA_PKCS1_V1_5_SHA_256",
    "RS384": "RSASSA_PKCS1_V1_5_SHA_384",
    "RS512": "RSASSA_PKCS1_V1_5_SHA_512",
    "PS256": "RSASSA_PSS_SHA_256",
    "PS384": "RSASSA_PSS_SHA_384",
    "PS512": "RSASSA_PSS_SHA_512",
    "ES256": "ECDSA_SHA_256",
    "ES384": "ECDSA_SHA_384",
    "ES512": "ECDSA_SHA_512",
    "EdDSA": "ED25519_SHA_512",
}
_EXAMPLE = "awskms:arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
_ARN = re.compile(r"arn:aws[a-z0-9-]*:kms:([a-z0-9-]+):[0-9]+:(?:key|alias)/[A-Za-z0-9/_-]+")
_KEY = re.compile(r"alias/[A-Za-z0-9/_-]+|[A-Za-z0-9-]+")
_MOST_RAW = 4096  # bytes of a message that the service takes whole
_CONNECT_S, _READ_S = 5.0, 10.0  # of a call that nobody waits for any more: the waiting itself ends with the exchange

_PERMISSIONS = {"sign": "kms:Sign", "public_key": "kms:GetPublicKey"}
_THROTTLED = {
    "LimitExceededException",
    "RequestLimitExceeded",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
_UNAVAILABLE = {
    "DependencyTimeoutException",
    "InternalFailure",
    "KeyUnavailableException",
    "KMSInternalException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
}
_LOGIN = {
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "OptInRequired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_LOGIN_HINT = (
    "boto3 looks into AWS_ACCESS_KEY_ID, ~/.aws, the web identity token, the container's and the instance's role; or "
    "pass login=. A clock that is wrong is refused as well."
)


class AWSKey(KeyService):
    """An asymmetric key of AWS KMS, for signing: `awskms:`.

    It needs `kms:Sign` and `kms:GetPublicKey` on the key; with `certificate=` the first alone. An alias that is pointed to
    another key is noticed by a new process alone: name the key itself where that may happen.

    Args:
        uri: `awskms:` and the ARN of the key or of an alias; or `awskms:///alias/robot?region=eu-west-1`, or the id of the
            key in its place. `region`: default the ARN's, else the session's. `endpoint`: URL of a VPC endpoint; default the
            SDK's, which AWS_ENDPOINT_URL_KMS may name.
        login: Function that gives a `boto3.Session`, called in each process once; None: a session of the SDK's defaults.

    Raises:
        ConfigError: the URI is of another form.

    Example:
        >>> AWSKey("awskms:///alias/robot?region=eu-west-1")
        AWSKey('alias/robot')
        >>> AWSKey("awskms:alias/robot?where=there")
        Traceback (most recent call last):
        sa_auth.errors.ConfigError: bad_key_uri: The key URI awskms: has 'where' in it. Hint: For example ...
    """

    service = "AWS KMS"
    algorithms = tuple(_SPECS)

    def __init__(self, uri: str, *, login: Callable[[], Any] | None = None) -> None:
        names = {"region": "of the key", "endpoint": "URL of a VPC endpoint"}
        path, values = parts(uri, names, _EXAMPLE)
        self._key = path.removeprefix("///")
        arn = _ARN.fullmatch(self._key)
        region = values.get("region") or None
        if region not in {None, arn[1]} if arn is not None else _KEY.fullmatch(self._key) is None:
            raise ConfigError(
                "The key URI awskms: names no key, or a region that is not the ARN's.", code="bad_key_uri",
                hint=f"For example {_EXAMPLE!r}, or 'awskms:///alias/robot?region=eu-west-1'.",
            )  # fmt: skip
        self._region = arn[1] if arn is not None else region
        self._endpoint = endpoint(values["endpoint"], "endpoint", by_caller=True) if "endpoint" in values else None
        self._login = login
        self._client = PerProcess(self._open)

    def _open(self) -> Any:
        session = boto3.Session() if self._login is None else self._login()
        config = Config(
            connect_timeout=_CONNECT_S, read_timeout=_READ_S, retries={"total_max_attempts": 1}, max_pool_connections=32
        )
        return session.client("kms", region_name=self._region, endpoint_url=self._endpoint, config=config)

    def public_key(self, timeout: float) -> bytes:  # noqa: ARG002, D102 - boto has no time for one call; the port says it
        answer = self._client().get_public_key(KeyId=self._key)
        return bytes(answer["PublicKey"])

    def sign(self, algorithm: str, data: bytes, digest: bytes, timeout: float) -> bytes:  # noqa: ARG002, D102
        whole = len(data) <= _MOST_RAW
        if not whole and not digest:
            raise unfit(self.service, algorithm, f"Of Ed25519 it takes no more than {_MOST_RAW} bytes.")
        answer = self._client().sign(
            KeyId=self._key, SigningAlgorithm=_SPECS[algorithm],
            Message=data if whole else digest, MessageType="RAW" if whole else "DIGEST",
        )  # fmt: skip
        return bytes(answer["Signature"])

    def __repr__(self) -> str:
        return f"AWSKey({self._key!r})"

    def explain(self, error: Exception, act: str) -> SigningError:  # noqa: D102
        if isinstance(error, aws.ClientError):
            return self._refused(error, act)
        if isinstance(error, aws.ConnectionError | aws.HTTPClientError):  # the time-outs are among them
            return no_answer(self.service)
        if isinstance(error, aws.NoRegionError):
            return SigningError(
                "It is not known in which region the key of AWS KMS is.", code="bad_key_uri",
                hint="Name the key by its ARN, add ?region=eu-west-1 to the URI, or set AWS_DEFAULT_REGION.",
            )  # fmt: skip
        if isinstance(error, _NO_LOGIN):
            return no_login(self.service, _LOGIN_HINT)
        return failed(self.service, error, act)

    def _refused(self, error: Any, act: str) -> SigningError:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if code in _THROTTLED or status == 429:
            return throttled(self.service, status=status)
        if code in {"AccessDenied", "AccessDeniedException"}:
            return denied(
                self.service, f"{_PERMISSIONS[act]} on the key, in its policy or the role's", act, status=status
            )
        if code in _LOGIN:
            return no_login(self.service, _LOGIN_HINT)
        if code in {"NotFoundException", "InvalidArnException"}:
            return not_found(
                self.service, "Look at account, region and id; an alias begins with alias/.", status=status
            )
        if code in {"DisabledException", "KMSInvalidStateException"}:
            return disabled(self.service, "The key is disabled, or about to be deleted: enable it.", status=status)
        if code in {"InvalidKeyUsageException", "UnsupportedOperationException"}:
            return unfit(
                self.service,
                "that algorithm",
                "It has to be an asymmetric key with the usage SIGN_VERIFY.",
                status=status,
            )
        if code in _UNAVAILABLE or (status or 0) >= 500:
            return unavailable(self.service, status=status)
        # One of its words, which are names; its sentence may repeat what was sent.
        word = code if re.fullmatch(r"[A-Za-z0-9.]{1,60}", code) else "an unknown error"
        return SigningError(f"AWS KMS answered {word}.", status=status)


_NO_LOGIN = (
    aws.NoCredentialsError,
    aws.PartialCredentialsError,
    aws.CredentialRetrievalError,
    aws.ProfileNotFound,
    aws.SSOError,
    aws.TokenRetrievalError,
)
