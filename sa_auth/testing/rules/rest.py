"""The rules for the REST exchange: a JWT to an endpoint of a service's own kind.

Source: RFC 6750 section 2, RFC 8259 section 8.1, RFC 9110 section 9.3.3.
"""

from __future__ import annotations

from .case import Case
from .rule import complaint, rule


def _asked(case: Case) -> bool:
    return case.endpoint == "exchange"


@rule(
    "RFC 9110 section 9.3.3",
    "The POST method requests that the target resource process the representation enclosed in the request according to "
    "the resource's own specific semantics.",
    error="invalid_request",
    when=_asked,
)
def rest_post(case: Case) -> str:
    """The JWT comes by POST."""
    return "" if case.method == "POST" else f"The method is {case.method}, not POST."


@rule(
    "RFC 8259 section 8.1",
    "JSON text exchanged between systems that are not part of a closed ecosystem MUST be encoded using UTF-8",
    error="invalid_request",
    when=lambda case: _asked(case) and bool(case.body),
)
def rest_json(case: Case) -> str:
    """A body is one JSON object, and says so."""
    media = case.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        return f"The content type is {media or 'missing'}, not application/json."
    return complaint(lambda: case.json)


@rule(
    "RFC 6750 section 2",
    "Clients MUST NOT use more than one method to transmit the token in each request.",
    error="invalid_request",
    when=_asked,
)
def rest_jwt_one(case: Case) -> str:
    """There is one JWT, as Bearer or in the JSON."""
    found = len(case.rest_jwts)
    return "" if found == 1 else "There is no JWT." if not found else "The JWT comes in several places."
