"""The port to a private key, wherever it lives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Signer(Protocol):
    """Signs bytes with one key, by one algorithm.

    Attributes:
        algorithm: JOSE name (RFC 7518 section 3.1): "RS256", "ES256", "EdDSA".
        key_id: `kid` of the header; None: no kid is sent.
        thumbprint: RFC 7638 SHA-256 thumbprint of the public key, base64url; part of the identity.
    """

    @property
    def algorithm(self) -> str: ...  # noqa: D102 - said above, as for its neighbours

    @property
    def key_id(self) -> str | None: ...  # noqa: D102

    @property
    def thumbprint(self) -> str: ...  # noqa: D102

    def sign(self, data: bytes) -> bytes:
        """Gives the JWS signature of the data (RFC 7515 section 5.1, RFC 7518 section 3).

        Raises:
            SigningError: the key or its service could not sign.
        """
        ...

    def secret(self) -> bytes | None:
        """Bytes to derive a sealing key from; None for a key that lives elsewhere."""
        ...

    def certificate_field(self, name: str) -> Any:
        """The header field "x5t", "x5t#S256" or "x5c" of the key's certificate (RFC 7515 section 4.1).

        Raises:
            ConfigError: there is no certificate.
        """
        ...

    def public_jwk(self) -> Mapping[str, Any]:
        """The public half (RFC 7517), to verify with or to register."""
        ...
