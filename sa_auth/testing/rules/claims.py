"""The rules for what an assertion claims.

Rule: strings are compared as they are, character by character (RFC 3986 section 6.2.1).

Source: RFC 7523 section 3, RFC 7521 section 5.2, RFC 7519 section 4.1.
"""

from __future__ import annotations

from .reading import Unjudged, is_text, is_whole
from .rule import statement
from .signed import Signed


@statement(
    "RFC 7523 section 3, 1",
    'The JWT MUST contain an "iss" (issuer) claim that contains a unique identifier for the entity that issued the '
    "JWT.",
)
def iss_present(jwt: Signed) -> str:
    """There is an issuer."""
    return "" if is_text(jwt.claims.get("iss")) else "There is no iss, or it is not a string."


@statement(
    "RFC 7521 section 5.2",
    "The Issuer identifies the entity that issued the assertion as recognized by the authorization server.",
)
def iss_registered(jwt: Signed) -> str:
    """The issuer is one that is known here."""
    issuer = jwt.claims.get("iss")
    if not is_text(issuer):
        raise Unjudged("There is no iss.")
    return "" if issuer in jwt.issuers else f"The issuer {issuer} is not registered here."


@statement(
    "RFC 7523 section 3, 2",
    'The JWT MUST contain a "sub" (subject) claim identifying the principal that is the subject of the JWT.',
)
def sub_present(jwt: Signed) -> str:
    """There is a subject where one is demanded, and it is text in any case."""
    if "sub" in jwt.claims:
        return "" if is_text(jwt.claims["sub"]) else "The sub is not a string, or it is empty."
    # Google goes without a sub unless another user is meant, so this authority insists only where it is told to.
    return "There is no sub." if jwt.role.require_subject else ""


@statement(
    "RFC 7523 section 3, 2",
    "For the authorization grant, the subject typically identifies an authorized accessor for which the access token "
    "is being requested",
)
def sub_allowed(jwt: Signed) -> str:
    """The issuer may act for the subject."""
    allowed = jwt.registration.subjects
    subject = jwt.claims.get("sub")
    if not is_text(subject) or allowed is None:
        return ""
    return "" if subject in allowed else f"The issuer may not act for {subject}."


@statement(
    "RFC 7523 section 3, 2",
    'For client authentication, the subject MUST be the "client_id" of the OAuth client.',
)
def sub_is_client(jwt: Signed) -> str:
    """The subject is the client: the issuer itself, or the one that a token service's subject stands for here."""
    subject, clients = jwt.claims.get("sub"), jwt.registration.clients
    if not is_text(subject):
        raise Unjudged("There is no sub.")
    if clients is not None:
        return "" if subject in clients else f"This issuer's {subject} is no client here."
    return (
        "" if subject == jwt.claims["iss"] else "The sub is not the iss; of a client's own assertion both are its id."
    )


@statement(
    "RFC 7523 section 3, 3",
    'The JWT MUST contain an "aud" (audience) claim containing a value that identifies the authorization server as an '
    "intended audience.",
)
def aud_present(jwt: Signed) -> str:
    """There is an audience: text, or a list of texts."""
    return "" if jwt.audiences else "There is no aud, or it is neither a string nor a list of strings."


@statement(
    "RFC 7523 section 3, 3",
    "The authorization server MUST reject any JWT that does not contain its own identity as the intended audience.",
)
def aud_names_server(jwt: Signed) -> str:
    """One audience is this server, character by character."""
    given = jwt.audiences
    if not given:
        raise Unjudged("There is no aud.")
    if set(given) & set(jwt.role.audiences):
        return ""
    return f"The aud is {' '.join(given)}; this server is {' or '.join(jwt.role.audiences)}."


@statement(
    "RFC 7523 section 3, 3 (as draft-ietf-oauth-rfc7523bis section 4 has it)",
    "The authorization server MUST reject any JWT that does not contain its issuer identifier as its sole audience "
    "value.",
)
def aud_alone(jwt: Signed) -> str:
    """Where the issuer identifier is demanded, it stands alone and as a string."""
    if not jwt.audiences:
        raise Unjudged("There is no aud.")
    if not jwt.role.sole_audience or isinstance(jwt.claims.get("aud"), str):
        return ""
    return "The aud is not one plain string."


@statement(
    "RFC 7523 section 3, 4",
    'The JWT MUST contain an "exp" (expiration time) claim that limits the time window during which the JWT can be '
    "used.",
)
def exp_present(jwt: Signed) -> str:
    """There is an end, in whole seconds."""
    # RFC 7519 would take a fraction too; several vendors do not, and a strict judge takes what all of them take.
    return "" if is_whole(jwt.claims.get("exp")) else "There is no exp, or it is not a whole number."


@statement(
    "RFC 7523 section 3, 4",
    "The authorization server MUST reject any JWT with an expiration time that has passed",
)
def exp_ahead(jwt: Signed) -> str:
    """The end has not come yet."""
    late = jwt.now - jwt.date("exp")
    return f"The assertion ended {late:.0f} s ago by this server's clock." if late >= jwt.role.leeway else ""


@statement(
    "RFC 7523 section 3, 4",
    'the authorization server may reject JWTs with an "exp" claim value that is unreasonably far in the future',
)
def exp_near(jwt: Signed) -> str:
    """The end is not further away than an assertion may live."""
    ahead = jwt.date("exp") - jwt.now
    most = jwt.role.max_lifetime
    far = ahead > most + jwt.role.leeway
    return (
        f"The assertion would live {ahead:.0f} s more by this server's clock; {most:.0f} s are the most." if far else ""
    )


@statement(
    "RFC 7519 section 2",
    "A JSON numeric value representing the number of seconds from 1970-01-01T00:00:00Z UTC until the specified UTC "
    "date/time, ignoring leap seconds.",
)
def dates_whole(jwt: Signed) -> str:
    """The other dates are whole seconds where they are given."""
    bad = [name for name in ("nbf", "iat") if name in jwt.claims and not is_whole(jwt.claims[name])]
    return f"Not a whole number: {', '.join(bad)}." if bad else ""


@statement(
    "RFC 7523 section 3, 5",
    'The JWT MAY contain an "nbf" (not before) claim that identifies the time before which the token MUST NOT be '
    "accepted for processing.",
)
def nbf_passed(jwt: Signed) -> str:
    """The beginning has come."""
    if "nbf" not in jwt.claims:
        return ""
    early = jwt.date("nbf") - jwt.now
    return f"The assertion begins in {early:.0f} s by this server's clock." if early > jwt.role.leeway else ""


@statement(
    "RFC 7523 section 3, 6",
    'The JWT MAY contain an "iat" (issued at) claim that identifies the time at which the JWT was issued.',
)
def iat_not_ahead(jwt: Signed) -> str:
    """It was not issued in the future."""
    if "iat" not in jwt.claims:
        return ""
    early = jwt.date("iat") - jwt.now
    return f"The iat is {early:.0f} s ahead of this server's clock." if early > jwt.role.leeway else ""


@statement(
    "RFC 7523 section 3, 6",
    'the authorization server may reject JWTs with an "iat" claim value that is unreasonably far in the past',
)
def iat_recent(jwt: Signed) -> str:
    """It was not issued longer ago than an assertion may live."""
    if "iat" not in jwt.claims:
        return ""
    old = jwt.now - jwt.date("iat")
    return f"The iat is {old:.0f} s ago." if old > jwt.role.max_lifetime + jwt.role.leeway else ""


@statement(
    "RFC 7523 section 3, 7",
    'The JWT MAY contain a "jti" (JWT ID) claim that provides a unique identifier for the token.',
)
def jti_present(jwt: Signed) -> str:
    """There is an id where one is demanded, and it is text in any case."""
    if "jti" in jwt.claims:
        return "" if is_text(jwt.claims["jti"]) else "The jti is not a string, or it is empty."
    return "There is no jti." if jwt.role.require_jti else ""


@statement(
    "RFC 7523 section 3, 7",
    'The authorization server MAY ensure that JWTs are not replayed by maintaining the set of used "jti" values',
)
def jti_fresh(jwt: Signed) -> str:
    """No assertion is used twice."""
    jti = jwt.claims.get("jti")
    if not is_text(jti) or jwt.role.reusable:
        return ""
    # Only what the key's owner signed is remembered: else a stranger could use up the ids of others.
    if not jwt.signature_holds:
        raise Unjudged("The signature does not hold.")
    until = jwt.date("exp") + jwt.role.leeway
    fresh = jwt.replays.use(jwt.claims["iss"], str(jti), until=until, now=jwt.now)
    return "" if fresh else "An assertion with this jti was sent before."
