"""The port to an assertion, whoever issues it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Assertion(Protocol):
    """Something that says who we are."""

    def mint(self, now: float) -> str:
        """Gives one assertion to send once.

        Args:
            now: Unix seconds by the server's clock as far as it is known.

        Raises:
            SaAuthError: it cannot be had; a SigningError where the key fails.
        """
        ...

    def fingerprint(self) -> tuple[str, ...]:
        """Everything about it that makes a token this identity's and no other's."""
        ...

    def describe(self) -> str:
        """What it says, for an error's hint; no secret."""
        ...
