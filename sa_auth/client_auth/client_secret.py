"""The client proves itself with a shared secret. Source: RFC 6749 section 2.3.1."""

from __future__ import annotations

import base64
import hmac
from urllib.parse import quote_plus

from .._secret import Secret
from .base import TokenRequest
from .client_id import check_text


class ClientSecretBasic:
    """Sends client id and secret as HTTP Basic, each form-encoded first as the RFC wants it.

    Args:
        client_id: As registered.
        client_secret: Its secret.

    Raises:
        ConfigError: one of them is no text.

    Example:
        >>> ClientSecretBasic("app", "s:t").apply(TokenRequest(), 0).headers["Authorization"]
        'Basic YXBwOnMlM0F0'
    """

    __slots__ = ("_secret", "client_id")

    name = "client_secret_basic"

    def __init__(self, client_id: str, client_secret: str) -> None:
        check_text(client_id, "client_id")
        check_text(client_secret, "client_secret")
        self.client_id = client_id
        self._secret = Secret(client_secret)

    def apply(self, request: TokenRequest, now: float) -> TokenRequest:  # noqa: ARG002 - the port's signature
        """Gives the request with an Authorization header."""
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self._secret.reveal())}"
        return request.with_header("Authorization", "Basic " + base64.b64encode(pair.encode("ascii")).decode("ascii"))

    def fingerprint(self) -> tuple[str, ...]:
        """The method, the client id, and a hash of the secret that says nothing of a weak one without the id."""
        keyed = hmac.new(self._secret.reveal(), b"sa_auth client secret\0" + self.client_id.encode(), "sha256")
        return (self.name, self.client_id, keyed.hexdigest())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.client_id!r})"


class ClientSecretPost(ClientSecretBasic):
    """Sends client id and secret as form fields, for servers that do not read Basic.

    Args:
        client_id: As registered.
        client_secret: Its secret.

    Example:
        >>> ClientSecretPost("app", "s").apply(TokenRequest(), 0).fields
        (('client_id', 'app'), ('client_secret', 's'))
    """

    __slots__ = ()

    name = "client_secret_post"

    def apply(self, request: TokenRequest, now: float) -> TokenRequest:  # noqa: ARG002 - the port's signature
        """Gives the request with both fields."""
        return request.with_fields(
            ("client_id", self.client_id), ("client_secret", self._secret.reveal().decode("utf-8"))
        )
