"""A token after an exchange of another shape: a JWT, or a caller's token, to a REST endpoint with field names of its own.

Rule: what differs between services is an argument; nothing here knows a vendor. Source: each preset that uses it names
its vendor's page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from .._encoding import digest
from .._fixed import Fixed
from .._secret import Secret
from ..assertions.base import Assertion
from ..assertions.kinds import judged, jwt_of, taken
from ..assertions.self_issued import frozen_json
from ..assertions.shape import kind_of
from ..errors import ConfigError
from ..token import AnswerNames
from ..wire import TokenRequest
from .base import Grant, ready

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")  # RFC 9110 section 5.6.2
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


class RestExchange(Fixed):
    """Sends a JWT as JSON, or as the bearer of the request, where another kind of token may stand as well.

    Args:
        assertion: Gives the JWT; None: the key of the credentials signs one. Other credentials: their access token, which
            is a bearer whatever it looks like.
        field: The JSON field that it goes into; None: it is the bearer in the Authorization header.
        body: Other fields of the JSON body. They may be secrets, as the header fields may: neither is shown or pickled.
        headers: Header fields of the request.
        token: Where the token stands in the answer; a dot leads into an object: "auth.client_token".
        expires_in: Where its life in seconds stands.
        expires_at: Where its end stands, as an RFC 3339 date or Unix seconds.

    Raises:
        ConfigError: an argument is of the wrong kind.

    Example:
        >>> from sa_auth.assertions import FromCallable
        >>> jwt = FromCallable(lambda: "eyJhbGciOiJFUzI1NiJ9.e30.AA")
        >>> RestExchange(jwt, field="jwt", body={"role": "ci"}, token="auth.client_token").request(0).fields
        (('jwt', 'eyJhbGciOiJFUzI1NiJ9.e30.AA'), ('role', 'ci'))
    """

    __slots__ = ("_body", "_headers", "assertion", "field", "names")

    assertion: Assertion | None
    field: str | None
    names: AnswerNames
    _body: Secret | None
    _headers: tuple[tuple[str, Secret], ...]

    def __init__(
        self,
        assertion: object = None,
        *,
        field: str | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        token: str = "access_token",  # noqa: S107 - a name
        expires_in: str = "expires_in",
        expires_at: str | None = None,
    ) -> None:
        source = None if assertion is None else taken(assertion)
        del assertion  # or the frame of an error would hold its text
        _check_name(field, "field", optional=True)
        _check_path(token, "token")
        _check_path(expires_in, "expires_in")
        _check_path(expires_at, "expires_at", optional=True)
        others = dict(frozen_json(body, "body", {} if field is None else {field: "field"}))
        self._fix(
            assertion=judged(source), field=field, names=AnswerNames(token, expires_in, expires_at),
            _body=Secret(json.dumps(others, sort_keys=True)) if others else None, _headers=_sealed(headers),
        )  # fmt: skip

    def completed(self, make: Callable[[], Assertion]) -> Grant:
        """With the assertion that the key signs, where there is none."""
        return self if self.assertion is not None else self._with(assertion=make())

    def with_body(self, body: Mapping[str, Any]) -> RestExchange:
        """Gives one with more fields in its body; those that stand in it go before them.

        Args:
            body: The fields.

        Raises:
            ConfigError: they are no JSON, or one of them is the assertion's.

        Example:
            >>> RestExchange("caller", body={"role": "ci"}).with_body({"role": "any", "ttl": "60s"}).request(0).fields
            (('role', 'ci'), ('ttl', '60s'))
        """
        more = frozen_json(body, "body", {} if self.field is None else {self.field: "field"})
        whole = {**more, **self._others()}
        return self._with(_body=Secret(json.dumps(whole, sort_keys=True)) if whole else None)

    def _others(self) -> dict[str, Any]:
        return {} if self._body is None else dict(json.loads(self._body.reveal()))

    @property
    def repeatable(self) -> bool:
        """Yes: every attempt carries an assertion of its own."""
        return True

    def request(self, now: float) -> TokenRequest:
        """The JWT where the service wants it, and the other fields."""
        assertion, others = ready(self.assertion, "RestExchange"), tuple(self._others().items())
        headers = {name: value.reveal().decode("ascii") for name, value in self._headers}
        if self.field is None:
            return TokenRequest(others, {**headers, "Authorization": f"Bearer {_bearer(assertion, now)}"}, json=True)
        text = jwt_of(assertion, now)
        return TokenRequest(((self.field, text), *others), headers, json=True)

    @property
    def sources(self) -> tuple[object, ...]:
        """What gives its assertions."""
        return (self.assertion,)

    def form(self, now: float) -> list[tuple[str, str]]:  # noqa: ARG002 - the port's signature
        """Nothing: the request is no form."""
        return []

    def fingerprint(self) -> tuple[str, ...]:
        """The assertion's part, what else is asked, hashed, and where the token and its end are read."""
        body = digest(self._body.reveal()).hex() if self._body is not None else ""
        headers = digest(*(part for name, value in self._headers for part in (name, value.reveal()))).hex()
        where = (self.names.token, self.names.expires_in, self.names.expires_at or "")
        assertion = ready(self.assertion, "RestExchange")
        return ("rest_exchange", self.field or "", *where, body, headers, *assertion.fingerprint())

    def describe(self) -> str:
        """What the assertion says."""
        return ready(self.assertion, "RestExchange").describe()

    def _told(self) -> str:
        return f"field={self.field!r}, token={self.names.token!r}"


def _bearer(assertion: Assertion, now: float) -> str:
    """What stands in the Authorization header: a JWT, or any token of visible ASCII characters."""
    text = assertion.mint(now)
    # Judged here: an HTTP library puts a bad header into its own error text.
    if kind_of(text) == "saml2" or not _TOKEN.fullmatch(text):
        del text  # or the frame of the error would hold it
        raise ConfigError(
            "What RestExchange is to send as the bearer is not 1 to 16,384 visible ASCII characters.",
            code="assertion_not_bearer", hint="No other token fits into a header; a SAML assertion has another grant.",
        )  # fmt: skip
    return text


def _check_name(value: object, name: str, *, optional: bool = False) -> None:
    if (value is not None or not optional) and not (isinstance(value, str) and value):
        raise ConfigError(
            f"RestExchange({name}=) is not a non-empty str.", code="bad_argument",
            hint="It is the name of a JSON field, as the service's documentation has it.",
        )  # fmt: skip


def _check_path(value: object, name: str, *, optional: bool = False) -> None:
    _check_name(value, name, optional=optional)
    if isinstance(value, str) and not all(value.split(".")):
        raise ConfigError(
            f"RestExchange({name}=) is no dotted path.", code="bad_argument",
            hint='For example "token", or "auth.client_token".',
        )  # fmt: skip


def _sealed(headers: Mapping[str, str] | None) -> tuple[tuple[str, Secret], ...]:
    """The headers in one order, their values wrapped."""
    given = frozen_json(headers, "headers", {})
    names = [name.lower() for name in given]
    if "authorization" in names:
        raise ConfigError(
            "RestExchange(headers=) may not set Authorization.", code="bad_argument",
            hint="The JWT goes there where there is no field=; the client's proof where there is client_auth=.",
        )  # fmt: skip
    # Judged here: an HTTP library puts a bad header into its own error text.
    if len(set(names)) < len(names) or not all(_NAME.fullmatch(name) for name in names):
        raise ConfigError(
            "RestExchange(headers=) holds what is no header's name, or one name twice.", code="bad_argument",
            hint="For example {'X-Api-Version': '2'}.",
        )  # fmt: skip
    if not all(isinstance(value, str) and _VALUE.fullmatch(value) for value in given.values()):
        raise ConfigError(
            "RestExchange(headers=) holds a value that is no text of visible ASCII characters.", code="bad_argument",
            hint="See that it is a str, not empty, and without a line end at its end.",
        )  # fmt: skip
    return tuple((name, Secret(given[name])) for name in sorted(given))
