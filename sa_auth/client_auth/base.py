"""The port to client authentication, and the request it is applied to.

Rule: a method is a small value with one act; it gives a new request and changes none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol, runtime_checkable

from ..token import NOTHING


class TokenRequest(NamedTuple):
    """A token request before it is encoded.

    Attributes:
        fields: Form fields in order; a name may stand twice only where its RFC says so (`resource`).
        headers: Header name to value.
    """

    fields: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = NOTHING

    def with_fields(self, *fields: tuple[str, str]) -> TokenRequest:
        """Gives the request with more form fields."""
        return self._replace(fields=(*self.fields, *fields))

    def with_header(self, name: str, value: str) -> TokenRequest:
        """Gives the request with one more header."""
        return self._replace(headers={**self.headers, name: value})

    def __repr__(self) -> str:
        return f"TokenRequest({', '.join(name for name, _ in self.fields)})"


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
