"""The rules for a token that is presented to the API and takes more than itself: DPoP, a certificate.

Source: RFC 6750 section 3.1, RFC 8705 section 3, RFC 9449 sections 7.1 and 7.2.
"""

from __future__ import annotations

import hashlib

from .case import Case
from .reading import Unjudged
from .rule import rule


def _presented(case: Case) -> bool:
    return case.at_api and not case.grant_is_jwt


@rule(
    "RFC 6750 section 3.1",
    "The access token provided is expired, revoked, malformed, or invalid for other reasons.",
    error="invalid_token",
    when=_presented,
)
def token_live(case: Case) -> str:
    """The token is one that is out."""
    return "" if case.issued is not None else "No such token is out."


@rule(
    "RFC 9449 section 7.2",
    "such a protected resource MUST reject a DPoP-bound access token received as a bearer token per [RFC6750].",
    error="invalid_token",
    when=_presented,
)
def token_not_downgraded(case: Case) -> str:
    """A token that is bound to a DPoP key does not come as a bearer token."""
    if case.issued is None:
        raise Unjudged("No such token is out.")
    downgraded = case.issued.key is not None and case.scheme != "dpop"
    return "This token is bound to a DPoP key, and came as a bearer token." if downgraded else ""


@rule(
    "RFC 9449 section 7.1",
    "For such an access token, a resource server MUST check that a DPoP proof was also received in the DPoP header "
    "field of the HTTP request",
    error="invalid_dpop_proof",
    when=lambda case: case.at_api and case.scheme == "dpop",
)
def dpop_present(case: Case) -> str:
    """Whoever says DPoP brings a proof."""
    return "" if case.has_proof else "There is no DPoP header."


@rule(
    "RFC 9449 section 4.3, 12",
    "confirm that the public key to which the access token is bound matches the public key from the DPoP proof.",
    error="invalid_token",
    when=lambda case: case.at_api and case.scheme == "dpop" and case.has_proof,
)
def dpop_key_bound(case: Case) -> str:
    """The proof's key is the one that the token is bound to."""
    if case.issued is None:
        raise Unjudged("No such token is out.")
    if case.issued.key is None:
        return "This token is bound to no DPoP key."
    return "" if case.proof.thumbprint == case.issued.key else "This token is bound to another DPoP key."


@rule(
    "RFC 8705 section 3",
    "The protected resource MUST obtain, from its TLS implementation layer, the client certificate used for mutual TLS "
    "and MUST verify that the certificate matches the certificate associated with the access token.",
    error="invalid_token",
    when=lambda case: _presented(case) and case.issued is not None and case.issued.certificate is not None,
)
def certificate_bound(case: Case) -> str:
    """The connection's certificate is the one that the token is bound to."""
    if case.certificate is None:
        return "This token is bound to a certificate, and the connection has none."
    same = case.issued is not None and hashlib.sha256(case.certificate).digest() == case.issued.certificate
    return "" if same else "This token is bound to another certificate."
