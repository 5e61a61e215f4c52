"""The access token of other credentials as an assertion: for token exchange and impersonation.

Rule: asked for every exchange, since it keeps itself fresh. Stands under the grants; knows no credentials but by their
`token()`. Source: RFC 8693 section 2.1, `subject_token` and `actor_token`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..errors import ConfigError, ResponseError
from ..token import NOTHING
from .from_callable import ask
from .handed import HandedOver


class FromCredentials(HandedOver):
    """Hands over the access token of other credentials.

    Args:
        source: Has `token()`, which gives an object with an `access_token`: a `ServiceAccountCredentials`, for example.

    Raises:
        ConfigError: it has none.

    Example:
        >>> from types import SimpleNamespace
        >>> other = SimpleNamespace(token=lambda: SimpleNamespace(access_token="opaque"))
        >>> FromCredentials(other).mint(0)
        'opaque'
    """

    __slots__ = ("_source", "_told")

    _source: Any
    _told: tuple[str, ...]

    def __init__(self, source: Any) -> None:
        if isinstance(source, type) or not callable(getattr(source, "token", None)):
            raise ConfigError(
                f"The credentials are of type {type(source).__name__} and have no token().", code="bad_argument",
                hint="Pass ServiceAccountCredentials, or an object whose token() gives one with an access_token; a "
                "function that gives the text goes to FromCallable.",
            )  # fmt: skip
        told = _identity(source) or (os.urandom(16).hex(),)
        super().__init__(f"the credentials {type(source).__name__}", _source=source, _told=told)

    def read(self) -> str:
        """The access token that lives now."""
        token = ask(self._source.token, self.where)
        text = getattr(token, "access_token", None)
        if not isinstance(text, str):
            raise ResponseError(
                f"What token() of {self.where} gave has no access_token.", code="no_access_token",
                hint="It gives an object with the attribute access_token, a str.",
            )  # fmt: skip
        return text

    def recipe(self) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        """The credentials, where they are known to travel as a recipe.

        Raises:
            ConfigError: they are somebody else's, and their pickle might hold a secret.
        """
        if not type(self._source).__module__.startswith("sa_auth."):
            raise ConfigError(
                f"{type(self._source).__name__} is not pickled: it may hold a secret.", code="not_picklable",
                hint="Make the credentials anew in the other process.",
            )  # fmt: skip
        return (self._source,), NOTHING

    def fingerprint(self) -> tuple[str, ...]:
        """What the credentials state as theirs; where they state nothing, what nobody else has."""
        return ("from_credentials", *self._told)

    def whose(self, now: float) -> tuple[str, ...] | None:  # noqa: ARG002 - the credentials have a clock of their own
        """What the credentials state as theirs on every machine; None where they state nothing of the kind."""
        tell = getattr(self._source, "shared_identity", None)
        told = ask(tell, "shared_identity()") if callable(tell) else None
        return (told.hex(),) if isinstance(told, bytes) else None

    def __repr__(self) -> str:
        return f"FromCredentials({type(self._source).__name__})"


def _identity(source: Any) -> tuple[str, ...]:
    """What credentials state of whose they are; empty where they state nothing that can be told."""
    stated = ask(source.fingerprint, "fingerprint()") if callable(getattr(source, "fingerprint", None)) else None
    if stated is None:
        stated = getattr(source, "identity", None)
    if isinstance(stated, bytes):
        stated = stated.hex()
    parts = (stated,) if isinstance(stated, str) else stated
    if isinstance(parts, tuple) and any(parts) and all(isinstance(part, str) for part in parts):
        return parts
    return ()
