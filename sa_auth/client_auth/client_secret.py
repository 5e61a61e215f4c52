"""The client proves itself with a shared secret. Source: RFC 6749 section 2.3.1."""

from __future__ import annotations

import base64
import hmac
from urllib.parse import quote_plus

from .._fixed import Fixed
from .._secret import Secret
from ..errors import ConfigError
from .base import TokenRequest
from .client_id import check_text, is_text


class ClientSecretBasic(Fixed):
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

    client_id: str
    _secret: Secret

    def __init__(self, client_id: str, client_secret: str) -> None:
        sealed = Secret(client_secret) if is_text(client_secret) else None
        del client_secret  # or the frame of an error would hold it
        check_text(client_id, "client_id")
        if sealed is None:
            raise ConfigError(
                "client_secret is not a non-empty str.", code="bad_argument",
                hint="Take it from where the client is registered.",
            )  # fmt: skip
        self._fix(client_id=client_id, _secret=sealed)

    def apply(self, request: TokenRequest, now: float) -> TokenRequest:  # noqa: ARG002 - the port's signature
        """Gives the request with an Authorization header."""
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self._secret.reveal())}"
        return request.with_header("Authorization", "Basic " + base64.b64encode(pair.encode("ascii")).decode("ascii"))

    def fingerprint(self) -> tuple[str, ...]:
        """The method, the client id, and a hash of the secret that says nothing of a weak one without the id."""
        keyed = hmac.new(self._secret.reveal(), b"sa_auth client secret\0" + self.client_id.encode(), "sha256")
        return (self.name, self.client_id, keyed.hexdigest())

    def _told(self) -> str:
        return repr(self.client_id)


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
