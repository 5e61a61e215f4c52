"""The means to the next token that came with the last one.

Rule: it may rotate, so it is sent again only where no server can have seen it. Source: RFC 6749 section 6; RFC 9700
section 4.14 for rotation.
"""

from __future__ import annotations

from .._encoding import digest
from .._secret import Secret, fingerprint
from ..errors import ConfigError


class RefreshToken:
    """Asks with a refresh token; the newest one that comes back is used from then on.

    Args:
        refresh_token: As the server gave it.

    Raises:
        ConfigError: it is no text.

    Example:
        >>> RefreshToken("abc").form(0)
        [('grant_type', 'refresh_token'), ('refresh_token', 'abc')]
    """

    __slots__ = ("_refresh_token",)

    advice = (
        "The refresh token is used up, revoked or too old: let the person sign in again, and make new credentials of "
        "the new one."
    )

    def __init__(self, refresh_token: str | Secret) -> None:
        if not isinstance(refresh_token, Secret) and not (isinstance(refresh_token, str) and refresh_token.strip()):
            raise ConfigError(
                "RefreshToken(refresh_token) is not a non-empty str.", code="bad_argument",
                hint="It is the refresh_token of an earlier answer.",
            )  # fmt: skip
        self._refresh_token = refresh_token if isinstance(refresh_token, Secret) else Secret(refresh_token)

    @property
    def repeatable(self) -> bool:
        """No: the server may have put another in its place already."""
        return False

    def form(self, now: float) -> list[tuple[str, str]]:  # noqa: ARG002 - the port's signature
        """grant_type and the refresh token."""
        return [("grant_type", "refresh_token"), ("refresh_token", self._refresh_token.reveal().decode())]

    def fingerprint(self) -> tuple[str, ...]:
        """A hash of the refresh token."""
        return ("refresh_token", digest(self._refresh_token.reveal()).hex())

    def describe(self) -> str:
        """Which refresh token, by a hash."""
        return f"refresh token {fingerprint(self._refresh_token.reveal())}"

    def __repr__(self) -> str:
        return f"RefreshToken({fingerprint(self._refresh_token.reveal())})"
