"""The assertion as authorization grant.

Rule: one assertion per request, minted for it. Stands between the exchange and the assertion.
Source: RFC 7523 section 2.1.
"""

from __future__ import annotations

from collections.abc import Callable

from ..assertions.base import Assertion
from ..assertions.given import source_of
from ..assertions.kinds import jwt_of
from .base import Grant, ready

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class JWTBearer:
    """Asks with a JWT.

    Args:
        assertion: Gives the JWT: an Assertion, the name of a token service in `assertions.ASSERTIONS`, a callable, or
            the JWT itself. None: the key of the credentials signs one.
        scope: Space separated, sent as a form field too; empty: the credentials' own scope decides.

    Raises:
        ConfigError: the assertion is none of these.

    Example:
        >>> from sa_auth.assertions import FromCallable
        >>> JWTBearer(FromCallable(lambda: "eyJhbGciOiJFUzI1NiJ9.e30.AA"), scope="read").form(0)[1:]
        [('assertion', 'eyJhbGciOiJFUzI1NiJ9.e30.AA'), ('scope', 'read')]
    """

    __slots__ = ("assertion", "scope")

    def __init__(self, assertion: object = None, scope: str = "") -> None:
        self.assertion: Assertion | None = None if assertion is None else source_of(assertion)
        self.scope = scope

    def completed(self, make: Callable[[], Assertion]) -> Grant:
        """With the assertion that the key signs, where there is none."""
        return self if self.assertion is not None else JWTBearer(make(), self.scope)

    @property
    def repeatable(self) -> bool:
        """Yes: every attempt carries an assertion of its own."""
        return True

    def form(self, now: float) -> list[tuple[str, str]]:
        """grant_type, a fresh assertion, and the scope where it goes into the form."""
        assertion = ready(self.assertion, "JWTBearer")
        fields = [("grant_type", GRANT_TYPE), ("assertion", jwt_of(assertion, now))]
        return [*fields, ("scope", self.scope)] if self.scope else fields

    def fingerprint(self) -> tuple[str, ...]:
        """The assertion's part, and the scopes in whatever order they were asked for."""
        assertion = ready(self.assertion, "JWTBearer")
        return ("jwt_bearer", " ".join(sorted(self.scope.split())), *assertion.fingerprint())

    def describe(self) -> str:
        """What the assertion says."""
        return ready(self.assertion, "JWTBearer").describe()
