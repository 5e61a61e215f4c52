"""The assertion as authorization grant.

Rule: one assertion per request, minted for it. Stands between the exchange and the assertion.
Source: RFC 7523 section 2.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .._fixed import Fixed
from ..assertions.base import Assertion
from ..assertions.kinds import judged, jwt_of, taken
from ..errors import ConfigError
from .base import Grant, ready

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SCOPE = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]*")  # RFC 6749 section 3.3, with the spaces between


class JWTBearer(Fixed):
    """Asks with a JWT.

    Args:
        assertion: Gives the JWT: an Assertion, the name of a token service in `assertions.ASSERTIONS`, a callable, or
            the JWT itself. None: the key of the credentials signs one.
        scope: Space separated, sent as a form field too; empty: the credentials' own scope decides.

    Raises:
        ConfigError: the assertion is none of these, or the scope no text of scopes.

    Example:
        >>> from sa_auth.assertions import FromCallable
        >>> JWTBearer(FromCallable(lambda: "eyJhbGciOiJFUzI1NiJ9.e30.AA"), scope="read").form(0)[1:]
        [('assertion', 'eyJhbGciOiJFUzI1NiJ9.e30.AA'), ('scope', 'read')]
    """

    __slots__ = ("assertion", "scope")

    assertion: Assertion | None
    scope: str

    def __init__(self, assertion: object = None, scope: str = "") -> None:
        source = None if assertion is None else taken(assertion)
        del assertion  # or the frame of an error would hold its text
        if not isinstance(scope, str) or not _SCOPE.fullmatch(scope):
            raise ConfigError(
                "JWTBearer(scope=) is no text of scopes.", code="bad_argument",
                hint="A str, with spaces between the scopes; no quote, backslash or line end stands in one.",
            )  # fmt: skip
        self._fix(assertion=judged(source), scope=scope)

    def completed(self, make: Callable[[], Assertion]) -> Grant:
        """With the assertion that the key signs, where there is none."""
        return self if self.assertion is not None else self._with(assertion=make())

    @property
    def repeatable(self) -> bool:
        """Yes: every attempt carries an assertion of its own."""
        return True

    @property
    def sources(self) -> tuple[object, ...]:
        """What gives its assertions."""
        return (self.assertion,)

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

    def _told(self) -> str:
        return f"{type(self.assertion).__name__}, scope={self.scope!r}"
