"""Reads the alert with which a server ends a connection over the client's certificate.

Rule: judged by the alert's name alone. In TLS 1.3 the handshake is over for us before the server has looked at our
certificate, so the alert may come in place of the answer; the server has not acted on the request then either.
Source: RFC 8446 section 6.2, RFC 5246 section 7.2.2, RFC 8705 section 2.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable

from ..errors import TransportError

_CHAIN = (
    "Let the certificate's file hold the authorities between it and the root too, and have the server know the root."
)
_RENEW = "Ask for a new certificate, and load the key with it."
# The alert -> what the server has against the certificate that it was shown, and what to do.
_REFUSALS = {
    "ACCESS_DENIED": ("this client may not come in", "Have the server let in the certificate's subject."),
    "BAD_CERTIFICATE": ("it is damaged, or its signature is wrong", _RENEW),
    "CERTIFICATE_EXPIRED": ("it has expired or is not valid yet", f"{_RENEW} Or is a clock wrong?"),
    "CERTIFICATE_REVOKED": ("it was revoked", _RENEW),
    "CERTIFICATE_UNKNOWN": ("it gives no reason", "Its log may; have it know the certificate or its authority."),
    "UNKNOWN_CA": ("it does not know the authority that issued it", _CHAIN),
    "UNSUPPORTED_CERTIFICATE": (
        "it is of the wrong kind",
        "It must be one for clients (extended key usage clientAuth).",
    ),
}


def refusal(where: str, causes: Iterable[BaseException], *, presented: bool) -> TransportError | None:
    """Explains what the server says about the client's certificate.

    Args:
        where: The server, in words.
        causes: What was raised.
        presented: Whether a certificate was there to be presented.

    Returns:
        The error, which no repetition mends; None where the server said nothing about a certificate.
    """
    alert = next(filter(None, map(_alert, causes)), "")
    if alert not in {*_REFUSALS, "CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE"}:
        return None
    if not presented:
        return _wanted(where, sure=alert != "HANDSHAKE_FAILURE")
    if alert in _REFUSALS:
        words, hint = _REFUSALS[alert]
        return _failed(f"{where} does not accept the certificate presented: {words}.", hint)
    if alert == "CERTIFICATE_REQUIRED":
        return _failed(
            f"{where} wants a client certificate, and takes none of this kind.",
            "Its key's kind or its signature is none that the server offers: use one over an RSA or P-256 key.",
        )
    return _failed(
        f"{where} ended the handshake without saying why.",
        "It may not accept the certificate presented, or have no TLS version or cipher in common with this machine.",
    )


def _alert(cause: BaseException) -> str:
    """The alert's name, for example "UNKNOWN_CA"; empty where it is none."""
    if not isinstance(cause, ssl.SSLError):
        return ""
    # `reason` where this Python knows its name; its text otherwise, which is OpenSSL's own with spaces.
    text = re.sub(r"\W+", "_", cause.reason or str(cause)).upper()
    found = re.search(r"_ALERT_([A-Z_]+[A-Z])", text)
    return found[1].removesuffix("__SSL_C") if found else ""


def _wanted(where: str, *, sure: bool) -> TransportError:
    words = "wants a client certificate" if sure else "ended the handshake, as one does that wants a client certificate"
    return _failed(
        f"{where} {words}, and none was presented.",
        'Set mutual TLS up: client_auth="tls_client_auth" and certificate= beside the key, or '
        "transport=RequestsTransport(certificate=keys.from_pem(KEY, certificate=PATH)).",
    )


def _failed(message: str, hint: str) -> TransportError:
    return TransportError(message[0].upper() + message[1:], code="tls_failed", connected=False, hint=hint)
