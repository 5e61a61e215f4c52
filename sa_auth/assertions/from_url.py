"""An assertion that a token service gives over HTTP.

Rule: asked for every exchange, within its deadline and by its transport; no redirect is followed, no body is repeated,
and nothing is retried here. Stands under the grants, on the port to HTTP.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from .._clock import SYSTEM, Deadline
from .._encoding import digest
from .._jsonobject import json_object
from .._secret import Secret
from ..errors import ConfigError, ResponseError, SaAuthError
from ..policy import LONGEST_RETRY_AFTER, seconds
from ..wire import Conversation, Request, Response, Transport, conversation, endpoint
from .from_callable import ask, by_name, name_of
from .handed import HandedOver
from .self_issued import frozen_json

Header = str | Callable[[], str]

_ALONE = 10.0  # seconds, where no exchange sets a deadline
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")  # RFC 9110 section 5.6.2
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_TRANSIENT, _NOT_TRANSIENT = frozenset({408, 425, 429}), frozenset({501, 505})
_PAGE = re.compile(rb"\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)


class FromURL(HandedOver):
    """Asks a token service for an assertion, anew for every exchange.

    Args:
        url: Its address: https, or http to this machine. HTTP libraries log it, so a secret goes into `headers`.
        headers: Header name to value, or to a callable that gives it and is asked each time. Values are secrets.
        field: Where the assertion stands in a JSON answer: "value", or "data.token"; None: the whole body is it.
        method: "GET", "POST" or "PUT".
        body: Sent as JSON, with POST or PUT.
        transport: Carries the request; None: the one of the exchange that asks.

    Raises:
        ConfigError: one of them is not usable; no value is repeated.

    Example:
        >>> FromURL("https://sts.example/token?for=robot", headers={"Authorization": "Bearer secret"}, field="value")
        FromURL('https://sts.example/token', headers=['authorization'], field='value')
    """

    __slots__ = ("_body", "_headers", "_told", "_transport", "field", "method", "url")

    _body: Secret | None
    _headers: Mapping[str, Secret | Callable[[], str]]
    _told: tuple[str, ...]
    _transport: Transport | None
    field: str | None
    method: str
    url: str

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, Header] | None = None,
        field: str | None = None,
        method: str = "GET",
        body: Mapping[str, Any] | None = None,
        transport: Transport | None = None,
    ) -> None:
        endpoint(url, "url", by_caller=True)
        if method not in ("GET", "POST", "PUT") or (method == "GET" and body is not None):
            raise ConfigError(
                "method is none of GET, POST and PUT, or GET with a body.", code="bad_argument",
                hint='A body= goes with method="POST".',
            )  # fmt: skip
        if field is not None and not (isinstance(field, str) and all(field.split("."))):
            raise ConfigError(
                "field is no dotted path.", code="bad_argument", hint='For example "value", or "data.token".'
            )
        if transport is not None and (isinstance(transport, type) or not callable(getattr(transport, "send", None))):
            raise ConfigError(
                f"transport is of type {type(transport).__name__}.", code="bad_argument",
                hint="It is a RequestsTransport(verify=, proxies=), or an object with its send().",
            )  # fmt: skip
        sealed = _sealed(headers)
        sent = None if body is None else Secret(json.dumps(dict(frozen_json(body, "body", {})), sort_keys=True))
        # The token service may know its caller by the certificate alone.
        by = str(getattr(transport, "certificate_thumbprint", ""))
        told = (*_told(url, method, sealed, field, sent), by)
        super().__init__(
            f"the token service at {urlsplit(url).netloc}", url=url, method=method, field=field, _body=sent,
            _headers=sealed, _transport=transport, _told=told,
        )  # fmt: skip

    def read(self) -> str | bytes:
        """What the token service gives now."""
        response = self._conversation().send(self._request())
        if response.status >= 300:
            raise _refused(response, self.where)
        if self.field is None:
            return _whole(response, self.where)
        return _field(response, self.field, self.where)

    def _conversation(self) -> Conversation:
        within = conversation()
        if self._transport is not None:
            return Conversation(self._transport, within.deadline if within is not None else Deadline(SYSTEM, _ALONE))
        if within is not None:
            return within
        raise ConfigError(
            f"Nothing carries the request to {self.where}: no exchange is under way.", code="no_transport",
            hint="Use it as an assertion of credentials; or by itself with transport=RequestsTransport().",
        )  # fmt: skip

    def _request(self) -> Request:
        headers = {"accept": "*/*" if self.field is None else "application/json"}
        if self._body is not None:
            headers["content-type"] = "application/json"
        headers |= {name: _opened(name, value) for name, value in self._headers.items()}
        body = self._body.reveal() if self._body is not None else b""
        return Request(self.url, body, headers, self.method, "token service")

    def recipe(self) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        """The address and what is no secret; a header's value or a body refuses to travel.

        Raises:
            ConfigError: a header's callable has no name in a module.
        """
        headers = {
            name: value if isinstance(value, Secret) else by_name(value) for name, value in self._headers.items()
        }
        named = {"headers": headers, "field": self.field, "method": self.method, "transport": self._transport}
        return (self.url,), {**named, "body": self._body}

    def fingerprint(self) -> tuple[str, ...]:
        """The address, the question, and who asks: by which headers, a hash of what does not rotate, and certificate."""
        return self._told

    def __repr__(self) -> str:
        shown = urlsplit(self.url)
        return (
            f"FromURL('{shown.scheme}://{shown.netloc}{shown.path}', headers={sorted(self._headers)}, "
            f"field={self.field!r})"
        )


def _sealed(headers: Mapping[str, Header] | None) -> dict[str, Secret | Callable[[], str]]:
    """The headers under lower-case names, their values wrapped."""
    found: dict[str, Secret | Callable[[], str]] = {}
    for name, value in _pairs(headers):
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name.lower() in found:
            raise ConfigError(
                "headers holds what is no header's name, or one name twice.", code="bad_argument",
                hint="For example {'Authorization': 'Bearer ...'}.",
            )  # fmt: skip
        found[name.lower()] = cast("Callable[[], str]", value) if callable(value) else Secret(_checked(name, value))
    return found


def _pairs(headers: object) -> list[tuple[Any, Any]]:
    if headers is not None and not isinstance(headers, Mapping):
        raise ConfigError(
            f"headers is of type {type(headers).__name__}.", code="bad_argument",
            hint="It is a mapping of header name to value, or to a callable that gives the value.",
        )  # fmt: skip
    return list((headers or {}).items())


def _checked(name: str, value: object) -> str:
    # Judged here: an HTTP library puts a bad header value into its own error text.
    if not isinstance(value, str) or not _VALUE.fullmatch(value):
        raise ConfigError(
            f"The header {name} is no text of visible ASCII characters.", code="bad_argument",
            hint="See that it is a str, not empty, and without a line end at its end.",
        )  # fmt: skip
    return value


def _opened(name: str, value: Secret | Callable[[], str]) -> str:
    if isinstance(value, Secret):
        return value.reveal().decode("ascii")
    return _checked(name, ask(value, f"the callable of the header {name}"))


def _told(url: str, method: str, headers: Mapping[str, Any], field: str | None, body: Secret | None) -> tuple[str, ...]:
    """What tells two questions apart.

    A header's fixed value is part of it, hashed: of one service, two keys are two callers with a token each. What a
    callable gives rotates, so its name stands for it, or what no other callable has.
    """
    said = []
    for name, value in sorted(headers.items()):
        by = (
            digest(url, name, value.reveal()).hex()
            if isinstance(value, Secret)
            else name_of(value) or os.urandom(16).hex()
        )
        said += [name, by]
    hashed = digest(body.reveal()).hex() if body is not None else ""
    return ("from_url", url, method, field or "", hashed, *said)


def _whole(response: Response, where: str) -> bytes:
    if _PAGE.match(response.body):
        raise _page(response, where)
    if response.body.lstrip()[:1] == b"{":
        raise ResponseError(
            f"JSON came from {where}, and no field of it is named.", code="assertion_in_json", status=response.status,
            hint='Name the field that the assertion stands in: field="value", or "data.token".',
        )  # fmt: skip
    return response.body


def _field(response: Response, field: str, where: str) -> str:
    path = field.split(".")
    value: Any = json_object(response.body, {field}, status=response.status)
    if value is None:
        raise _page(response, where)
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, str):
        raise ResponseError(
            f"The JSON from {where} has no text in its field {field[:60]!r}.", code="assertion_missing",
            status=response.status, hint="See in the token service's documentation what the field is called.",
        )  # fmt: skip
    return value


def _page(response: Response, where: str) -> SaAuthError:
    page = response.body.lstrip()[:1] == b"<"
    return ResponseError(
        f"A web page came from {where}." if page else f"What came from {where} is not one JSON object.",
        code="not_json", retryable=page, status=response.status,
        hint="Something between here and there may have answered in its place (a captive portal, a proxy)." if page
        else "Check that the address is the token service's; leave field= out where the whole answer is the assertion.",
    )  # fmt: skip


def _refused(response: Response, where: str) -> SaAuthError:
    status = response.status
    if status < 400:
        return ResponseError(
            f"A redirect came from {where} ({status}); redirects are not followed.", code="redirect",
            status=status, hint="Set url to the final address, if that is the right one.",
        )  # fmt: skip
    transient = status in _TRANSIENT or (status >= 500 and status not in _NOT_TRANSIENT)
    wait = seconds(response.headers.get("retry-after", "").strip())
    return ResponseError(
        f"No assertion came from {where}: it answered {status}.", code=f"http_{status}", retryable=transient,
        status=status, retry_after=None if wait is None else min(max(wait, 0.0), LONGEST_RETRY_AFTER),
        hint="The token service is busy or down; the same call may succeed later." if transient
        else "Check its address, and that it lets this caller in: its headers, and what they prove.",
    )  # fmt: skip
