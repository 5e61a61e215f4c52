"""An assertion of the kind that a request needs.

Rule: what a token service handed over is looked at, what an object of the caller's own or our key made is not. Stands
between the assertions and those who send them. Source: RFC 7522 section 2.1, RFC 7523 section 2.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from .._loading import Late
from ..errors import SaAuthError
from .base import Assertion
from .shape import require_jwt, saml2_base64url

if TYPE_CHECKING:
    from . import given
else:
    given = Late("sa_auth.assertions.given")  # what is made of a key was not handed over

Source = TypeVar("Source", bound="Assertion | None")


def taken(value: object) -> Assertion | SaAuthError:
    """Takes whatever may stand for an assertion, as `source_of` does; an error comes back as a value.

    So the caller can forget the text before it is raised, and no frame holds it.

    Example:
        >>> taken(5)
        ConfigError('The assertion is of type int.')
    """
    try:
        return given.source_of(value)
    except SaAuthError as error:
        return error.copy()


def judged(source: Source | SaAuthError) -> Source:
    """Gives what was taken.

    Raises:
        SaAuthError: it is an error.
    """
    if isinstance(source, SaAuthError):
        raise source
    return source


def jwt_of(assertion: Assertion, now: float) -> str:
    """Mints an assertion that has to be a JWT.

    Args:
        assertion: Gives it.
        now: Unix seconds by the server's clock as far as it is known.

    Raises:
        SaAuthError: it cannot be had, or is none.
    """
    text = assertion.mint(now)
    where = getattr(assertion, "where", None)
    return text if where is None else require_jwt(text, where)


def saml2_of(assertion: Assertion, now: float) -> str:
    """Mints an assertion that has to be SAML 2.0, and gives it as it is sent: in base64url.

    Args:
        assertion: Gives it.
        now: Unix seconds by the server's clock as far as it is known.

    Raises:
        SaAuthError: it cannot be had, or is none.
    """
    return saml2_base64url(assertion.mint(now), str(getattr(assertion, "where", "the assertion object")))
