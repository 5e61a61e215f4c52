"""The client proves itself by the certificate of the connection.

Rule: the request names the client, the transport shows the certificate; tokens are bound to it.
Source: RFC 8705 section 2 (`tls_client_auth`, `self_signed_tls_client_auth`: one to the client) and section 3.
"""

from __future__ import annotations

from .._fixed import Fixed
from ..errors import ConfigError
from .base import Client, ClientAuth, TokenRequest, client_id_of, nobody
from .client_id import check_text


class MutualTLS(Fixed):
    """Sends the client id over a connection that presents the key's certificate.

    Args:
        client_id: As registered; None: the face's `issuer`.

    Raises:
        ConfigError: it is no text.

    Example:
        >>> MutualTLS("app").apply(TokenRequest(), 0).fields
        (('client_id', 'app'),)
    """

    __slots__ = ("_thumbprint", "client_id")

    name = "tls_client_auth"
    presents_certificate = True

    client_id: str | None
    _thumbprint: str

    def __init__(self, client_id: str | None = None) -> None:
        if client_id is not None:
            check_text(client_id, "client_id")
        self._fix(client_id=client_id, _thumbprint="")

    def completed(self, client: Client) -> ClientAuth:
        """With the face's client id and certificate.

        Raises:
            ConfigError: one of them is not known.
        """
        if self._thumbprint:
            return self
        if not client.certificate_thumbprint:
            raise ConfigError(
                "Mutual TLS needs a key with its certificate.", code="no_certificate",
                hint="Pass a PEM or PFX that holds both, or certificate= beside the key, as the first argument.",
            )  # fmt: skip
        who = self.client_id if self.client_id is not None else client_id_of(client, self.name)
        return self._with(client_id=who, _thumbprint=client.certificate_thumbprint)

    def apply(self, request: TokenRequest, now: float) -> TokenRequest:  # noqa: ARG002 - the port's signature
        """Gives the request with the client id, which RFC 8705 section 2 demands."""
        if self.client_id is None:
            raise nobody("MutualTLS")
        return request.with_fields(("client_id", self.client_id))

    def fingerprint(self) -> tuple[str, ...]:
        """The method, the client id, and the certificate's thumbprint."""
        return (self.name, self.client_id or "", self._thumbprint)

    def _told(self) -> str:
        return repr(self.client_id)
