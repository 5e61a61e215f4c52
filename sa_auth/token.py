"""The answer as a value.

Rule: frozen, handed out whole, and silent about its secret. Source: RFC 6749 section 5.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

from .errors import ConfigError

NOTHING: Mapping[str, Any] = MappingProxyType({})


def nothing() -> Mapping[str, Any]:
    """The one empty mapping, shared by all tokens that carry no extra field."""
    return NOTHING


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and what the server said of it.

    Attributes:
        access_token: What the API wants to see.
        token_type: How it is sent; "Bearer" unless another type was asked for.
        expires_at: Unix seconds. The server gave none: 300 s are assumed, so it is always a number.
        refresh_at: Unix seconds from when a renewal is due, from the answer's `refresh_in`; else the policy's.
        issued_at: Unix seconds, read before the request was sent.
        scope: Space separated; what was asked for where the answer has none (RFC 6749 section 5.1).
        extra: The other fields of the answer, for example Salesforce's `instance_url`. Read only.

    Example:
        >>> token = Token("abc", expires_at=1600.0, refresh_at=1450.0, issued_at=1000.0)
        >>> token.authorization, token.remaining(1010.0)
        ('Bearer abc', 590.0)
        >>> token
        Token('Bearer', expires_at=1600.0, scope=None)
    """

    access_token: str = field(repr=False)
    token_type: str = "Bearer"  # noqa: S105 - a scheme's name
    expires_at: float = field(kw_only=True)
    refresh_at: float = field(kw_only=True)
    issued_at: float = field(kw_only=True)
    scope: str | None = field(default=None, kw_only=True)
    extra: Mapping[str, Any] = field(default_factory=nothing, kw_only=True, hash=False)

    @property
    def authorization(self) -> str:
        """The value of the Authorization header."""
        return f"{self.token_type} {self.access_token}"

    def remaining(self, now: float) -> float:
        """Seconds of life left at `now` (Unix seconds); negative once it is over."""
        return self.expires_at - now

    def __repr__(self) -> str:
        return f"Token({self.token_type!r}, expires_at={self.expires_at!r}, scope={self.scope!r})"

    def __copy__(self) -> Token:
        return self

    def __deepcopy__(self, _memo: object) -> Token:
        return self

    def __reduce__(self) -> NoReturn:
        raise ConfigError(
            "A token is not pickled: whoever reads the pickle could use it.",
            code="not_picklable",
            hint="Send the credentials instead: made from_file() or from_env(), they travel as a recipe.",
        )


class AnswerNames(NamedTuple):
    """Where in an answer the token and its end stand; by default as RFC 6749 section 5.1 has it.

    Attributes:
        token: The token's name; a dot leads into an object: "auth.client_token".
        expires_in: The name of its life in seconds.
        expires_at: The name of its end, as an RFC 3339 date or Unix seconds; None: the answer names none.
        own_end: Whether the token is a JWT whose `exp` says when it ends.
        token_types: Values of `token_type` that are taken beside the one asked for.
    """

    token: str = "access_token"  # noqa: S105 - a name
    expires_in: str = "expires_in"
    expires_at: str | None = None
    token_types: tuple[str, ...] = ()
    own_end: bool = False


STANDARD = AnswerNames()
