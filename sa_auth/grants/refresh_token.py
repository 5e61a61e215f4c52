"""The means to the next token that came with the last one.

Rule: it may rotate, so it is sent again only where no server can have seen it. Source: RFC 6749 section 6; RFC 9700
section 4.14 for rotation.
"""

from __future__ import annotations

import re
import threading
from weakref import WeakValueDictionary

from .._encoding import digest
from .._fixed import Fixed
from .._forks import guarded
from .._secret import Secret, fingerprint
from ..errors import ConfigError

_TOKEN = re.compile(r"[\x20-\x7e]+")  # RFC 6749 appendix A.17


class Family:
    """The refresh tokens that came of one at one server, whatever scope they were asked for by: the newest alone is good.

    Args:
        first: The one that the caller gave.
    """

    __slots__ = ("__weakref__", "_first", "newest")

    def __init__(self, first: Secret) -> None:
        self._first = self.newest = first

    def taken_up(self, kept: Secret | None) -> Secret:
        """Gives the newest: the one that was kept beside a token, unless another came since the family was begun."""
        if kept is not None and self.newest is self._first:
            self.newest = kept
        return self.newest


# Held weakly: the credentials that use one hold it. What is kept beside a token begins it anew.
_families: WeakValueDictionary[tuple[str, tuple[str, ...]], Family] = WeakValueDictionary()
_LOCK = guarded(threading.Lock())


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

    __slots__ = ("_refresh_token",)

    cause = "refresh_token"
    advice = (
        "The refresh token is used up, revoked or too old: let the person sign in again, and make new credentials of "
        "the new one."
    )

    _refresh_token: Secret

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
        self._fix(_refresh_token=sealed)

    @property
    def repeatable(self) -> bool:
        """No: the server may have put another in its place already."""
        return False

    def family(self, server: str) -> Family:
        """What came of it at a server: one for all credentials of this process that are made of it."""
        with _LOCK:
            return _families.setdefault((server, self.fingerprint()), Family(self._refresh_token))

    def form(self, now: float) -> list[tuple[str, str]]:  # noqa: ARG002 - the port's signature
        """grant_type and the refresh token."""
        return [("grant_type", "refresh_token"), ("refresh_token", self._refresh_token.reveal().decode())]

    def fingerprint(self) -> tuple[str, ...]:
        """A hash of the refresh token."""
        return ("refresh_token", digest(self._refresh_token.reveal()).hex())

    def describe(self) -> str:
        """Which refresh token, by a hash."""
        return f"refresh token {fingerprint(self._refresh_token.reveal())}"

    def _told(self) -> str:
        return fingerprint(self._refresh_token.reveal())
