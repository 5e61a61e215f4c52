"""The rules for an assertion as a signed object: its form, header, algorithm and key.

Source: RFC 7515, RFC 7519 section 7.2, RFC 8725 (the best current practice for JWTs).
"""

from __future__ import annotations

from .reading import Unjudged, json_object, split_jws
from .rule import complaint, statement
from .signed import Signed


@statement(
    "RFC 7515 section 7.1",
    "The JWS Compact Serialization represents digitally signed or MACed content as a compact, URL-safe string.",
)
def jws_compact(jwt: Signed) -> str:
    """The assertion has three parts in base64url."""
    return complaint(lambda: split_jws(jwt.text))


@statement(
    "RFC 7515 section 5.2, 3",
    "Verify that the resulting octet sequence is a UTF-8-encoded representation of a completely valid JSON object",
)
def header_is_json(jwt: Signed) -> str:
    """The header is one JSON object, no name in it twice."""
    data = jwt.parts[0]
    return complaint(lambda: json_object(data, "header"))


@statement(
    "RFC 7519 section 7.2, 10",
    "Verify that the resulting octet sequence is a UTF-8-encoded representation of a completely valid JSON object",
)
def claims_are_json(jwt: Signed) -> str:
    """The claims are one JSON object, no name in it twice."""
    data = jwt.parts[1]
    return complaint(lambda: json_object(data, "claims"))


@statement(
    "RFC 7523 section 3, 9",
    "The JWT MUST be digitally signed or have a Message Authentication Code (MAC) applied by the issuer.",
)
def alg_asymmetric(jwt: Signed) -> str:
    """The algorithm is a signature: never `none`, and a MAC only of a client with a secret."""
    alg = jwt.header.get("alg")
    if not isinstance(alg, str) or not alg:
        return "The header has no alg."
    # Only public keys are registered for grants, so a MAC could only have been made with one of those (RFC 8725
    # section 2.1). A client's secret is a key of its own kind, and `alg_fits_key` keeps the kinds apart.
    weak = alg.lower() == "none" or (alg.upper().startswith("HS") and not jwt.role.macs)
    return f"The alg {alg} is no signature by a private key." if weak else ""


@statement(
    "RFC 8725 section 3.1",
    "Libraries MUST enable the caller to specify a supported set of algorithms and MUST NOT use any other algorithms "
    "when performing cryptographic operations.",
)
def alg_fits_key(jwt: Signed) -> str:
    """The algorithm is one that the issuer's key is registered for."""
    if alg_asymmetric.judge(jwt):
        raise Unjudged("The alg is refused already.")
    fitting = sorted({name for key in jwt.keys for name in key.algorithms})
    alg = jwt.header["alg"]
    return (
        "" if alg in fitting else f"The alg {alg} does not fit the registered key, which allows {', '.join(fitting)}."
    )


@statement(
    "RFC 7515 section 4.1.11",
    "If any of the listed extension Header Parameters are not understood and supported by the recipient, then the JWS "
    "is invalid.",
)
def crit_understood(jwt: Signed) -> str:
    """No extension is declared critical, as none is understood here."""
    return "The header's crit names extensions, and none is understood here." if "crit" in jwt.header else ""


@statement(
    "RFC 8725 section 3.11",
    "If a particular kind of JWT is subject to such confusion, that JWT can include an explicit JWT type value, and "
    "the validation rules can specify checking the type.",
)
def typ_is_jwt(jwt: Signed) -> str:
    """A type, where there is one, is that of a JWT or of what it is sent as."""
    typ = jwt.header.get("typ", "JWT")
    known = isinstance(typ, str) and typ.lower() in jwt.role.types
    return "" if known else f"The typ {typ} is not that of {jwt.role.purpose}."


@statement(
    "RFC 7515 section 4.1.4",
    'The "kid" (key ID) Header Parameter is a hint indicating which key was used to secure the JWS.',
)
def kid_known(jwt: Signed) -> str:
    """A key id, where there is one, names a key of the issuer."""
    if "kid" not in jwt.header:
        return ""
    kid = jwt.header["kid"]
    if not isinstance(kid, str):
        return "The kid is not a string."
    return "" if jwt.registration.candidates(kid) else f"No key is registered by the kid {kid}."


@statement(
    "RFC 7523 section 3, 9",
    "The authorization server MUST reject JWTs with an invalid signature or MAC.",
)
def signature_valid(jwt: Signed) -> str:
    """The issuer's key made the signature."""
    return "" if jwt.signature_holds else "The signature was not made by the registered key over these bytes."
