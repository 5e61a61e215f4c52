"""The rule for a client that proves itself by its TLS certificate.

Source: RFC 8705 section 2.
"""

from __future__ import annotations

import hashlib

from .case import Case
from .rule import rule


@rule(
    "RFC 8705 section 2.2",
    "The client is successfully authenticated if the certificate that it presented during the handshake matches one of "
    "the certificates configured or registered for that particular client.",
    error="invalid_client",
    when=lambda case: case.is_form and case.by_certificate,
)
def client_certificate_same(case: Case) -> str:
    """The connection's certificate is the client's."""
    known = case.caller and case.caller.registration
    shown = hashlib.sha256(case.certificate or b"").digest()
    return "" if known and known.certificate == shown else "The certificate is not the registered one."
