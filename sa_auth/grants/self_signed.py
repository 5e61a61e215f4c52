"""A token without an exchange: the JWT that the key signs is itself the bearer token.

Rule: nothing is sent; the token lives as long as the JWT says, and one that is for a single call is held by nobody.
Source: RFC 6750 for the header; the vendors that take it name their own page in their presets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .._fixed import Fixed
from ..assertions.base import Assertion
from ..assertions.kinds import judged, jwt_of, taken
from ..assertions.self_issued import SelfIssued
from ..assertions.shape import claims
from ..errors import ConfigError
from ..policy import RefreshPolicy
from ..token import Token
from .base import Grant, ready

_POLICY = RefreshPolicy()  # its figures for a life that nobody names, or that nobody believes
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")  # what fits into a header, as of any token


class Bound(NamedTuple):
    """What ties a JWT to one call.

    Attributes:
        claims: Claims beside the rest.
        headers: JOSE header fields beside the rest.
    """

    claims: Mapping[str, Any]
    headers: Mapping[str, Any]


Binds = Callable[[str, str, "str | None"], Bound]


class SelfSigned(Fixed):
    """Makes the token here.

    Args:
        assertion: Gives the JWT; None: the key of the credentials signs one.
        binds: Gives, for a call's method and URL and the id of the key, what ties its JWT to it; None: a token serves for
            all calls.

    Example:
        >>> from sa_auth import ServiceAccountCredentials
        >>> from sa_auth.testing import new_key
        >>> creds = ServiceAccountCredentials(
        ...     new_key("p256")[0], issuer="robot", audience="https://api.example/", grant="self_signed")
        >>> creds.token().access_token.count(".")
        2
    """

    __slots__ = ("assertion", "binds")

    assertion: Assertion | None
    binds: Binds | None

    def __init__(self, assertion: object = None, *, binds: Binds | None = None) -> None:
        if binds is not None and (assertion is not None or not callable(binds)):
            del assertion
            raise ConfigError(
                "binds= is no callable, or stands beside an assertion.", code="bad_argument",
                hint="A token for one call is signed by the key of the credentials.",
            )  # fmt: skip
        source = None if assertion is None else taken(assertion)
        del assertion  # or the frame of an error would hold its text
        self._fix(assertion=judged(source), binds=binds)

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
            SaAuthError: the JWT cannot be had, or fits into no header; or each is for one call, and none is named.
        """
        if self.binds is not None:
            raise ConfigError(
                "There is no token without a call: each is signed for one method and address.", code="token_for_one_call",
                hint="Attach the credentials to a Session (session.auth = creds), or name the call: creds.token_for('GET', url).",
            )  # fmt: skip
        return _token(jwt_of(ready(self.assertion, "SelfSigned"), now), issued_at, now)

    def token_for(self, method: str, url: str, issued_at: float, now: float) -> Token:
        """Signs a token for one call.

        Args:
            method: The HTTP method.
            url: Where the call goes.
            issued_at: As for `token`.
            now: As for `token`.

        Raises:
            SaAuthError: the key or its service could not sign; or no token is for one call here.
        """
        if self.binds is None or not isinstance(self.assertion, SelfIssued):
            raise ConfigError(
                "No token is signed for one call here.", code="bad_argument", hint="Take the one for all calls: token().",
            )  # fmt: skip
        # One key for what it says of itself and for the signature, even if its file is replaced in between.
        signer = getattr(self.assertion.signer, "current", self.assertion.signer)
        bound = self.binds(method, url, signer.key_id)
        return _token(self.assertion.bound(signer, bound.claims, bound.headers).mint(now), issued_at, now)

    @property
    def sources(self) -> tuple[object, ...]:
        """What gives its assertions."""
        return (self.assertion,)

    def form(self, now: float) -> list[tuple[str, str]]:  # noqa: ARG002 - the port's signature
        """Nothing: no request is made."""
        return []

    def fingerprint(self) -> tuple[str, ...]:
        """The assertion's part."""
        kind = "self_signed" if self.binds is None else "self_signed_per_call"
        return (kind, *ready(self.assertion, "SelfSigned").fingerprint())

    def describe(self) -> str:
        """What the token says."""
        return ready(self.assertion, "SelfSigned").describe()

    def _told(self) -> str:
        return type(self.assertion).__name__


def _token(text: str, issued_at: float, now: float) -> Token:
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


def _life(expires: object, now: float) -> float:
    if not isinstance(expires, int | float) or isinstance(expires, bool):
        return _POLICY.default_life
    return min(max(expires - now, 1.0), _POLICY.longest_life)
