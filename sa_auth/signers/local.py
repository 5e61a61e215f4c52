"""A private key in this process.

Rule: the key is fully validated once, before its first signature, and never again. PyJWT's algorithm objects give
each signature its JWS form. Stands under the self-issued assertion. Source: RFC 7518 section 3.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from .._fixed import Fixed
from .._forks import guarded
from .._loading import load
from ..errors import ConfigError, SigningError

if TYPE_CHECKING:
    from ..keys import Key

# Held while OpenSSL works and while PyJWT is imported: both have locks of their own, and a child forked meanwhile would
# find them shut for ever. So a fork waits for the signature, half a millisecond, or for the one validation of a key.
_BUSY = guarded(threading.RLock())


class LocalSigner(Fixed):
    """Signs with a loaded key.

    Args:
        key: From `sa_auth.keys`.
        algorithm: JOSE name; None: the key's own default (RS256, ES256/384/512, EdDSA).
        key_id: `kid` for the header; None: the key's own, if it has one.

    Raises:
        ConfigError: the algorithm does not fit the key; `none` and HS* never do.

    Example:
        >>> from sa_auth.keys import from_pem
        >>> from sa_auth.testing import new_key
        >>> signer = LocalSigner(from_pem(new_key("p256")[0]), key_id="k1")
        >>> signer.algorithm, len(signer.sign(b"data"))
        ('ES256', 64)
    """

    __slots__ = ("_algorithm", "_key", "_prepared", "key_id")

    key_id: str | None
    _key: Key
    _algorithm: str
    _prepared: Any

    def __init__(self, key: Key, *, algorithm: str | None = None, key_id: str | None = None) -> None:
        if algorithm is not None and algorithm not in key.algorithms:
            raise ConfigError(
                f"The algorithm {str(algorithm)[:20]!r} does not fit the key.",
                code="bad_algorithm",
                hint=f"This key signs with {', '.join(key.algorithms)}.",
            )
        self._fix(
            _key=key, _algorithm=algorithm or key.algorithm, _prepared=None,
            key_id=key_id if key_id is not None else key.key_id,
        )  # fmt: skip

    @property
    def algorithm(self) -> str:
        """JOSE name of the algorithm."""
        return self._algorithm

    @property
    def key(self) -> Key:
        """The key itself, for mutual TLS."""
        return self._key

    @property
    def thumbprint(self) -> str:
        """RFC 7638 thumbprint of the public key."""
        return self._key.thumbprint

    def sign(self, data: bytes) -> bytes:
        """Gives the JWS signature of the data.

        Raises:
            KeyLoadError: the key is damaged; found at the first signature.
            SigningError: signing failed.
        """
        with _BUSY:
            return self._sign(data)

    def _sign(self, data: bytes) -> bytes:
        prepared = self._prepared if self._prepared is not None else self._prepare()
        private = self._key.private_key
        signature, failure = b"", ""
        try:
            signature = bytes(prepared.sign(data, private))
            # A key that skipped the full validation shows here that it signs what its public half verifies.
            if self._prepared is None and not prepared.verify(data, private.public_key(), signature):
                failure = "the first signature does not verify"
        except Exception as error:  # noqa: BLE001 - of the key or PyJWT; named and let go
            failure = type(error).__name__
        if failure:
            raise SigningError(f"Signing with {self._algorithm} failed: {failure}.")
        self._fix(_prepared=prepared)
        return signature

    def _prepare(self) -> Any:
        # PyJWT costs as much to import as a signature ten times over; a token from a cache signs nothing.
        jwt = load("jwt")
        self._key.ensure_valid()
        return jwt.get_algorithm_by_name(self._algorithm)

    def secret(self) -> bytes | None:
        """Bytes that only the holder of the key has."""
        with _BUSY:
            return self._key.secret()

    def certificate_field(self, name: str) -> Any:
        """The header field "x5t", "x5t#S256" or "x5c".

        Raises:
            ConfigError: the key has no certificate.
        """
        fields = {"x5t": "x5t", "x5t#S256": "x5t_s256", "x5c": "x5c"}
        value = getattr(self._key, fields[name])
        return list(value) if name == "x5c" else value

    def public_jwk(self) -> Mapping[str, Any]:
        """The public half as a JWK."""
        return self._key.public_jwk()

    def __setattr__(self, name: str, value: object) -> None:
        if name in LocalSigner.__slots__ or not hasattr(self, "__dict__"):
            super().__setattr__(name, value)
        object.__setattr__(self, name, value)  # what a caller's own subclass keeps beside it

    def _told(self) -> str:
        return f"{self._algorithm}, key_id={self.key_id!r}"

    def __reduce__(self) -> NoReturn:
        raise ConfigError(
            "A signer with a key in memory is not pickled.", code="not_picklable",
            hint="Build the credentials from a path or an environment variable; those travel by name.",
        )  # fmt: skip
