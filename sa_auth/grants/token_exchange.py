"""A token for a token.

Source: RFC 8693 sections 2.1 and 2.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..assertions.base import Assertion
from ..assertions.given import source_of
from ..assertions.kinds import saml2_of
from ..errors import ConfigError
from ..token import AnswerNames
from .base import Grant, ready

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
_TYPES = "urn:ietf:params:oauth:token-type:"
_KNOWN = ("access_token", "refresh_token", "id_token", "saml1", "saml2", "jwt")


class TokenExchange:
    """Asks with a subject token, and an actor token where somebody acts for the subject.

    Args:
        subject_token: Gives the token: an Assertion, the name of a token service in `assertions.ASSERTIONS`, a callable,
            or the token itself. None: the key of the credentials signs one.
        subject_token_type: Its kind: a URI, or the last word of one that RFC 8693 section 3 lists.
        actor_token: Gives the acting party's token; None: nobody acts for another.
        actor_token_type: Its kind.
        requested_token_type: The kind wanted; None: the server decides.
        audience: Logical names of the services that the token is for. (Their addresses are `resource=` of the face.)

    Raises:
        ConfigError: a kind is unknown, or an actor's kind is given without its token.

    Example:
        >>> TokenExchange("abc", "access_token", audience="inventory").form(0)[1:3]
        [('subject_token', 'abc'), ('subject_token_type', 'urn:ietf:params:oauth:token-type:access_token')]
    """

    __slots__ = ("_audience", "_kinds", "actor_token", "subject_token")

    def __init__(
        self,
        subject_token: object = None,
        subject_token_type: str = "jwt",  # noqa: S107 - a kind of token
        *,
        actor_token: object = None,
        actor_token_type: str = "jwt",  # noqa: S107
        requested_token_type: str | None = None,
        audience: str | Iterable[str] = (),
    ) -> None:
        self.subject_token: Assertion | None = None if subject_token is None else source_of(subject_token)
        self.actor_token: Assertion | None = None if actor_token is None else source_of(actor_token)
        self._kinds = (
            _kind(subject_token_type, "subject_token_type"),
            _kind(actor_token_type, "actor_token_type"),
            None if requested_token_type is None else _kind(requested_token_type, "requested_token_type"),
        )
        self._audience = (audience,) if isinstance(audience, str) else tuple(audience)
        if not all(isinstance(name, str) and name for name in self._audience):
            raise ConfigError("TokenExchange(audience=) holds what is no text.", code="bad_argument", hint="Names.")

    def completed(self, make: Callable[[], Assertion]) -> Grant:
        """With a subject token that the key signs, where there is none."""
        if self.subject_token is not None:
            return self
        subject, actor, requested = self._kinds
        return TokenExchange(
            make(), subject, actor_token=self.actor_token, actor_token_type=actor, requested_token_type=requested,
            audience=self._audience,
        )  # fmt: skip

    @property
    def repeatable(self) -> bool:
        """Yes: the sources are asked again for every attempt."""
        return True

    @property
    def names(self) -> AnswerNames:
        """The standard names. What is no access token has a token_type of N_A (RFC 8693 section 2.2.1)."""
        requested = self._kinds[2]
        other = requested is not None and requested not in {f"{_TYPES}access_token", f"{_TYPES}jwt"}
        return AnswerNames(token_types=("N_A",) if other else ())

    def form(self, now: float) -> list[tuple[str, str]]:
        """grant_type, both tokens with their kinds, and what is wanted."""
        subject, actor, requested = self._kinds
        fields = [("grant_type", GRANT_TYPE), *_token("subject_token", self.subject_token, subject, now)]
        if self.actor_token is not None:
            fields += _token("actor_token", self.actor_token, actor, now)
        if requested is not None:
            fields.append(("requested_token_type", requested))
        return fields + [("audience", name) for name in self._audience]

    def fingerprint(self) -> tuple[str, ...]:
        """Both sources, the kinds, and what is wanted, each after its number of parts."""
        subject = ready(self.subject_token, "TokenExchange").fingerprint()
        actor = self.actor_token.fingerprint() if self.actor_token is not None else ()
        kinds = (kind or "" for kind in self._kinds)
        counts = (str(len(subject)), str(len(actor)))
        return ("token_exchange", *counts, *subject, *actor, *kinds, *sorted(self._audience))

    def describe(self) -> str:
        """What both tokens say."""
        told = f"subject token: {ready(self.subject_token, 'TokenExchange').describe()}"
        return told if self.actor_token is None else f"{told}, actor token: {self.actor_token.describe()}"

    def __repr__(self) -> str:
        return f"TokenExchange({self._kinds[0].rpartition(':')[2]!r}, audience={self._audience!r})"


def _token(name: str, source: Assertion | None, kind: str, now: float) -> list[tuple[str, str]]:
    source = ready(source, "TokenExchange")
    # RFC 8693 section 3: a SAML assertion is sent in base64url.
    sent = saml2_of(source, now) if kind.endswith(":saml2") else source.mint(now)
    return [(name, sent), (f"{name}_type", kind)]


def _kind(value: object, name: str) -> str:
    if isinstance(value, str) and value in _KNOWN:
        return _TYPES + value
    if isinstance(value, str) and ":" in value and value.isprintable() and " " not in value:
        return value
    raise ConfigError(
        f"TokenExchange({name}=) is no kind of token.", code="bad_argument",
        hint=f"One of {', '.join(_KNOWN)}, or the URI of another kind.",
    )  # fmt: skip
