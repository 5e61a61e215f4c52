"""The client names itself and proves nothing (a public client). Source: RFC 6749 section 3.2.1."""

from __future__ import annotations

import re

from .._fixed import Fixed
from ..errors import ConfigError
from .base import Client, ClientAuth, TokenRequest, client_id_of, nobody

_TEXT = re.compile("[^\ud800-\udfff]+")  # what UTF-8 can write


class ClientId(Fixed):
    """Sends `client_id` alone.

    Args:
        client_id: As registered; None: the face's `issuer`.

    Raises:
        ConfigError: it is no text.

    Example:
        >>> ClientId("app").apply(TokenRequest(), 0).fields
        (('client_id', 'app'),)
    """

    __slots__ = ("client_id",)

    client_id: str | None

    def __init__(self, client_id: str | None = None) -> None:
        if client_id is not None:
            check_text(client_id, "client_id")
        self._fix(client_id=client_id)

    def completed(self, client: Client) -> ClientAuth:
        """With the face's client id, where it was named without one."""
        return self if self.client_id is not None else self._with(client_id=client_id_of(client, "client_id"))

    def apply(self, request: TokenRequest, now: float) -> TokenRequest:  # noqa: ARG002 - the port's signature
        """Gives the request with the client id."""
        if self.client_id is None:
            raise nobody("ClientId")
        return request.with_fields(("client_id", self.client_id))

    def fingerprint(self) -> tuple[str, ...]:
        """The method and the client id."""
        return ("client_id", self.client_id or "")

    def _told(self) -> str:
        return repr(self.client_id)


def check_text(value: object, name: str) -> None:
    """Refuses what is no non-empty str.

    Raises:
        ConfigError: it is not.
    """
    if not is_text(value):
        raise ConfigError(
            f"{name} is not a non-empty str.", code="bad_argument", hint="Take it from where the client is registered."
        )


def is_text(value: object) -> bool:
    """Whether it is a non-empty str that a form can hold."""
    return isinstance(value, str) and _TEXT.fullmatch(value) is not None
