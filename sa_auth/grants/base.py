"""The port to a grant (RFC 6749 section 4, RFC 7521 section 4.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeGuard, runtime_checkable

from ..assertions.base import Assertion
from ..errors import ConfigError
from ..token import AnswerNames, Token
from ..wire import TokenRequest


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


@runtime_checkable
class Incomplete(Protocol):
    """A grant that may have been named without its assertion."""

    def completed(self, make: Callable[[], Assertion]) -> Grant:
        """Gives the grant with the assertion that the key signs, where it has none.

        Args:
            make: Makes that assertion; raises ConfigError where there is no key.
        """
        ...


@runtime_checkable
class Advised(Protocol):
    """A grant whose refusal has other causes than an assertion's.

    Attributes:
        advice: What to do when the server refuses it. Beside it, `cause` names the page that tells more, if there is one.
    """

    @property
    def advice(self) -> str: ...  # noqa: D102 - said above


@runtime_checkable
class OneTime(Protocol):
    """A grant that a server takes once."""

    def restore(self) -> None:
        """Is told that no server has looked at what `form` gave: it may give it again."""
        ...


@runtime_checkable
class Named(Protocol):
    """A grant whose answer is not that of RFC 6749 section 5.1.

    Attributes:
        names: Where the token and its end stand, and what type it may be of.
    """

    @property
    def names(self) -> AnswerNames: ...  # noqa: D102 - said above


@runtime_checkable
class Shaped(Protocol):
    """A grant whose request is no form."""

    def request(self, now: float) -> TokenRequest:
        """The request, with a fresh assertion."""
        ...


@runtime_checkable
class Offline(Protocol):
    """A grant that makes the token itself: nothing is sent."""

    def token(self, issued_at: float, now: float) -> Token:
        """Makes one.

        Args:
            issued_at: Unix seconds by this machine's clock.
            now: Unix seconds by the server's clock as far as it is known.
        """
        ...


# What each renewal asks, and more than once. Before Python 3.12 `isinstance` with a protocol takes 10 us; this takes none.
def offline(grant: object) -> TypeGuard[Offline]:
    """Whether a grant is `Offline`."""
    return hasattr(grant, "token")


def named(grant: object) -> TypeGuard[Named]:
    """Whether a grant is `Named`."""
    return hasattr(grant, "names")


def shaped(grant: object) -> TypeGuard[Shaped]:
    """Whether a grant is `Shaped`."""
    return hasattr(grant, "request")


def ready(assertion: Assertion | None, grant: str) -> Assertion:
    """The assertion of a grant that is about to be sent.

    Raises:
        ConfigError: the grant was never completed.
    """
    if assertion is None:
        raise ConfigError(
            f"{grant} has no assertion.", code="bad_argument",
            hint="Hand it to ServiceAccountCredentials(grant=...), whose key signs one, or give it an assertion.",
        )  # fmt: skip
    return assertion
