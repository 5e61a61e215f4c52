"""The rules for revocation requests.

Source: RFC 7009 section 2.1.
"""

from __future__ import annotations

from .case import Case
from .reading import Unjudged
from .rule import rule


def _asked(case: Case) -> bool:
    return case.endpoint == "revoke"


@rule(
    "RFC 7009 section 2.1",
    "The token that the client wants to get revoked.",
    error="invalid_request",
    when=_asked,
)
def token_present(case: Case) -> str:
    """There is a token to revoke."""
    return "" if "token" in case.form else "There is no token."


@rule(
    "RFC 7009 section 2.1",
    "verifies whether the token was issued to the client making the revocation request",
    error="unauthorized_client",
    when=_asked,
)
def token_client(case: Case) -> str:
    """The token is the client's own; one that nobody knows is anybody's."""
    owner = case.revoked_owner
    if owner is None:
        return ""
    if case.caller is None:
        raise Unjudged("There is no client.")
    return "" if owner == case.caller.name else "The token was issued to another client."
