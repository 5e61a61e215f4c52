"""A token without an exchange: the JWT that the key signs is itself the bearer token.

Rule: nothing is sent; the token lives as long as the JWT says. Source: RFC 6750 for the header; the vendors that take
it name their own page in their presets.
"""

from __future__ import annotations

from collections.abc import Callable

from ..assertions.base import Assertion
from ..assertions.given import source_of
from ..assertions.kinds import jwt_of
from ..assertions.shape import claims
from ..token import Token
from .base import Grant, ready


class SelfSigned:
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

    def __init__(self, assertion: object = None) -> None:
        self.assertion: Assertion | None = None if assertion is None else source_of(assertion)

    def completed(self, make: Callable[[], Assertion]) -> Grant:
        """With the assertion that the key signs, where there is none."""
        return self if self.assertion is not None else SelfSigned(make())

    @property
    def repeatable(self) -> bool:
        """Yes: no server sees it."""
        return True

    def token(self, issued_at: float, now: float) -> Token:
        """Signs a token.

        Args:
            issued_at: Unix seconds by this machine's clock.
            now: Unix seconds by the server's clock as far as it is known.
        """
        assertion = ready(self.assertion, "SelfSigned")
        text = jwt_of(assertion, now)
        said = claims(text)
        ends = said.get("exp")
        life = ends - now if isinstance(ends, int | float) else 300.0
        scope = said.get("scope")
        ends_at = issued_at + max(life, 1.0)
        return Token(
            text, expires_at=ends_at, refresh_at=ends_at, issued_at=issued_at,
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
