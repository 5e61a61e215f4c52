"""A token for a token.

Source: RFC 8693 sections 2.1 and 2.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from .._fixed import Fixed
from ..assertions.base import Assertion
from ..assertions.kinds import judged, jwt_of, saml2_of, taken
from ..errors import ConfigError
from ..token import AnswerNames
from .base import Grant, ready

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
_TYPES = "urn:ietf:params:oauth:token-type:"
_KNOWN = ("access_token", "refresh_token", "id_token", "saml1", "saml2", "jwt")
_JWTS = frozenset({f"{_TYPES}jwt", f"{_TYPES}id_token"})


class TokenExchange(Fixed):
    """Asks with a subject token, and an actor token where somebody acts for the subject.

    Args:
        subject_token: Gives the token: an Assertion, the name of a token service in `assertions.ASSERTIONS`, a callable,
            or the token itself. None: the key of the credentials signs one.
        subject_token_type: Its kind: a URI, or the last word of one that RFC 8693 section 3 lists.
        actor_token: Gives the acting party's token; None: nobody acts for another.
        actor_token_type: Its kind; None: a JWT, where there is an actor token.
        requested_token_type: The kind wanted; None: the server decides.
        audience: Logical names of the services that the token is for. (Their addresses are `resource=` of the face.)

    Raises:
        ConfigError: a kind is unknown, an actor's kind is given without its token, or an argument is of the wrong kind.

    Example:
        >>> TokenExchange("abc", "access_token", audience="inventory").form(0)[1:3]
        [('subject_token', 'abc'), ('subject_token_type', 'urn:ietf:params:oauth:token-type:access_token')]
    """

    __slots__ = ("_audience", "_kinds", "actor_token", "subject_token")

    subject_token: Assertion | None
    actor_token: Assertion | None
    _kinds: tuple[str, str | None, str | None]
    _audience: tuple[str, ...]

    def __init__(
        self,
        subject_token: object = None,
        subject_token_type: str = "jwt",  # noqa: S107 - a kind of token
        *,
        actor_token: object = None,
        actor_token_type: str | None = None,
        requested_token_type: str | None = None,
        audience: str | Iterable[str] = (),
    ) -> None:
        subject = None if subject_token is None else taken(subject_token)
        actor = None if actor_token is None else taken(actor_token)
        del subject_token, actor_token  # or the frame of an error would hold their text
        # RFC 8693 section 2.1: the actor's type "MUST NOT be included otherwise".
        if actor is None and actor_token_type is not None:
            raise ConfigError(
                "TokenExchange(actor_token_type=) is given without an actor token.", code="bad_argument",
                hint="Give actor_token= too, or leave its type out.",
            )  # fmt: skip
        acting = "jwt" if actor is not None and actor_token_type is None else actor_token_type
        self._fix(
            subject_token=judged(subject), actor_token=judged(actor),
            _kinds=(
                _kind(subject_token_type, "subject_token_type"),
                None if acting is None else _kind(acting, "actor_token_type"),
                None if requested_token_type is None else _kind(requested_token_type, "requested_token_type"),
            ),
            _audience=_names(audience),
        )  # fmt: skip

    def completed(self, make: Callable[[], Assertion]) -> Grant:
        """With a subject token that the key signs, where there is none."""
        return self if self.subject_token is not None else self._with(subject_token=make())

    @property
    def repeatable(self) -> bool:
        """Yes: the sources are asked again for every attempt."""
        return True

    @property
    def subject_token_type(self) -> str:
        """The kind of the subject token, as a URI."""
        return self._kinds[0]

    @property
    def names(self) -> AnswerNames:
        """The standard names. What is no access token has a token_type of N_A (RFC 8693 section 2.2.1)."""
        requested = self._kinds[2]
        # A JWT may be an access token or none.
        other = requested not in {None, f"{_TYPES}access_token"}
        return AnswerNames(token_types=("N_A",) if other else ())

    @property
    def sources(self) -> tuple[object, ...]:
        """What gives its assertions."""
        return (self.subject_token, self.actor_token)

    def form(self, now: float) -> list[tuple[str, str]]:
        """grant_type, both tokens with their kinds, and what is wanted."""
        subject, actor, requested = self._kinds
        fields = [("grant_type", GRANT_TYPE), *_token("subject_token", self.subject_token, subject, now)]
        if self.actor_token is not None and actor is not None:
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

    def _told(self) -> str:
        return f"{self._kinds[0].rpartition(':')[2]!r}, audience={self._audience!r}"


def _token(name: str, source: Assertion | None, kind: str, now: float) -> list[tuple[str, str]]:
    source = ready(source, "TokenExchange")
    if kind == f"{_TYPES}saml2":  # RFC 8693 section 3: in base64url
        sent = saml2_of(source, now)
    else:
        sent = jwt_of(source, now) if kind in _JWTS else source.mint(now)
    return [(name, sent), (f"{name}_type", kind)]


def _names(audience: object) -> tuple[str, ...]:
    given: tuple[object, ...] = (audience,)
    if isinstance(audience, Iterable) and not isinstance(audience, str | bytes | Mapping):
        given = tuple(audience)
    names = tuple(name for name in given if isinstance(name, str) and name and name.isprintable())
    if len(names) < len(given):
        raise ConfigError(
            "TokenExchange(audience=) holds what is no non-empty str.", code="bad_argument",
            hint="A logical name, or a list of them; the address of a service is resource= of the credentials.",
        )  # fmt: skip
    return names


def _kind(value: object, name: str) -> str:
    if isinstance(value, str) and value in _KNOWN:
        return _TYPES + value
    if isinstance(value, str) and ":" in value and value.isprintable() and " " not in value:
        return value
    raise ConfigError(
        f"TokenExchange({name}=) is no kind of token.", code="bad_argument",
        hint=f"One of {', '.join(_KNOWN)}, or the URI of another kind.",
    )  # fmt: skip
