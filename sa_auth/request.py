"""Builds a request to an authorization server: what the grant asks, the client's name, the proof, the encoding.

Rule: pure but for the assertions that are minted for it. Stands under the exchange; `answer` is its other half.
Source: RFC 6749 sections 2.3 and 3.2; RFC 7009 section 2.1; RFC 8707 section 2; RFC 9449 section 5.
"""

from __future__ import annotations

import json as jsonlib
from base64 import b64decode
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import parse_qsl, quote_plus, unquote_plus

from ._encoding import compact_json
from ._encoding import form as encoded
from .client_auth.base import ClientAuth
from .dpop import HEADER, DPoP
from .errors import ConfigError, SaAuthError
from .grants.base import Grant, shaped
from .token import NOTHING
from .wire import Request, TokenRequest

_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"
# Fields that nobody but the server is to see.
_SECRET = frozenset({
    "actor_token", "assertion", "client_assertion", "client_secret", "code", "code_verifier", "device_code", "password",
    "refresh_token", "subject_token", "token",
})  # fmt: skip
_LEAST, _SHORTEST_ECHO, _LONGEST_ECHO = 4, 8, 200  # characters; what is shorter than the first is no secret
_REPEATABLE = frozenset({"resource", "audience"})  # RFC 8707 section 2, RFC 8693 section 2.1


def token_request(
    grant: Grant,
    client_auth: ClientAuth | None,
    now: float,
    *,
    url: str,
    scope: str = "",
    form: tuple[tuple[str, str], ...] = (),
    json: bool = False,
    headers: Mapping[str, str] = NOTHING,
    dpop: DPoP | None = None,
) -> Request:
    """Builds a token request.

    Args:
        grant: What is asked by.
        client_auth: How the client names itself; None: it does not.
        now: Unix seconds by the server's clock as far as it is known.
        url: The token endpoint.
        scope: A field of the request; empty: none. The grant's own goes before it.
        form: Extra fields.
        json: Whether the fields are sent as JSON.
        headers: More header fields.
        dpop: Makes the proof; None: none is sent.

    Raises:
        SaAuthError: an assertion or proof cannot be had, or two parts set the same field.
    """
    asked = grant.request(now) if shaped(grant) else TokenRequest(tuple(grant.form(now)))
    if scope and not any(name == "scope" for name, _ in asked.fields):
        asked = asked.with_fields(("scope", scope))
    asked = asked.with_fields(*form)
    if client_auth is not None:
        before, asked = asked.headers.get("Authorization"), client_auth.apply(asked, now)
        if before not in {None, asked.headers.get("Authorization")}:
            raise ConfigError(
                "The grant and the client would both set the Authorization header.", code="field_twice",
                hint="The JWT is the bearer of this request: leave client_auth= out, or send the client in the body.",
            )  # fmt: skip
    if dpop is not None:
        asked = asked.with_header(HEADER, dpop.proof("POST", url, now))
    _once(asked)
    as_json = json or asked.json
    whole = {"Accept": _JSON, "Content-Type": _JSON if as_json else _FORM, **headers, **asked.headers}
    return Request(url, compact_json(_object(asked)) if as_json else encoded(asked.fields), whole)


def revocation_request(
    client_auth: ClientAuth | None, now: float, *, url: str, fields: tuple[tuple[str, str], ...]
) -> Request:
    """Builds a revocation request: the token, and the client as at the token endpoint.

    Args:
        client_auth: How the client names itself; None: it does not.
        now: Unix seconds by the server's clock as far as it is known.
        url: The revocation endpoint.
        fields: The token and the hint at its kind.
    """
    asked = TokenRequest(fields)
    if client_auth is not None:
        asked = client_auth.apply(asked, now)
    headers = {"Accept": _JSON, "Content-Type": _FORM, **asked.headers}
    return Request(url, encoded(asked.fields), headers, peer="revocation endpoint")


def unsaid(failure: SaAuthError, request: Request) -> SaAuthError:
    """Gives an equal error without what the server repeated of the secrets that it was sent.

    Args:
        failure: It; left as it is.
        request: What was sent.

    Example:
        >>> error = SaAuthError("The server said: no code abcdefghij.", code="invalid_grant")
        >>> unsaid(error, Request("https://as.example/token", b"code=abcdefghijkl")).message
        'The server said: no code [what was sent].'
    """
    message, code = failure.message, failure.code
    for secret in _secrets(request):
        # From the whole down to its beginning: a description is cut, and some servers show no more.
        for length in range(min(len(secret), _LONGEST_ECHO), min(len(secret), _SHORTEST_ECHO) - 1, -1):
            message, code = (text.replace(secret[:length], "[what was sent]") for text in (message, code))
    return failure.but(message=message, code=code)


def _secrets(request: Request) -> list[str]:
    if request.headers.get("Content-Type") == _JSON:
        sent = [(name, value) for name, value in jsonlib.loads(request.body).items() if isinstance(value, str)]
    else:
        sent = parse_qsl(request.body.decode("ascii"))
    found = [value for name, value in sent if name in _SECRET]
    scheme, _, proof = str(request.headers.get("Authorization", "")).partition(" ")
    if scheme == "Basic":
        with suppress(ValueError):  # of a method of the caller's own, whose header may be anything
            found.append(unquote_plus(b64decode(proof).decode("ascii").partition(":")[2]))
    return [shape for one in (*found, proof) for shape in (one, quote_plus(one)) if len(shape) >= _LEAST]


def _once(asked: TokenRequest) -> None:
    # RFC 6749 section 3.2: "Request and response parameters MUST NOT be included more than once."
    names = [name for name, _ in asked.fields if name not in _REPEATABLE]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(
            f"The field {twice[:40]!r} would stand in the request twice.", code="field_twice",
            hint="Leave it out of form=: grant=, client_auth= or another argument sets it.",
        )  # fmt: skip


def _object(asked: TokenRequest) -> dict[str, object]:
    fields: dict[str, object] = {}
    for name, value in asked.fields:
        before = fields.get(name)
        if before is None:
            fields[name] = value
        else:
            fields[name] = [*before, value] if isinstance(before, list) else [before, value]
    return fields
