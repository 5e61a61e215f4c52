"""An assertion of the kind that a request needs.

Rule: what a token service handed over is looked at, what an object of the caller's own or our key made is not. Stands
between the assertions and those who send them. Source: RFC 7522 section 2.1, RFC 7523 section 2.1.
"""

from __future__ import annotations

from .base import Assertion
from .shape import require_jwt, saml2_base64url


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
