"""The rules for token exchange.

Source: RFC 8693 sections 2.1 and 2.2.2.
"""

from __future__ import annotations

from .case import Case
from .claims import aud_names_server, exp_ahead, iss_registered
from .jose import signature_valid
from .reading import Unjudged
from .rule import rule
from .uris import ACCESS_TOKEN, EXCHANGE, JWT_TYPES, REFRESH_TOKEN, SAML2

_SUBJECTS = (ACCESS_TOKEN, REFRESH_TOKEN, SAML2, *JWT_TYPES)
_ACTORS = (ACCESS_TOKEN, *JWT_TYPES)
_REQUESTED = (ACCESS_TOKEN, REFRESH_TOKEN, *JWT_TYPES)


def _asked(case: Case) -> bool:
    return case.grants(EXCHANGE)


@rule(
    "RFC 8693 section 2.1",
    "A security token that represents the identity of the party on behalf of whom the request is being made.",
    error="invalid_request",
    when=_asked,
)
def subject_token_present(case: Case) -> str:
    """There is a token to exchange."""
    return "" if "subject_token" in case.form else "There is no subject_token."


@rule(
    "RFC 8693 section 2.1",
    "An identifier, as described in Section 3, that indicates the type of the security token in the subject_token "
    "parameter.",
    error="invalid_request",
    when=_asked,
)
def subject_token_type_known(case: Case) -> str:
    """It says what it is, and it is something that can be judged here."""
    given = case.form.get("subject_token_type")
    if given is None:
        return "There is no subject_token_type."
    return "" if given in _SUBJECTS else f"The subject_token_type {given} is not supported."


@rule(
    "RFC 8693 section 2.2.2",
    "If the request itself is not valid or if either the subject_token or actor_token are invalid for any reason, or "
    "are unacceptable based on policy, the authorization server MUST construct an error response",
    error="invalid_request",
    when=lambda case: _asked(case) and case.has("subject_token_type") in {ACCESS_TOKEN, REFRESH_TOKEN},
)
def subject_token_live(case: Case) -> str:
    """A token of this server's own is one that is out."""
    if "subject_token" not in case.form:
        raise Unjudged("There is no subject_token.")
    token, world = case.form["subject_token"], case.world
    if case.form["subject_token_type"] == ACCESS_TOKEN:
        return "" if world.tokens.find(token, case.now) is not None else "No such access token is out."
    return "" if world.refreshes.find(token) and not world.refreshes.used(token) else "No such refresh token is out."


@rule(
    "RFC 8693 section 2.1",
    "This is REQUIRED when the actor_token parameter is present in the request but MUST NOT be included otherwise.",
    error="invalid_request",
    when=lambda case: _asked(case) and bool(case.has("actor_token") or case.has("actor_token_type")),
)
def actor_token_typed(case: Case) -> str:
    """The acting party's token says what it is, and no type comes without a token."""
    given = case.form.get("actor_token_type")
    if given is None:
        return "There is no actor_token_type."
    if "actor_token" not in case.form:
        return "There is an actor_token_type and no actor_token."
    return "" if given in _ACTORS else f"The actor_token_type {given} is not supported."


@rule(
    "RFC 8693 section 2.1",
    "A security token that represents the identity of the acting party.",
    error="invalid_request",
    when=lambda case: _asked(case) and bool(case.has("actor_token")),
)
def actor_token_valid(case: Case) -> str:
    """The acting party's token is one of this server, or a JWT of somebody known here."""
    kind = case.form.get("actor_token_type")
    if kind == ACCESS_TOKEN:
        known = case.world.tokens.find(case.form["actor_token"], case.now)
        return "" if known is not None else "No such access token is out."
    if kind not in JWT_TYPES:
        raise Unjudged("The type of the actor token is not known.")
    try:
        checks = (iss_registered, signature_valid, aud_names_server, exp_ahead)
        return next(filter(None, (check.judge(case.actor_jwt) for check in checks)), "")
    except Unjudged as reason:
        return str(reason)


@rule(
    "RFC 8693 section 2.1",
    "An identifier, as described in Section 3, for the type of the requested security token.",
    error="invalid_request",
    when=lambda case: _asked(case) and bool(case.has("requested_token_type")),
)
def requested_token_type_known(case: Case) -> str:
    """The token that is asked for is of a kind that is issued here."""
    given = case.form["requested_token_type"]
    return "" if given in _REQUESTED else f"No token of the type {given} is issued here."
