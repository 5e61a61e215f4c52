"""The assertion as authorization grant.

Rule: one assertion per request, minted for it. Stands between the exchange and the assertion.
Source: RFC 7523 section 2.1.
"""

from __future__ import annotations

from ..assertions.base import Assertion

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class JWTBearer:
    """Asks with a JWT.

    Args:
        assertion: Gives the JWT; self-issued or from a token service.
        scope: Space separated, sent as a form field too; empty: not sent.

    Example:
        >>> class Fixed:
        ...     def mint(self, now): return "a.b.c"
        >>> JWTBearer(Fixed(), scope="read").form(0)[1:]
        [('assertion', 'a.b.c'), ('scope', 'read')]
    """

    __slots__ = ("assertion", "scope")

    def __init__(self, assertion: Assertion, scope: str = "") -> None:
        self.assertion, self.scope = assertion, scope

    @property
    def repeatable(self) -> bool:
        """Yes: every attempt carries an assertion of its own."""
        return True

    def form(self, now: float) -> list[tuple[str, str]]:
        """grant_type, a fresh assertion, and the scope where it goes into the form."""
        fields = [("grant_type", GRANT_TYPE), ("assertion", self.assertion.mint(now))]
        return [*fields, ("scope", self.scope)] if self.scope else fields

    def fingerprint(self) -> tuple[str, ...]:
        """The assertion's part, and the scopes in whatever order they were asked for."""
        return ("jwt_bearer", " ".join(sorted(self.scope.split())), *self.assertion.fingerprint())

    def describe(self) -> str:
        """What the assertion says."""
        return self.assertion.describe()
