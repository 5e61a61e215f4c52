"""The rules for refresh tokens.

Source: RFC 6749 sections 6 and 10.4.
"""

from __future__ import annotations

from sa_auth.testing.promises import Promise

from .case import Case
from .reading import Unjudged
from .rule import rule
from .uris import REFRESH


def _asked(case: Case) -> bool:
    return case.grants(REFRESH)


def _promise(case: Case) -> Promise:
    if case.promise is None:
        raise Unjudged("The refresh token is not known.")
    return case.promise


@rule("RFC 6749 section 6", "The refresh token issued to the client.", error="invalid_request", when=_asked)
def refresh_token_present(case: Case) -> str:
    """There is a refresh token."""
    return "" if "refresh_token" in case.form else "There is no refresh_token."


@rule(
    "RFC 6749 section 5.2",
    "The provided authorization grant (e.g., authorization code, resource owner credentials) or refresh token is "
    "invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to "
    "another client.",
    error="invalid_grant",
    when=_asked,
)
def refresh_token_known(case: Case) -> str:
    """The refresh token was issued here, and not revoked."""
    if "refresh_token" not in case.form:
        raise Unjudged("There is no refresh token.")
    return "" if case.promise is not None else "No such refresh token is out."


@rule(
    "RFC 6749 section 6",
    "ensure that the refresh token was issued to the authenticated client",
    error="invalid_grant",
    when=_asked,
)
def refresh_token_client(case: Case) -> str:
    """The refresh token was issued to this client."""
    promise = _promise(case)
    if case.caller is None:
        raise Unjudged("There is no client.")
    return "" if case.caller.name == promise.client else "The refresh token was issued to another client."


@rule(
    "RFC 6749 section 6",
    "The requested scope MUST NOT include any scope not originally granted by the resource owner",
    error="invalid_scope",
    when=_asked,
)
def refresh_scope(case: Case) -> str:
    """Nothing is asked for beyond what was granted first."""
    beyond = set(case.form.get("scope", "").split()) - set(_promise(case).scope.split())
    return f"Not granted with this refresh token: {' '.join(sorted(beyond))}." if beyond else ""


@rule(
    "RFC 6749 section 10.4",
    "If a refresh token is compromised and subsequently used by both the attacker and the legitimate client, one of "
    "them will present an invalidated refresh token, which will inform the authorization server of the breach.",
    error="invalid_grant",
    when=_asked,
)
def refresh_token_once(case: Case) -> str:
    """A refresh token that was rotated away is not used again; whoever does loses all that came of it."""
    promise, world, token = _promise(case), case.world, case.form["refresh_token"]
    used = world.refreshes.used(token)
    if not used and not case.spotless:
        raise Unjudged("Something else is wrong, so the refresh token is not used up.")
    if not used and (not case.settings.rotates or world.refreshes.take(token)):
        return ""
    world.revoke_family(promise.family)
    return "The refresh token was used before; all tokens that came of it are revoked."
