"""A key of HashiCorp Vault's transit engine. Needs `hvac`.

Rule: Vault gets the digest and never the message; the version of the key whose public half was read is the one that signs.
Stands under `RemoteSigner`. Source: https://developer.hashicorp.com/vault/api-docs/secret/transit (sign, keys);
github.com/hashicorp/vault `sdk/helper/keysutil/policy.go` (form of a signature, words of a refusal).
"""

from __future__ import annotations

import base64
import os
import re
from typing import Any, ClassVar

import hvac  # type: ignore[import-untyped]
from hvac import exceptions

from .._encoding import b64url_decode
from .._secret import Password, Secret, open_password
from ..errors import SigningError
from ..wire import endpoint
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

_EXAMPLE = "vault:robot?mount=transit&version=3"
_NAMES = {
    "mount": "of the engine, default transit", "version": "of the key, default the latest when it is read",
    "address": "of Vault, default VAULT_ADDR", "namespace": "default VAULT_NAMESPACE",
}  # fmt: skip
_STATUS = {
    exceptions.BadGateway: 502, exceptions.InternalServerError: 500, exceptions.VaultDown: 503,
    exceptions.VaultNotInitialized: 501,
}  # fmt: skip
_NOBODY = {
    "ConnectionError",
    "Timeout",
    "ConnectTimeout",
    "ReadTimeout",
    "ChunkedEncodingError",
}  # of hvac's HTTP library


class VaultKey(KeyService):
    """One key of a transit engine.

    The token's policy needs, for a key "robot" in the engine "transit":

        path "transit/sign/robot" { capabilities = ["update"] }
        path "transit/keys/robot" { capabilities = ["read"] }     # not with certificate=

    The token is that of VAULT_TOKEN, else of ~/.vault-token, read for each call; VAULT_CACERT and the like count as for
    Vault's own command. No redirect is followed, as one would take the token to another host.

    Args:
        uri: `vault:KEY?mount=transit&version=3&address=https://...&namespace=...`, all but the key with defaults.
        password: The token instead, or a function that gives it and is asked for each call.

    Raises:
        ConfigError: the URI is not of the form, or the address is no https (http: this machine's own).

    Example:
        >>> VaultKey("vault:robot?version=3")
        VaultKey('robot', mount='transit', version=3)
    """

    service: ClassVar[str] = "Vault"
    der = False
    takes_password: ClassVar[bool] = True

    def __init__(self, uri: str, *, password: Password = None) -> None:
        self._name, said = parts(uri, _NAMES, _EXAMPLE)
        self._mount = said.get("mount", "transit").strip("/")
        version = said.get("version")
        self._version = int(version) if version and version.isdecimal() and version != "0" else None
        self._address, self._namespace = said.get("address"), said.get("namespace")
        self._password = Secret(password) if isinstance(password, str | bytes) else password
        # Into the path of a request they go as they are.
        if (version is not None and self._version is None) or not re.fullmatch(
            r"\w[\w.-]*(/\w[\w.-]*)+", f"{self._mount}/{self._name}", re.ASCII
        ):
            parts("vault:", _NAMES, _EXAMPLE)
        if self._address is not None:
            endpoint(self._address, "address in the key URI", by_caller=True)

    def public_key(self, timeout: float) -> bytes:
        """Reads the key's public half, and which version it is of."""
        with self._client(timeout) as client:
            told = self._told(client.secrets.transit.read_key(self._name, mount_point=self._mount))
        version = self._version or int(told["latest_version"])
        key = told["keys"].get(str(version))
        if key is None:
            raise wrong_version(self.service, f"It has {', '.join(sorted(told['keys'], key=int))}.")
        if not isinstance(key, dict) or not key.get("public_key"):
            raise unfit(
                self.service, "a public key's algorithms", "Its type is to be rsa-2048 or ecdsa-p256, or larger."
            )
        self._version = version
        return str(key["public_key"]).encode("ascii")

    def sign(self, algorithm: str, data: bytes, digest: bytes, timeout: float) -> bytes:  # noqa: ARG002 - Vault gets the digest
        """Has the digest signed."""
        elliptic = algorithm.startswith("ES")
        options: dict[str, Any] = {"marshaling_algorithm": "jws"} if elliptic else {"signature_algorithm": "pkcs1v15"}
        if algorithm.startswith("PS"):
            options = {
                "signature_algorithm": "pss",
                "salt_length": "hash",
            }  # RFC 7518 section 3.5; by default it is the longest
        with self._client(timeout) as client:
            answer = client.secrets.transit.sign_data(
                self._name, hash_input=base64.b64encode(digest).decode("ascii"), key_version=self._version,
                hash_algorithm=f"sha2-{algorithm[2:]}", prehashed=True, mount_point=self._mount, **options,
            )  # fmt: skip
        version, _, signature = str(self._told(answer)["signature"]).removeprefix("vault:v").partition(":")
        if self._version is not None and version != str(self._version):
            raise wrong_version(self.service, "It signed with another one than was asked for.")
        return b64url_decode(signature) if elliptic else base64.b64decode(signature, validate=True)

    def _told(self, answer: Any) -> Any:
        if isinstance(answer, dict):
            return answer["data"]
        raise unavailable(
            self.service,
            hint="It answered with a redirect, or a page: the token goes to no other host. Name the active node "
            "itself in VAULT_ADDR, and no proxy that one signs in to.",
        )

    def explain(self, error: Exception, act: str) -> SigningError:
        """Names what Vault said."""
        words = str(error).lower() if isinstance(error, exceptions.VaultError) else ""
        if "missing client token" in words:
            return no_login(self.service, "Set VAULT_TOKEN, or sign in with `vault login`.")
        if isinstance(error, exceptions.Forbidden | exceptions.Unauthorized):
            # Vault says no more than that for a token that is wrong or over.
            whose = "password=" if self._password is not None else "VAULT_TOKEN, or else ~/.vault-token"
            permission = f"{self._permission(act)}; or the token of {whose} is wrong or over: see `vault token lookup`"
            return denied(self.service, permission, act, status=403)
        if type(error).__name__ == "InvalidHeader":  # of hvac's HTTP library
            return no_login(self.service, "The token has a line end or another control character in it: take that out.")
        if isinstance(error, exceptions.RateLimitExceeded):
            return throttled(self.service, status=429)
        if "requested version for signing" in words or "key version" in words:
            return wrong_version(
                self.service, "Name one of `vault read transit/keys/KEY` with ?version=, or none for the latest."
            )
        if isinstance(error, exceptions.InvalidPath) or "encryption key not found" in words:
            return not_found(
                self.service,
                f"Look for it with `vault read {self._mount}/keys/{self._name}`; see ?mount= and ?namespace=.",
            )
        if isinstance(error, exceptions.InvalidRequest):
            return unfit(
                self.service,
                "that algorithm",
                "Its type has to be RSA or ECDSA; pss with a salt needs Vault 1.12.",
                status=400,
            )
        if isinstance(error, tuple(_STATUS)):
            sealed = " It is sealed." if "sealed" in words else ""
            return unavailable(self.service, status=_STATUS[type(error)], hint=f"See `vault status`.{sealed}")
        if {each.__name__ for each in type(error).__mro__} & _NOBODY:
            return no_answer(
                self.service, "See `vault status`, VAULT_ADDR, and VAULT_CACERT where its certificate is not known."
            )
        return failed(self.service, error, act)

    def _permission(self, act: str) -> str:
        if act == "public_key":
            return f'the policy: path "{self._mount}/keys/{self._name}" {{ capabilities = ["read"] }}; or pass certificate='
        return f'the policy: path "{self._mount}/sign/{self._name}" {{ capabilities = ["update"] }}'

    def _client(self, timeout: float) -> _Client:
        """A client for one call: it reads the token anew, and no connection of it survives a fork."""
        address = self._address or os.environ.get("VAULT_ADDR", "")
        if not address:
            raise no_login(self.service, "Set VAULT_ADDR, or say ?address= in the key URI.")
        endpoint(address, "VAULT_ADDR", by_caller=True)
        held = self._password
        token = open_password(held.reveal() if isinstance(held, Secret) else held, "Vault token")
        made = _Client(
            url=address, token=None if token is None else token.decode("utf-8", "replace"), timeout=timeout,  # pyright: ignore[reportArgumentType]  # seconds, for requests
            namespace=self._namespace or os.environ.get("VAULT_NAMESPACE"), allow_redirects=False,
        )  # fmt: skip
        if not made.token:
            raise no_login(self.service, "Set VAULT_TOKEN, or sign in with `vault login`.")
        return made

    def __repr__(self) -> str:
        return f"VaultKey({self._name!r}, mount={self._mount!r}, version={self._version})"


class _Client(hvac.Client):  # type: ignore[misc]  # it has no types
    """Closes its connections at the end of a block."""

    def __enter__(self) -> _Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.adapter.close()
