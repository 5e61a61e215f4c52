"""Names a failure of an HTTP library by what it means for the caller.

Rule: the foreign error is looked at and let go; its text may hold the request, so only its class is repeated.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from typing import Any

from .._clock import Deadline
from ..errors import SaAuthError, TransportError
from . import alerts


class TooLong(Exception):  # noqa: N818 - never leaves this folder
    """The reply exceeds what a token endpoint has any reason to send."""


def translate(
    error: Exception, host: str, deadline: Deadline, peer: str = "token endpoint", *, presented: bool = False
) -> SaAuthError:
    """Names a failure by what it means for the caller; the foreign error itself is let go.

    Args:
        error: What was raised.
        host: Whom the request went to.
        deadline: Of the request.
        peer: What that host is, in words.
        presented: Whether a client certificate was there to be presented.
    """
    if isinstance(error, SaAuthError):
        return error.copy()
    causes = _causes(error)
    names = {type(cause).__name__ for cause in causes}
    where = f"the {peer} at {host}"
    refusal = None if "ProxyError" in names else alerts.refusal(where, causes, presented=presented)
    if refusal is not None:
        return refusal
    for signs, make in _FAILURES:
        if names & signs:
            return make(where, causes)
    return _timed_out(where, causes) if deadline.left() <= 0 else _lost(where, causes)


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what it was made from, in whichever attribute its library keeps it."""
    seen: list[BaseException] = []
    queue: list[Any] = [error]
    while queue and len(seen) < 20:
        cause = queue.pop(0)
        if isinstance(cause, BaseException) and cause not in seen:
            seen.append(cause)
            queue += [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args]
    return seen


def _lost(where: str, causes: list[BaseException]) -> SaAuthError:
    return TransportError(
        f"The connection to {where} was lost before the whole reply was there ({type(causes[-1]).__name__}).",
        code="connection_lost", retryable=True,
        hint="The server, or something on the way to it, ended the connection; the same call may succeed later.",
    )  # fmt: skip


def _unusable(where: str, causes: list[BaseException]) -> SaAuthError:
    return TransportError(
        f"The address of {where}, or of the proxy before it, cannot be used ({type(causes[0]).__name__}).",
        code="bad_address", connected=False,
        hint="Check token_endpoint=, HTTPS_PROXY and proxies=; a SOCKS proxy needs `pip install requests[socks]`.",
    )  # fmt: skip


def _too_large(where: str, _causes: list[BaseException]) -> SaAuthError:
    return TransportError(
        f"The reply of {where} is larger than a token response can be.", code="too_large",
        hint="Check that this address is the right one: no answer of its kind is as large.",
    )  # fmt: skip


def _tls_failed(where: str, causes: list[BaseException]) -> SaAuthError:
    if any("WRONG_VERSION_NUMBER" in str(cause) or "wrong version number" in str(cause) for cause in causes):
        return TransportError(
            f"What answers as {where} does not speak TLS.", code="tls_failed", connected=False,
            hint="Check the port; or the address begins with https:// where http:// was meant.",
        )  # fmt: skip
    reason = next((cause.verify_message for cause in causes if isinstance(cause, ssl.SSLCertVerificationError)), "")
    return TransportError(
        f"No secure connection to {where}{': ' + reason if reason else ''}.", code="tls_failed", connected=False,
        hint="If a private CA signs its certificate, name the CA bundle: "
        "transport=RequestsTransport(verify=PATH), or the variable REQUESTS_CA_BUNDLE.",
    )  # fmt: skip


def _proxy_failed(where: str, causes: list[BaseException]) -> SaAuthError:
    refusal = next(filter(None, (re.search(r"Tunnel connection failed: (4\d\d)", str(c)) for c in causes)), None)
    says = f" with {refusal.group(1)}" if refusal else ""
    return TransportError(
        f"The proxy before {where} failed{says}.", code="proxy_failed", connected=False, retryable=refusal is None,
        hint="Check HTTPS_PROXY and NO_PROXY, and the proxy's own user and password.",
    )  # fmt: skip


def _no_name(where: str, _causes: list[BaseException]) -> SaAuthError:
    return TransportError(
        f"No address was found for {where}.", code="name_not_resolved", connected=False, retryable=True,
        hint="Check the spelling of the host and this machine's name service.",
    )  # fmt: skip


def _not_connected(where: str, _causes: list[BaseException]) -> SaAuthError:
    return TransportError(
        f"No connection to {where}.", code="connect_failed", connected=False, retryable=True,
        hint="The server is down, or a firewall is in between.",
    )  # fmt: skip


def _timed_out(where: str, causes: list[BaseException]) -> SaAuthError:
    unseen = any(type(cause).__name__ == "ConnectTimeoutError" for cause in causes)
    return TransportError(
        f"No whole reply of {where} before the deadline.", code="timeout", connected=not unseen, retryable=True,
        hint="The server, or the way to it, is too slow; timeout= sets the seconds for one whole exchange.",
    )  # fmt: skip


# Judged in this order: a class name of urllib3, http.client or the socket module -> what it means.
_FAILURES: tuple[tuple[frozenset[str], Callable[[str, list[BaseException]], SaAuthError]], ...] = (
    # http.client says HTTPException itself, and no class below it, where it has counted 100 headers.
    (frozenset({"TooLong", "LineTooLong", "HTTPException"}), _too_large),
    (frozenset({"ProxyError"}), _proxy_failed),
    (
        frozenset({"InvalidURL", "LocationParseError", "InvalidProxyURL", "InvalidSchema", "ProxySchemeUnknown"}),
        _unusable,
    ),
    (frozenset({"SSLEOFError"}), _lost),  # a balancer that restarts says goodbye like this; nothing was judged
    (frozenset({"SSLError", "SSLCertVerificationError", "CertificateError"}), _tls_failed),
    (frozenset({"NameResolutionError", "gaierror"}), _no_name),
    (frozenset({"ConnectTimeoutError", "ReadTimeoutError", "TimeoutError", "timeout"}), _timed_out),
    (frozenset({"NewConnectionError"}), _not_connected),
)
