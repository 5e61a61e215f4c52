"""A token without an exchange: the JWT that the key signs is itself the bearer token.

Rule: nothing is sent; the token lives as long as the JWT says. Source: RFC 6750 for the header; the vendors that take
it name their own page in their presets.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .._fixed import Fixed
from ..assertions.base import Assertion
from ..assertions.kinds import judged, jwt_of, taken
from ..assertions.shape import claims
from ..errors import ConfigError
from ..policy import RefreshPolicy
from ..token import Token
from .base import Grant, ready

_POLICY = RefreshPolicy()  # its figures for a life that nobody names, or that nobody believes
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")  # what fits into a header, as of any token


class SelfSigned(Fixed):
    """Makes the token here.

    Args:
        assertion: Gives the JWT; None: the key of the credentials signs one.

    Example:
        >>> from sa_auth import ServiceAccountCredentials
        >>> from sa_auth.testing import new_key
        >>> creds = ServiceAccountCredentials(
        ...     new_key("p256")[0], issuer="robot", audience="https://api.example/", grant="self_signed")
        >>> creds.token().access_token.count(".")
        2
    """

    __slots__ = ("assertion",)

    assertion: Assertion | None

    def __init__(self, assertion: object = None) -> None:
        source = None if assertion is None else taken(assertion)
        del assertion  # or the frame of an error would hold its text
        self._fix(assertion=judged(source))

    def completed(self, make: Callable[[], Assertion]) -> Grant:
        """With the assertion that the key signs, where there is none."""
        return self if self.assertion is not None else self._with(assertion=make())

    @property
    def repeatable(self) -> bool:
        """Yes: no server sees it."""
        return True

    def token(self, issued_at: float, now: float) -> Token:
        """Signs a token.

        Args:
            issued_at: Unix seconds by this machine's clock.
            now: Unix seconds by the server's clock as far as it is known.

        Raises:
            SaAuthError: the JWT cannot be had, or fits into no header.
        """
        text = jwt_of(ready(self.assertion, "SelfSigned"), now)
        if not _TOKEN.fullmatch(text):
            raise ConfigError(
                "The self-signed token is not 1 to 16,384 visible ASCII characters.", code="bad_access_token",
                hint="No other token fits into a header; check what gives the JWT.",
            )  # fmt: skip
        said = claims(text)
        life = _life(said.get("exp"), now)
        scope = said.get("scope")
        return Token(
            text, expires_at=issued_at + life, refresh_at=issued_at + _POLICY.stale_after(life), issued_at=issued_at,
            scope=scope if isinstance(scope, str) and scope else None,
        )  # fmt: skip

    def form(self, now: float) -> list[tuple[str, str]]:  # noqa: ARG002 - the port's signature
        """Nothing: no request is made."""
        return []

    def fingerprint(self) -> tuple[str, ...]:
        """The assertion's part."""
        return ("self_signed", *ready(self.assertion, "SelfSigned").fingerprint())

    def describe(self) -> str:
        """What the token says."""
        return ready(self.assertion, "SelfSigned").describe()

    def _told(self) -> str:
        return type(self.assertion).__name__


def _life(expires: object, now: float) -> float:
    if not isinstance(expires, int | float) or isinstance(expires, bool):
        return _POLICY.default_life
    return min(max(expires - now, 1.0), _POLICY.longest_life)
