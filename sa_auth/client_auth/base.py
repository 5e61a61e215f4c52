"""The port to client authentication.

Rule: a method is a small value with one act; it gives a new request and changes none. What was named without its key
or client id is completed once, when the credentials are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

from ..errors import ConfigError
from ..signers.base import Signer
from ..token import NOTHING
from ..wire import TokenRequest

__all__ = ["Client", "ClientAuth", "Incomplete", "TokenRequest", "client_id_of", "nobody", "signer_of"]


@runtime_checkable
class ClientAuth(Protocol):
    """How the client names itself."""

    def apply(self, request: TokenRequest, now: float) -> TokenRequest:
        """Gives the request with the client's name in it, and its proof where it has one.

        Args:
            request: What the grant asks.
            now: Unix seconds by the server's clock as far as it is known.
        """
        ...

    def fingerprint(self) -> tuple[str, ...]:
        """The method's part of the identity: its name, the client id, a keyed hash of the secret."""
        ...


class Client(NamedTuple):
    """What the face knows of the client.

    Attributes:
        client_id: As registered; None where none was given.
        signer: Its key; None where it has none.
        audience: `aud` of a client assertion: the issuer identifier of the server, or what its provider wants there.
        certificate_thumbprint: `x5t#S256` of the certificate that the transport presents; empty where it presents none.
        shape: Arguments of the assertion: lifetime, claims, headers and the like; and subject, scope where its provider
            wants them otherwise than usual.
        typ: `typ` of a client assertion, where its provider wants another than usual.
        with_client_id: Whether `client_id` is sent beside a client assertion.
    """

    client_id: str | None = None
    signer: Signer | None = None
    audience: str | None = None
    certificate_thumbprint: str = ""
    shape: Mapping[str, Any] = NOTHING
    typ: str | None = None
    with_client_id: bool = False


@runtime_checkable
class Incomplete(Protocol):
    """A method that may have been named without all it needs."""

    def completed(self, client: Client) -> ClientAuth:
        """Gives the method with what it lacked.

        Raises:
            ConfigError: the face does not know it either.
        """
        ...


def client_id_of(client: Client, method: str) -> str:
    """The client id.

    Raises:
        ConfigError: there is none.
    """
    if client.client_id is None:
        raise ConfigError(
            f"No client id is given for {method}.", code="no_issuer", hint="Pass issuer=: the client id as registered."
        )
    return client.client_id


def signer_of(client: Client, method: str) -> Signer:
    """The key.

    Raises:
        ConfigError: there is none.
    """
    if client.signer is None:
        raise ConfigError(
            f"No key is given for {method}.", code="no_key",
            hint="Pass a path, keys.from_pem(text), keys.from_pfx(data) or keys.from_jwk(data) as the first argument.",
        )  # fmt: skip
    return client.signer


def nobody(method: str) -> ConfigError:
    """The error of a method that is used before it was completed."""
    return ConfigError(
        f"{method} lacks its client.", code="bad_argument",
        hint="Hand it to ServiceAccountCredentials(client_auth=...), which knows issuer, key and server.",
    )  # fmt: skip
