"""Where a token may go, as what, and what may be sent again: the judgements that all bridges share.

Rule: no client is known here; what is not allowed is an error before anything is asked for or sent. Stands
beside the bridges. Source: RFC 6750 sections 2.1 and 5.3; RFC 9449 section 9.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..dpop import origin
from ..errors import ConfigError
from ..wire import is_loopback

if TYPE_CHECKING:
    from ..token import Token


def check(url: str, allowed_hosts: tuple[str, ...] | None) -> None:
    """Refuses an address that the token may not go to.

    Args:
        url: Where the call goes.
        allowed_hosts: Hosts the token may be sent to; "*.example.com" stands for all below it. None: any over https,
            and this machine over http.

    Raises:
        ConfigError: it may not go there.

    Example:
        >>> check("https://api.example/files", ("*.example", "api.example"))
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise ConfigError(
            f"The token is not sent to {host} over {parts.scheme or 'no scheme'}.", code="not_https",
            hint="Whoever listens could use it. Use https.",
        )  # fmt: skip
    if allowed_hosts is not None and not any(_matches(host, pattern) for pattern in allowed_hosts):
        raise ConfigError(
            f"The token is not sent to {host}: it is none of allowed_hosts.", code="host_not_allowed",
            hint="Add it to allowed_hosts=, or use a Session of its own for that host.",
        )  # fmt: skip


def _matches(host: str, pattern: str) -> bool:
    if pattern.startswith("*."):
        return host.endswith(pattern[1:].lower())
    return host == pattern.lower()


def sendable(token: Token) -> str:
    """The value of the Authorization header.

    Raises:
        ConfigError: the token is for no API.
    """
    if token.token_type == "N_A":  # noqa: S105 - RFC 8693 section 2.2.1
        raise ConfigError(
            "This token is for no API: its token_type is N_A.", code="not_for_an_api",
            hint="It is an assertion for another exchange: grants.JWTBearer(assertions.FromCredentials(creds)).",
        )  # fmt: skip
    return token.authorization


def is_at(url: str, place: str) -> bool:
    """Whether an address is of that origin (as `dpop.origin` gives it)."""
    try:
        return origin(url) == place
    except ValueError:  # of a port that is none: the client says so when it comes to that
        return False


def wants_nonce(headers: Mapping[str, str]) -> bool:
    """Whether a 401 is about the proof alone, and the token was not looked at (RFC 9449 section 9)."""
    return "use_dpop_nonce" in headers.get("WWW-Authenticate", "")


def rewound(body: Any, began: object) -> bool:
    """Makes a body ready to be sent again from where it began; whether that is so. Never an empty one in its place.

    Args:
        body: What was sent.
        began: Where a file stood before; no int: nobody knows.
    """
    if body is None or isinstance(body, bytes | bytearray | str):
        return True
    if not isinstance(began, int) or not hasattr(body, "seek"):
        return False
    try:
        body.seek(began)
        return bool(body.tell() == began)
    except (OSError, ValueError, AttributeError):
        return False
