"""The port to a grant (RFC 6749 section 4, RFC 7521 section 4.1)."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Grant(Protocol):
    """What we ask by.

    Attributes:
        repeatable: Whether the request may be sent again after the server may have seen it. A code or a rotating
            refresh token may not.
    """

    @property
    def repeatable(self) -> bool: ...  # noqa: D102 - said above

    def form(self, now: float) -> list[tuple[str, str]]:
        """The grant's own form fields, with a fresh assertion where there is one.

        Args:
            now: Unix seconds by the server's clock as far as it is known.
        """
        ...

    def fingerprint(self) -> tuple[str, ...]:
        """The grant's part of the identity."""
        ...

    def describe(self) -> str:
        """What was sent, for a refusal's hint; no secret."""
        ...
