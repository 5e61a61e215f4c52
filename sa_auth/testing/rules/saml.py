"""The rules for a SAML 2.0 assertion, as the grant or as a client's proof.

Source: RFC 7522 sections 2.1 and 3.
"""

from __future__ import annotations

from .reading import Unjudged
from .rule import complaint, statement
from .xml import Saml


@statement(
    "RFC 7522 section 2.1",
    'the base64url-encoded data MUST NOT be line wrapped and pad characters ("=") MUST NOT be included',
)
def saml_encoded(saml: Saml) -> str:
    """It is base64url, without padding and line ends."""
    return complaint(lambda: saml.data)


@statement(
    "RFC 7522 section 2.1",
    'The value of the "assertion" parameter MUST contain a single SAML 2.0 Assertion.',
)
def saml_one(saml: Saml) -> str:
    """It is one Assertion, and no document type comes with it."""
    _ = saml.data
    return complaint(lambda: (saml.root, saml.id))


@statement(
    "RFC 7522 section 3, 1",
    "The Assertion's <Issuer> element MUST contain a unique identifier for the entity that issued the Assertion.",
)
def saml_issuer_known(saml: Saml) -> str:
    """Its issuer is one that is trusted here."""
    _ = saml.root
    missing = complaint(lambda: saml.issuer)
    return missing or ("" if saml.issuer in saml.issuers else f"The Issuer {saml.issuer} is not trusted here.")


@statement(
    "RFC 7522 section 3, 9",
    "The authorization server MUST reject Assertions with an invalid signature or MAC.",
)
def saml_signature_valid(saml: Saml) -> str:
    """The issuer's certificate vouches for all of it."""
    return "" if saml.signature_holds else "The signature is missing, or was not made by the issuer over all of it."


@statement(
    "RFC 7522 section 3, 2",
    "The authorization server MUST reject any Assertion that does not contain its own identity as the intended "
    "audience.",
)
def saml_audience(saml: Saml) -> str:
    """It is for this server."""
    if set(saml.named) & set(saml.audiences):
        return ""
    return f"The Audience is {' '.join(saml.named) or 'missing'}; this server is {' or '.join(saml.audiences)}."


@statement(
    "RFC 7522 section 3, 3",
    "The Assertion MUST contain a <Subject> element",
)
def saml_subject(saml: Saml) -> str:
    """It says whom it speaks of."""
    _ = saml.root
    return complaint(lambda: saml.subject)


@statement(
    "RFC 7522 section 3, 4",
    "The Assertion MUST have an expiry that limits the time window during which it can be used.",
)
def saml_expires(saml: Saml) -> str:
    """It says when it ends, in UTC."""
    _ = saml.root
    return complaint(lambda: saml.ends) or ("" if saml.ends else "There is no NotOnOrAfter.")


@statement(
    "RFC 7522 section 3, 6",
    "The authorization server MUST reject the entire Assertion if the NotOnOrAfter instant on the <Conditions> element "
    "has passed",
)
def saml_not_over(saml: Saml) -> str:
    """It has not ended yet, by any of its ends."""
    late = saml.now - _first(saml.ends)
    return f"The assertion ended {late:.0f} s ago by this server's clock." if late >= saml.leeway else ""


@statement(
    "RFC 7522 section 3, 6",
    "The authorization server MAY reject Assertions with a NotOnOrAfter instant that is unreasonably far in the future.",
)
def saml_end_near(saml: Saml) -> str:
    """It does not live longer than an assertion may."""
    ahead = _first(saml.ends) - saml.now
    far = ahead > saml.max_lifetime + saml.leeway
    return f"The assertion would live {ahead:.0f} s more; {saml.max_lifetime:.0f} s are the most." if far else ""


@statement(
    "RFC 7522 section 3, 11",
    "all content within the Conditions element including the NotOnOrAfter and NotBefore attributes",
)
def saml_begun(saml: Saml) -> str:
    """It has begun."""
    _ = saml.root
    wrong = complaint(lambda: saml.begins)
    early = max(saml.begins, default=saml.now) - saml.now if not wrong else 0.0
    return wrong or (f"The assertion begins in {early:.0f} s." if early > saml.leeway else "")


@statement(
    "RFC 7522 section 3, 5",
    'a Method attribute with a value of "urn:oasis:names:tc:SAML:2.0:cm:bearer"',
)
def saml_bearer(saml: Saml) -> str:
    """Whoever bears it may use it."""
    _ = saml.root
    return "" if saml.confirmations else "There is no SubjectConfirmation by bearer with its data."


@statement(
    "RFC 7522 section 3, 5",
    "The authorization server MUST verify that the value of the Recipient attribute matches the token endpoint URL (or "
    "an acceptable alias) to which the Assertion was delivered.",
)
def saml_recipient(saml: Saml) -> str:
    """It was made for this token endpoint."""
    given = [data.get("Recipient") for data in saml.confirmations]
    if not given:
        raise Unjudged("There is no SubjectConfirmation by bearer.")
    found = any(recipient in saml.endpoints for recipient in given)
    return "" if found else f"The Recipient is {given[0] or 'missing'}, not {' or '.join(saml.endpoints)}."


@statement(
    "RFC 7522 section 3, 6",
    "maintaining the set of used ID values for the length of time for which the Assertion would be considered valid "
    "based on the applicable NotOnOrAfter instant",
)
def saml_id_fresh(saml: Saml) -> str:
    """No assertion is used twice."""
    # Only what the issuer signed is remembered: else a stranger could use up the ids of others.
    if not saml.signature_holds:
        raise Unjudged("The signature does not hold.")
    until = max(saml.ends, default=saml.now) + saml.leeway
    fresh = saml.replays.use(f"saml {saml.issuer}", saml.id, until=until, now=saml.now)
    return "" if fresh else "An assertion with this ID was sent before."


STATEMENTS = (
    saml_encoded, saml_one, saml_issuer_known, saml_signature_valid, saml_audience, saml_subject, saml_expires,
    saml_not_over, saml_end_near, saml_begun, saml_bearer, saml_recipient, saml_id_fresh,
)  # fmt: skip


def _first(ends: list[float]) -> float:
    if not ends:
        raise Unjudged("There is no NotOnOrAfter.")
    return min(ends)
