"""The means to the next token that came with the last one.

Rule: it may rotate, so it is sent again only where no server can have seen it. Source: RFC 6749 section 6; RFC 9700
section 4.14 for rotation.
"""

from __future__ import annotations

import re

from .._encoding import digest
from .._fixed import Fixed
from .._secret import Secret, fingerprint
from ..errors import ConfigError

_TOKEN = re.compile(r"[\x20-\x7e]+")  # RFC 6749 appendix A.17


class RefreshToken(Fixed):
    """Asks with a refresh token; the newest one that comes back is used from then on.

    Args:
        refresh_token: As the server gave it.

    Raises:
        ConfigError: it is no text of a refresh token.

    Example:
        >>> RefreshToken("abc").form(0)
        [('grant_type', 'refresh_token'), ('refresh_token', 'abc')]
    """

    __slots__ = ("_first", "_newest")

    advice = (
        "The refresh token is used up, revoked or too old: let the person sign in again, and make new credentials of "
        "the new one."
    )

    _first: Secret
    _newest: Secret

    def __init__(self, refresh_token: str | Secret) -> None:
        sealed = refresh_token if isinstance(refresh_token, Secret) else None
        if isinstance(refresh_token, str) and refresh_token.strip() and _TOKEN.fullmatch(refresh_token):
            sealed = Secret(refresh_token)
        del refresh_token  # or the frame of an error would hold it
        if sealed is None:
            raise ConfigError(
                "RefreshToken(refresh_token) is not a non-empty str of ASCII's characters.", code="bad_argument",
                hint="It is the refresh_token of an earlier answer, without a line end.",
            )  # fmt: skip
        self._fix(_first=sealed, _newest=sealed)

    @property
    def repeatable(self) -> bool:
        """No: the server may have put another in its place already."""
        return False

    def taken_up(self, kept: Secret | None) -> Secret:
        """Goes on from the one that was kept beside a token, unless a newer one came in this process.

        Returns:
            The newest.
        """
        if kept is not None and self._newest is self._first:
            self.follow(kept)
        return self._newest

    def follow(self, refresh_token: Secret) -> None:
        """Notes the one that came in its place: credentials of another scope go on by that one, too."""
        self._fix(_newest=refresh_token)

    def form(self, now: float) -> list[tuple[str, str]]:  # noqa: ARG002 - the port's signature
        """grant_type and the newest refresh token."""
        return [("grant_type", "refresh_token"), ("refresh_token", self._newest.reveal().decode())]

    def fingerprint(self) -> tuple[str, ...]:
        """A hash of the first refresh token."""
        return ("refresh_token", digest(self._first.reveal()).hex())

    def describe(self) -> str:
        """Which refresh token, by a hash."""
        return f"refresh token {fingerprint(self._newest.reveal())}"

    def _told(self) -> str:
        return fingerprint(self._first.reveal())
