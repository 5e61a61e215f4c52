"""The rules for the assertion as a signed object: its form, header, algorithm and key.

Source: RFC 7515, RFC 7519 section 7.2, RFC 8725 (the best current practice for JWTs).
"""

from __future__ import annotations

from .case import Case, Unjudged, json_object, split_jws
from .rule import complaint, rule

_TYPES = frozenset({"jwt", "application/jwt", "authorization-grant+jwt"})


@rule(
    "RFC 7515 section 7.1",
    "The JWS Compact Serialization represents digitally signed or MACed content as a compact, URL-safe string.",
)
def jws_compact(case: Case) -> str:
    """The assertion has three parts in base64url."""
    assertion = case.assertion
    return complaint(lambda: split_jws(assertion))


@rule(
    "RFC 7515 section 5.2, 3",
    "Verify that the resulting octet sequence is a UTF-8-encoded representation of a completely valid JSON object",
)
def header_is_json(case: Case) -> str:
    """The header is one JSON object, no name in it twice."""
    data = case.parts[0]
    return complaint(lambda: json_object(data, "header"))


@rule(
    "RFC 7519 section 7.2, 10",
    "Verify that the resulting octet sequence is a UTF-8-encoded representation of a completely valid JSON object",
)
def claims_are_json(case: Case) -> str:
    """The claims are one JSON object, no name in it twice."""
    data = case.parts[1]
    return complaint(lambda: json_object(data, "claims"))


@rule(
    "RFC 7523 section 3, 9",
    "The JWT MUST be digitally signed or have a Message Authentication Code (MAC) applied by the issuer.",
)
def alg_asymmetric(case: Case) -> str:
    """The algorithm is a signature: never `none`, never a MAC."""
    alg = case.header.get("alg")
    if not isinstance(alg, str) or not alg:
        return "The header has no alg."
    # Only public keys are registered here, so a MAC could only have been made with one of those (RFC 8725 section 2.1).
    weak = alg.lower() == "none" or alg.upper().startswith("HS")
    return f"The alg {alg} is no signature by a private key." if weak else ""


@rule(
    "RFC 8725 section 3.1",
    "Libraries MUST enable the caller to specify a supported set of algorithms and MUST NOT use any other algorithms "
    "when performing cryptographic operations.",
)
def alg_fits_key(case: Case) -> str:
    """The algorithm is one that the issuer's key is registered for."""
    if alg_asymmetric.judge(case):
        raise Unjudged("The alg is refused already.")
    fitting = sorted({name for key in case.keys for name in key.algorithms})
    alg = case.header["alg"]
    return (
        "" if alg in fitting else f"The alg {alg} does not fit the registered key, which allows {', '.join(fitting)}."
    )


@rule(
    "RFC 7515 section 4.1.11",
    "If any of the listed extension Header Parameters are not understood and supported by the recipient, then the JWS "
    "is invalid.",
)
def crit_understood(case: Case) -> str:
    """No extension is declared critical, as none is understood here."""
    return "The header's crit names extensions, and none is understood here." if "crit" in case.header else ""


@rule(
    "RFC 8725 section 3.11",
    "If a particular kind of JWT is subject to such confusion, that JWT can include an explicit JWT type value, and "
    "the validation rules can specify checking the type.",
)
def typ_is_jwt(case: Case) -> str:
    """A type, where there is one, is that of a JWT or of an authorization grant."""
    typ = case.header.get("typ", "JWT")
    known = isinstance(typ, str) and typ.lower() in _TYPES
    return "" if known else f"The typ {typ} is not that of an authorization grant."


@rule(
    "RFC 7515 section 4.1.4",
    'The "kid" (key ID) Header Parameter is a hint indicating which key was used to secure the JWS.',
)
def kid_known(case: Case) -> str:
    """A key id, where there is one, names a key of the issuer."""
    if "kid" not in case.header:
        return ""
    kid = case.header["kid"]
    if not isinstance(kid, str):
        return "The kid is not a string."
    return "" if case.registration.candidates(kid) else f"No key is registered by the kid {kid}."


@rule(
    "RFC 7523 section 3, 9",
    "The authorization server MUST reject JWTs with an invalid signature or MAC.",
)
def signature_valid(case: Case) -> str:
    """The issuer's key made the signature."""
    return "" if case.signature_holds else "The signature was not made by the registered key over these bytes."
