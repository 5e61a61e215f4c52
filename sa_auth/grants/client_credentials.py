"""The client acts for itself, and its authentication is all that it shows.

Source: RFC 6749 section 4.4; RFC 7521 section 6.2.
"""

from __future__ import annotations

from .._fixed import Fixed


class ClientCredentials(Fixed):
    """Asks in the client's own name.

    Example:
        >>> ClientCredentials().form(0)
        [('grant_type', 'client_credentials')]
    """

    __slots__ = ()

    cause = "client_credentials"
    advice = (
        "The server gives this client nothing in its own name: check that the grant client_credentials is registered for "
        "it, and whether its tokens have to be bound to a key (dpop=True) or a certificate."
    )

    @property
    def repeatable(self) -> bool:
        """Yes: it holds nothing that is used up."""
        return True

    def form(self, now: float) -> list[tuple[str, str]]:  # noqa: ARG002 - the port's signature
        """grant_type alone."""
        return [("grant_type", "client_credentials")]

    def fingerprint(self) -> tuple[str, ...]:
        """Its name: who asks is client authentication's part."""
        return ("client_credentials",)

    def describe(self) -> str:
        """Its name."""
        return "grant client_credentials"
