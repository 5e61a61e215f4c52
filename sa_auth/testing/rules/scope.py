"""The rules for what access is asked for.

Source: RFC 6749 section 3.3, RFC 7521 section 4.1.
"""

from __future__ import annotations

from .case import Case
from .reading import Unjudged
from .rule import rule


@rule(
    "RFC 6749 section 3.3",
    "The value of the scope parameter is expressed as a list of space-delimited, case-sensitive strings.",
    error="invalid_scope",
    when=lambda case: case.at_token,
)
def scope_well_formed(case: Case) -> str:
    """A scope has no character beyond those allowed."""
    return "" if _is_scope(case.form.get("scope", "")) else "The scope has a character that no scope may have."


@rule(
    "RFC 7521 section 4.1",
    "the requested scope MUST be equal to or less than the scope originally granted to the authorized accessor.",
    error="invalid_scope",
    when=lambda case: case.at_token,
)
def scope_allowed(case: Case) -> str:
    """Nothing is asked for beyond what was granted to the issuer, or to the client that asks for itself."""
    known = case.grantor
    if known is None and case.caller is not None:
        known = case.caller.registration
    if known is None and case.grant_is_saml:
        return ""
    if known is None:
        raise Unjudged("Neither an issuer nor a client is known.")
    beyond = [] if known.scopes is None else sorted(set(requested_scope(case).split()) - known.scopes)
    return f"Not granted to this issuer: {' '.join(beyond)}." if beyond else ""


def requested_scope(case: Case) -> str:
    """The scope that is asked for: the form's, else the claim's, which Google reads in its place."""
    claim = case.grant_jwt.claims.get("scope", "") if case.grant_is_jwt else ""
    return case.form.get("scope", claim if isinstance(claim, str) else "")


def _is_scope(text: str) -> bool:
    """Whether every character is one of RFC 6749 section 3.3: %x21 / %x23-5B / %x5D-7E, and spaces between."""
    return all(" " <= character <= "~" and character not in '"\\' for character in text) and text == text.strip(" ")
