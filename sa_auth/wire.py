"""The port to HTTP: a request, a response, and who carries the one for the other.

Rule: values only. An adapter of `transports/` knows HTTP and nothing of OAuth; everything else the other way round.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from ._clock import Deadline
from .errors import ConfigError
from .token import NOTHING

# No backslash: some readers of URLs take it for a slash, and would see another host than we do.
_VISIBLE = re.compile(r"[\x21-\x5b\x5d-\x7e]+")
_METHOD = re.compile(r"[A-Za-z-]{1,40}")
# A host that all readers see alike: some decode %, or take what stands behind the bracket of an address for a name.
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+(?:%25[\w.~-]+)?\])(?::[0-9]*)?", re.ASCII)


class Request(NamedTuple):
    """One HTTP request to an authorization server.

    Attributes:
        url: Absolute; https, or http to loopback.
        body: The bytes to send; they hold the assertion, so no repr shows them.
        headers: Name to value.
        method: "POST" for a token request.
        peer: Whom it goes to, for messages.
    """

    url: str
    body: bytes = b""
    headers: Mapping[str, str] = NOTHING
    method: str = "POST"
    peer: str = "token endpoint"

    def __repr__(self) -> str:
        return f"Request({self.method} {self.url})"


class TokenRequest(NamedTuple):
    """A token request before it is encoded.

    Attributes:
        fields: Fields in order; a name may stand twice only where its RFC says so (`resource`). Values are text, or
            anything JSON where the request is JSON.
        headers: Header name to value.
        json: Whether the fields are sent as one JSON object in place of a form.
    """

    fields: tuple[tuple[str, Any], ...] = ()
    headers: Mapping[str, str] = NOTHING
    json: bool = False

    def with_fields(self, *fields: tuple[str, Any]) -> TokenRequest:
        """Gives the request with more fields."""
        return self._replace(fields=(*self.fields, *fields))

    def with_header(self, name: str, value: str) -> TokenRequest:
        """Gives the request with one more header."""
        return self._replace(headers={**self.headers, name: value})

    def __repr__(self) -> str:
        return f"TokenRequest({', '.join(name for name, _ in self.fields)})"


class Response(NamedTuple):
    """What came back, already bounded in size.

    Attributes:
        status: The HTTP status code.
        headers: Lower-case name to value.
        body: Decoded bytes; empty for a redirect, which is judged by its status alone.
        trusted_date: Whether the `Date` header came over TLS or from loopback, so that it may set a clock right.
    """

    status: int
    headers: Mapping[str, str] = NOTHING
    body: bytes = b""
    trusted_date: bool = False

    def __repr__(self) -> str:
        return f"Response({self.status})"


class Transport(Protocol):
    """Carries a request and brings the response. It never retries, redirects or interprets."""

    def send(self, request: Request, deadline: Deadline) -> Response:
        """Sends once.

        Args:
            request: What to send.
            deadline: When the last byte must have arrived.

        Returns:
            The response, its body at most 256 KiB.

        Raises:
            TransportError: there is no whole response; `connected` tells whether the server may have seen the request.
        """
        ...


class Conversation(NamedTuple):
    """One exchange under way: who carries its requests, and when all of it must be over.

    What is fetched on the way (an assertion of a token service, say) is fetched within it.
    """

    transport: Transport
    deadline: Deadline

    def send(self, request: Request) -> Response:
        """Sends once, within the deadline.

        Raises:
            TransportError: there is no whole response.
        """
        return self.transport.send(request, self.deadline)


# In the context and not in an argument: between an exchange and what its grant fetches stand parts that know no HTTP.
_current: ContextVar[Conversation | None] = ContextVar("sa_auth_conversation", default=None)


def conversation() -> Conversation | None:
    """The exchange that this code runs in; None outside of one."""
    return _current.get()


@contextmanager
def conversing(within: Conversation) -> Iterator[Conversation]:
    """Makes a conversation the current one."""
    before = _current.set(within)
    try:
        yield within
    finally:
        _current.reset(before)


def endpoint(url: object, name: str, *, by_caller: bool) -> str:
    """Takes the address of an endpoint that secrets are sent to.

    Args:
        url: What was given.
        name: The argument's name, for the message.
        by_caller: Whether it stands in code; a key file alone may not choose plain http, not even to loopback.

    Raises:
        ConfigError: it is not https (http: to loopback), or holds user information or a fragment.
    """
    parts = None
    if isinstance(url, str) and _VISIBLE.fullmatch(url):
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError:
            parts = None
    if parts is not None and not _HOST.fullmatch(parts.netloc.rpartition("@")[2]):
        parts = None
    if not isinstance(url, str) or parts is None or not parts.hostname:
        raise ConfigError(
            f"{name} is no absolute URL, or has a space or line end in it.", code="bad_endpoint",
            hint="For example https://host/path, without anything before or after it.",
        )  # fmt: skip
    if parts.username is not None or parts.password is not None or "#" in url:
        raise ConfigError(
            f"{name} holds user information or a fragment.", code="bad_endpoint",
            hint="A client secret goes into client_auth=.",
        )  # fmt: skip
    plain_allowed = parts.scheme == "http" and is_loopback(parts.hostname) and by_caller
    if parts.scheme != "https" and not plain_allowed:
        raise ConfigError(
            f"{name} at {parts.hostname} is not https.", code="bad_endpoint",
            hint="Plain http is allowed to this machine only (127.0.0.1, localhost), and only where "
            + ("server= is on it too." if " " in name else f"{name}= says so in code, not in a key file."),
        )  # fmt: skip
    return url


def called(method: object, url: object) -> str:
    """Gives the address of a call that a token is signed for.

    Raises:
        ConfigError: it is no absolute http(s) URL, or the method is none.

    Example:
        >>> called("GET", "https://api.example/files")
        'https://api.example/files'
    """
    if not isinstance(method, str) or not _METHOD.fullmatch(method):
        raise ConfigError(
            "The method is no name of an HTTP method.", code="bad_argument", hint="For example token_for('GET', url)."
        )
    if not isinstance(url, str) or not _VISIBLE.fullmatch(url) or not re.match(r"https?://[^/?#]", url, re.IGNORECASE):
        raise ConfigError(
            "The address of the call is no absolute URL.", code="bad_argument",
            hint="The whole of it, as it is sent: token_for('GET', 'https://api.example/files').",
        )  # fmt: skip
    return url


def beside(own: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """Header fields that a provider wants on a call, beside the call's own.

    Args:
        own: The call's.
        more: The provider's; a value that begins with "+" joins the call's own in a list (RFC 9110 section 5.3).

    Example:
        >>> beside({"beta": "a"}, {"beta": "+b", "kind": "k"})
        {'beta': 'a,b', 'kind': 'k'}
    """
    found = dict(more)
    for name, value in more.items():
        if value[:1] == "+":
            words = [word for word in own.get(name, "").replace(" ", "").split(",") if word]
            found[name] = ",".join(words if value[1:] in words else [*words, value[1:]])
    return found


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    from ipaddress import ip_address  # needed for plain http alone, which is for tests

    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
