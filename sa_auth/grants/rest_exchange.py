"""A token after an exchange of another shape: a JWT to a REST endpoint that answers with field names of its own.

Rule: what differs between services is an argument; nothing here knows a vendor. Source: each preset that uses it names
its vendor's page.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ..assertions.base import Assertion
from ..assertions.given import source_of
from ..assertions.kinds import jwt_of
from ..assertions.self_issued import frozen_json
from ..errors import ConfigError
from ..token import AnswerNames
from ..wire import TokenRequest
from .base import Grant, ready


class RestExchange:
    """Sends a JWT as JSON, or as the bearer of the request.

    Args:
        assertion: Gives the JWT; None: the key of the credentials signs one.
        field: The JSON field that it goes into; None: it is the bearer in the Authorization header.
        body: Other fields of the JSON body.
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
        for name, value in (("field", field), ("token", token), ("expires_in", expires_in), ("expires_at", expires_at)):
            if value is not None and (not isinstance(value, str) or not value):
                raise ConfigError(f"RestExchange({name}=) is not a non-empty str.", code="bad_argument", hint="A name.")
        self.assertion: Assertion | None = None if assertion is None else source_of(assertion)
        self.field = field
        self._body = frozen_json(body, "body", {} if field is None else {field: "field"})
        self._headers = _plain(headers)
        self.names = AnswerNames(token, expires_in, expires_at)

    def completed(self, make: Callable[[], Assertion]) -> Grant:
        """With the assertion that the key signs, where there is none."""
        if self.assertion is not None:
            return self
        return RestExchange(
            make(), field=self.field, body=self._body, headers=self._headers, token=self.names.token,
            expires_in=self.names.expires_in, expires_at=self.names.expires_at,
        )  # fmt: skip

    @property
    def repeatable(self) -> bool:
        """Yes: every attempt carries an assertion of its own."""
        return True

    def request(self, now: float) -> TokenRequest:
        """The JWT where the service wants it, and the other fields."""
        text = jwt_of(ready(self.assertion, "RestExchange"), now)
        others = tuple(self._body.items())
        if self.field is None:
            return TokenRequest(others, {**self._headers, "Authorization": f"Bearer {text}"}, json=True)
        return TokenRequest(((self.field, text), *others), self._headers, json=True)

    def form(self, now: float) -> list[tuple[str, str]]:  # noqa: ARG002 - the port's signature
        """Nothing: the request is no form."""
        return []

    def fingerprint(self) -> tuple[str, ...]:
        """The assertion's part, and what else is asked."""
        extras = (json.dumps(dict(fields), sort_keys=True) for fields in (self._body, self._headers))
        assertion = ready(self.assertion, "RestExchange")
        return ("rest_exchange", self.field or "", self.names.token, *extras, *assertion.fingerprint())

    def describe(self) -> str:
        """What the assertion says."""
        return ready(self.assertion, "RestExchange").describe()

    def __repr__(self) -> str:
        return f"RestExchange(field={self.field!r}, token={self.names.token!r})"


def _plain(headers: Mapping[str, str] | None) -> Mapping[str, str]:
    given = frozen_json(headers, "headers", {"Authorization": "field"})
    if not all(isinstance(value, str) and value.isascii() and value.isprintable() for value in given.values()):
        raise ConfigError("RestExchange(headers=) holds what is no header value.", code="bad_argument", hint="Text.")
    return given
