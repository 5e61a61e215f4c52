"""A key of Azure Key Vault, or of Managed HSM.

Rule: a digest of the algorithm's length goes there, and ECDSA comes back as a JWS has it; one request a call, with the SDK's
own retries off. Stands under `RemoteSigner`. Source: Key Vault REST API, Sign and Get Key; RFC 7518 section 6.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from azure.core import exceptions as azure_errors
from azure.identity import CredentialUnavailableError, DefaultAzureCredential
from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient, SignatureAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ..errors import ConfigError, SigningError
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

_EXAMPLE = "azurekv://robot-keys.vault.azure.net/keys/robot/0123456789abcdef0123456789abcdef"
_KEY = re.compile(r"//([A-Za-z0-9.-]+(?::[0-9]{1,5})?)/keys/([A-Za-z0-9-]+)(?:/([A-Za-z0-9]+))?")
_CURVES: dict[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
_PERMISSIONS = {
    "sign": "keys/sign (or Microsoft.KeyVault/vaults/keys/sign/action, which the role Key Vault Crypto User has)",
    "public_key": "keys/get (or Microsoft.KeyVault/vaults/keys/read, which the role Key Vault Crypto User has)",
}
_LOGIN_HINT = (
    "DefaultAzureCredential looks into AZURE_CLIENT_ID and its neighbours, the workload and managed identity and the "
    "login of az; or pass login=."
)
# What the service says beside a 403 where the key, and not the caller, is why.
_NOT_IN_USE = {"KeyDisabled", "KeyExpired", "KeyNotYetValid", "KeyNotActive"}


class AzureKey(KeyService):
    """A key of Azure Key Vault, for signing: `azurekv:`.

    It needs `keys/sign` and `keys/get` by access policy, or `Microsoft.KeyVault/vaults/keys/sign/action` and
    `Microsoft.KeyVault/vaults/keys/read` by role (Key Vault Crypto User has both). Without the second the SDK asks in vain,
    once, and signs; then `certificate=` is needed.

    A URI without a version means the newest one when the public key is read, and that one from then on.

    Args:
        uri: `azurekv://VAULT.vault.azure.net/keys/NAME/VERSION`: the key's identifier with another scheme.
        login: Function that gives a `TokenCredential`, called in each process once; None: `DefaultAzureCredential`.

    Raises:
        ConfigError: the URI is of another form.

    Example:
        >>> AzureKey("azurekv://robot-keys.vault.azure.net/keys/robot")
        AzureKey('https://robot-keys.vault.azure.net', 'robot', None)
        >>> AzureKey("azurekv://robot-keys.vault.azure.net/robot")
        Traceback (most recent call last):
        sa_auth.errors.ConfigError: bad_key_uri: The key URI azurekv: names no key of a vault. Hint: For example ...
    """

    service = "Azure Key Vault"
    der = False

    def __init__(self, uri: str, *, login: Callable[[], Any] | None = None) -> None:
        path, _ = parts(uri, {}, _EXAMPLE)
        named = _KEY.fullmatch(path)
        if named is None:
            raise ConfigError(
                "The key URI azurekv: names no key of a vault.", code="bad_key_uri",
                hint=f"For example {_EXAMPLE!r}: the key's identifier with azurekv in place of https.",
            )  # fmt: skip
        self._vault, self._name, self._version = f"https://{named[1]}", named[2], named[3]
        self._credential: PerProcess[Any] = PerProcess(lambda: DefaultAzureCredential() if login is None else login())
        self._reader: PerProcess[KeyClient] = PerProcess(self._open_reader)
        self._crypto: PerProcess[CryptographyClient] = PerProcess(self._open)

    def _open_reader(self) -> KeyClient:
        return KeyClient(self._vault, self._credential(), retry_total=0, permit_redirects=False)

    def _open(self) -> CryptographyClient:
        # By its identifier alone: with the public key at hand it would be as well, and another object to make.
        key = f"{self._vault}/keys/{self._name}" + (f"/{self._version}" if self._version else "")
        return CryptographyClient(key, self._credential(), retry_total=0, permit_redirects=False)

    def public_key(self, timeout: float) -> bytes:  # noqa: D102 - the port says it
        found = self._reader().get_key(self._name, self._version, **_within(timeout))
        self._version = found.properties.version or self._version
        return _spki(found.key)

    def sign(self, algorithm: str, data: bytes, digest: bytes, timeout: float) -> bytes:  # noqa: ARG002, D102
        return self._crypto().sign(SignatureAlgorithm(algorithm), digest, **_within(timeout)).signature

    def __repr__(self) -> str:
        return f"AzureKey({self._vault!r}, {self._name!r}, {self._version!r})"

    def explain(self, error: Exception, act: str) -> SigningError:  # noqa: D102
        if isinstance(error, azure_errors.ServiceRequestError | azure_errors.ServiceResponseError):
            return no_answer(self.service)
        if isinstance(error, CredentialUnavailableError):
            return no_login(self.service, _LOGIN_HINT)
        if isinstance(error, azure_errors.HttpResponseError):
            return self._refused(error, act)
        return failed(self.service, error, act)

    def _refused(self, error: azure_errors.HttpResponseError, act: str) -> SigningError:
        status, words = error.status_code, _words(error)
        if words & _NOT_IN_USE:
            return wrong_version(self.service, "That version is disabled, expired or not valid yet.", status=status)
        if status == 401 or isinstance(error, azure_errors.ClientAuthenticationError):
            return no_login(self.service, _LOGIN_HINT)
        if "KeyOperationForbidden" in words:
            return unfit(
                self.service, "that algorithm", "Its permitted operations have to include sign.", status=status
            )
        if "ForbiddenByFirewall" in words:
            return denied(self.service, "this machine's address a way through the vault's firewall", act, status=status)
        if status == 403:
            return denied(self.service, f"{_PERMISSIONS[act]} on the vault or the key", act, status=status)
        if status == 404:
            return not_found(self.service, "Look at the vault, the name and the version in the URI.", status=status)
        if status == 429:
            return throttled(self.service, retry_after=_retry_after(error), status=status)
        if status == 400:
            return unfit(
                self.service,
                "that algorithm",
                "RSA and EC keys sign; a curve by its own algorithm alone.",
                status=status,
            )
        if (status or 0) >= 500:
            return unavailable(self.service, status=status, retry_after=_retry_after(error))
        return failed(self.service, error, act)


def _within(timeout: float) -> dict[str, float]:
    return {"connection_timeout": timeout, "read_timeout": timeout}


def _spki(jwk: Any) -> bytes:
    kind, curve = str(getattr(jwk.kty, "value", jwk.kty)), str(getattr(jwk.crv, "value", jwk.crv))
    public: rsa.RSAPublicKey | ec.EllipticCurvePublicKey
    if kind.startswith("RSA"):
        public = rsa.RSAPublicNumbers(_number(jwk.e), _number(jwk.n)).public_key()
    elif curve in _CURVES:
        public = ec.EllipticCurvePublicNumbers(_number(jwk.x), _number(jwk.y), _CURVES[curve]).public_key()
    else:
        raise unfit(
            AzureKey.service, "any algorithm that is known here", "It has to be RSA, or EC on P-256, P-384 or P-521."
        )
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _words(error: azure_errors.HttpResponseError) -> set[str]:
    """The codes in the answer, from the outer to the innermost."""
    if error.error is None:
        return set()
    found = {str(error.error.code)}
    level: Any = error.error.innererror
    for _ in range(3):
        if not isinstance(level, Mapping):
            break
        found.add(str(level.get("code", "")))
        level = level.get("innererror", {})
    return found


def _retry_after(error: azure_errors.HttpResponseError) -> float | None:
    said = getattr(error.response, "headers", {}).get("Retry-After", "")
    return float(said) if re.fullmatch(r"[0-9]{1,6}", said) else None
