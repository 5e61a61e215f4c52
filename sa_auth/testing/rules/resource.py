"""The rules for the resources that a token is asked for.

Source: RFC 8707 section 2.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from .case import Case
from .rule import rule


def _named(case: Case) -> bool:
    return case.at_token and bool(case.resources)


@rule(
    "RFC 8707 section 2",
    "Its value MUST be an absolute URI, as specified by Section 4.3 of [RFC3986].",
    error="invalid_target",
    when=_named,
)
def resource_absolute(case: Case) -> str:
    """A resource is an absolute URI."""
    bad = [value for value in case.resources if not _is_absolute(value)]
    return f"Not an absolute URI: {bad[0]}." if bad else ""


@rule(
    "RFC 8707 section 2",
    "The URI MUST NOT include a fragment component.",
    error="invalid_target",
    when=_named,
)
def resource_without_fragment(case: Case) -> str:
    """A resource has no fragment."""
    bad = [value for value in case.resources if "#" in value]
    return f"With a fragment: {bad[0]}." if bad else ""


@rule(
    "RFC 8707 section 2",
    "The requested resource is invalid, missing, unknown, or malformed.",
    error="invalid_target",
    when=lambda case: _named(case) and case.settings.resources is not None,
)
def resource_known(case: Case) -> str:
    """A resource is one that tokens are issued for here."""
    known = case.settings.resources or frozenset()
    # What has no right form is another rule's matter.
    unknown = [value for value in case.resources if _is_absolute(value) and "#" not in value and value not in known]
    return f"No tokens are issued here for {unknown[0]}." if unknown else ""


def _is_absolute(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.path))
