"""What a server says about a client's certificate, and what is made of it."""

from __future__ import annotations

import ssl

import pytest

from sa_auth._clock import SYSTEM, Deadline
from sa_auth.transports import alerts
from sa_auth.transports.failures import translate

WHERE = "the token endpoint at token.test"


def said(text: str, reason: str | None = None) -> ssl.SSLError:
    """What the ssl module raises; `reason` is None where this Python does not know the alert's name."""
    error = ssl.SSLError(1, text)
    error.reason = reason  # type: ignore[assignment]  # typeshed knows no nameless one
    return error


@pytest.mark.parametrize(
    ("alert", "words"),
    [
        ("TLSV1_ALERT_UNKNOWN_CA", "authority"), ("SSLV3_ALERT_BAD_CERTIFICATE", "damaged"),
        ("SSLV3_ALERT_CERTIFICATE_EXPIRED", "expired"), ("SSLV3_ALERT_CERTIFICATE_REVOKED", "revoked"),
        ("SSLV3_ALERT_CERTIFICATE_UNKNOWN", "no reason"), ("SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", "kind"),
        ("TLSV1_ALERT_ACCESS_DENIED", "may not come in"), ("SSL/TLS_ALERT_BAD_CERTIFICATE", "damaged"),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "none of this kind"), ("SSLV3_ALERT_HANDSHAKE_FAILURE", "without saying"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("named", [True, False])
def test_refused(alert: str, words: str, named: bool) -> None:
    """What the server has against the certificate presented is said, whether or not Python knows the alert's name."""
    text = alert.lower().replace("_", " ")
    cause = said(f"[SSL: {alert}] {text} (_ssl.c:2580)", alert) if named else said(f"[SSL] {text} (_ssl.c:1006)")
    error = alerts.refusal(WHERE, [ValueError("x"), cause], presented=True)
    assert error is not None
    assert (error.code, error.retryable, error.connected) == ("tls_failed", False, False)
    assert words in error.message
    assert error.hint


@pytest.mark.parametrize(
    "alert", ["TLSV13_ALERT_CERTIFICATE_REQUIRED", "SSLV3_ALERT_HANDSHAKE_FAILURE", "SSLV3_ALERT_BAD_CERTIFICATE"]
)
def test_wanted(alert: str) -> None:
    """Where none was presented the server wants one, in whichever word its TLS says that; the hint is how to."""
    error = alerts.refusal(WHERE, [said(f"[SSL: {alert}]", alert)], presented=False)
    assert error is not None
    assert "wants a client certificate, and none was presented" in error.message
    assert "tls_client_auth" in error.hint
    assert "certificate=" in error.hint


@pytest.mark.parametrize(
    "cause",
    [
        said("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1)", "WRONG_VERSION_NUMBER"),
        said("[SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert protocol version", "TLSV1_ALERT_PROTOCOL_VERSION"),
        said("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "CERTIFICATE_VERIFY_FAILED"),
        ConnectionResetError("[SSL: TLSV1_ALERT_UNKNOWN_CA]"),
    ],
)
@pytest.mark.parametrize("presented", [True, False])
def test_nothing_of_ours(cause: Exception, presented: bool) -> None:
    """Any other failure, our own refusal of the server among them, is none about the client's certificate."""
    assert alerts.refusal(WHERE, [cause], presented=presented) is None


def test_the_alert_goes_before_the_loss() -> None:
    """A connection that was lost after the alert was read is no lost one, which would be tried again."""
    lost = ConnectionResetError()
    lost.__context__ = said("[SSL: TLSV1_ALERT_UNKNOWN_CA]", "TLSV1_ALERT_UNKNOWN_CA")
    assert translate(lost, "token.test", Deadline(SYSTEM, 5), presented=True).code == "tls_failed"
    assert translate(ConnectionResetError(), "token.test", Deadline(SYSTEM, 5), presented=True).retryable


def test_the_alert_of_a_proxy() -> None:
    """What a proxy has against us is not said of the server behind it."""
    from urllib3.exceptions import ProxyError

    cause = said("[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE]", "SSLV3_ALERT_HANDSHAKE_FAILURE")
    assert translate(ProxyError("x", cause), "token.test", Deadline(SYSTEM, 5)).code == "proxy_failed"
