"""The rules for what the assertion claims.

Rule: strings are compared as they are, character by character (RFC 3986 section 6.2.1).

Source: RFC 7523 section 3, RFC 7521 section 5.2, RFC 7519 section 4.1.
"""

from __future__ import annotations

from typing import Any

from .case import Case, Unjudged
from .rule import rule


@rule(
    "RFC 7523 section 3, 1",
    'The JWT MUST contain an "iss" (issuer) claim that contains a unique identifier for the entity that issued the '
    "JWT.",
)
def iss_present(case: Case) -> str:
    """There is an issuer."""
    return "" if _text(case.claims.get("iss")) else "There is no iss, or it is not a string."


@rule(
    "RFC 7521 section 5.2",
    "The Issuer identifies the entity that issued the assertion as recognized by the authorization server.",
)
def iss_registered(case: Case) -> str:
    """The issuer is one that is known here."""
    issuer = case.claims.get("iss")
    if not _text(issuer):
        raise Unjudged("There is no iss.")
    return "" if issuer in case.issuers else f"The issuer {issuer} is not registered here."


@rule(
    "RFC 7523 section 3, 2",
    'The JWT MUST contain a "sub" (subject) claim identifying the principal that is the subject of the JWT.',
)
def sub_present(case: Case) -> str:
    """There is a subject where one is demanded, and it is text in any case."""
    if "sub" in case.claims:
        return "" if _text(case.claims["sub"]) else "The sub is not a string, or it is empty."
    # Google goes without a sub unless another user is meant, so this authority insists only where it is told to.
    return "There is no sub." if case.settings.require_subject else ""


@rule(
    "RFC 7523 section 3, 2",
    "For the authorization grant, the subject typically identifies an authorized accessor for which the access token "
    "is being requested",
)
def sub_allowed(case: Case) -> str:
    """The issuer may act for the subject."""
    allowed = case.registration.subjects
    subject = case.claims.get("sub")
    if not _text(subject) or allowed is None:
        return ""
    return "" if subject in allowed else f"The issuer may not act for {subject}."


@rule(
    "RFC 7523 section 3, 3",
    'The JWT MUST contain an "aud" (audience) claim containing a value that identifies the authorization server as an '
    "intended audience.",
)
def aud_present(case: Case) -> str:
    """There is an audience: text, or a list of texts."""
    return "" if _audiences(case) else "There is no aud, or it is neither a string nor a list of strings."


@rule(
    "RFC 7523 section 3, 3",
    "The authorization server MUST reject any JWT that does not contain its own identity as the intended audience.",
)
def aud_names_server(case: Case) -> str:
    """One audience is this server, character by character."""
    given = _audiences(case)
    if not given:
        raise Unjudged("There is no aud.")
    if set(given) & set(case.settings.audiences):
        return ""
    return f"The aud is {' '.join(given)}; this server is {' or '.join(case.settings.audiences)}."


@rule(
    "RFC 7523 section 3, 4",
    'The JWT MUST contain an "exp" (expiration time) claim that limits the time window during which the JWT can be '
    "used.",
)
def exp_present(case: Case) -> str:
    """There is an end, in whole seconds."""
    # RFC 7519 would take a fraction too; several vendors do not, and a strict judge takes what all of them take.
    return "" if _whole(case.claims.get("exp")) else "There is no exp, or it is not a whole number."


@rule(
    "RFC 7523 section 3, 4",
    "The authorization server MUST reject any JWT with an expiration time that has passed",
)
def exp_ahead(case: Case) -> str:
    """The end has not come yet."""
    late = case.now - _date(case, "exp")
    return f"The assertion ended {late:.0f} s ago by this server's clock." if late >= case.settings.leeway else ""


@rule(
    "RFC 7523 section 3, 4",
    'the authorization server may reject JWTs with an "exp" claim value that is unreasonably far in the future',
)
def exp_near(case: Case) -> str:
    """The end is not further away than an assertion may live."""
    ahead = _date(case, "exp") - case.now
    most = case.settings.max_lifetime
    far = ahead > most + case.settings.leeway
    return (
        f"The assertion would live {ahead:.0f} s more by this server's clock; {most:.0f} s are the most." if far else ""
    )


@rule(
    "RFC 7519 section 2",
    "A JSON numeric value representing the number of seconds from 1970-01-01T00:00:00Z UTC until the specified UTC "
    "date/time, ignoring leap seconds.",
)
def dates_whole(case: Case) -> str:
    """The other dates are whole seconds where they are given."""
    bad = [name for name in ("nbf", "iat") if name in case.claims and not _whole(case.claims[name])]
    return f"Not a whole number: {', '.join(bad)}." if bad else ""


@rule(
    "RFC 7523 section 3, 5",
    'The JWT MAY contain an "nbf" (not before) claim that identifies the time before which the token MUST NOT be '
    "accepted for processing.",
)
def nbf_passed(case: Case) -> str:
    """The beginning has come."""
    if "nbf" not in case.claims:
        return ""
    early = _date(case, "nbf") - case.now
    return f"The assertion begins in {early:.0f} s by this server's clock." if early > case.settings.leeway else ""


@rule(
    "RFC 7523 section 3, 6",
    'The JWT MAY contain an "iat" (issued at) claim that identifies the time at which the JWT was issued.',
)
def iat_not_ahead(case: Case) -> str:
    """It was not issued in the future."""
    if "iat" not in case.claims:
        return ""
    early = _date(case, "iat") - case.now
    return f"The iat is {early:.0f} s ahead of this server's clock." if early > case.settings.leeway else ""


@rule(
    "RFC 7523 section 3, 6",
    'the authorization server may reject JWTs with an "iat" claim value that is unreasonably far in the past',
)
def iat_recent(case: Case) -> str:
    """It was not issued longer ago than an assertion may live."""
    if "iat" not in case.claims:
        return ""
    old = case.now - _date(case, "iat")
    return f"The iat is {old:.0f} s ago." if old > case.settings.max_lifetime + case.settings.leeway else ""


@rule(
    "RFC 7523 section 3, 7",
    'The JWT MAY contain a "jti" (JWT ID) claim that provides a unique identifier for the token.',
)
def jti_present(case: Case) -> str:
    """There is an id where one is demanded, and it is text in any case."""
    if "jti" in case.claims:
        return "" if _text(case.claims["jti"]) else "The jti is not a string, or it is empty."
    return "There is no jti." if case.settings.require_jti else ""


@rule(
    "RFC 7523 section 3, 7",
    'The authorization server MAY ensure that JWTs are not replayed by maintaining the set of used "jti" values',
)
def jti_fresh(case: Case) -> str:
    """No assertion is used twice."""
    jti = case.claims.get("jti")
    if not _text(jti):
        return ""
    # Only what the key's owner signed is remembered: else a stranger could use up the ids of others.
    if not case.signature_holds:
        raise Unjudged("The signature does not hold.")
    until = _date(case, "exp") + case.settings.leeway
    fresh = case.replays.use(case.claims["iss"], str(jti), until=until, now=case.now)
    return "" if fresh else "An assertion with this jti was sent before."


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _date(case: Case, name: str) -> int:
    """A date of the claims, in Unix seconds."""
    value = case.claims.get(name)
    if not _whole(value):
        raise Unjudged(f"There is no {name} that is a whole number.")
    return int(case.claims[name])


def _audiences(case: Case) -> list[str]:
    """The audiences as a list; empty where the claim is missing or of another type."""
    value = case.claims.get("aud")
    found: list[Any] = value if isinstance(value, list) else [value]
    return found if all(_text(one) for one in found) else []
