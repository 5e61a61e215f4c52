"""The rules for DPoP proofs, at the token endpoint and at the API.

Source: RFC 9449 sections 4.2, 4.3, 5, 7, 8 and 11.1.
"""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

from sa_auth._encoding import b64url

from .case import Case
from .proof import ALGORITHMS
from .reading import Unjudged, is_text, is_whole, json_object
from .rule import complaint, rule

# Members of a JWK that are private (RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1, RFC 8037 section 2).
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_PORTS = {"http": 80, "https": 443}
_ERROR = "invalid_dpop_proof"


def _sent(case: Case) -> bool:
    return case.has_proof


@rule(
    "RFC 9449 section 5.2",
    "the authorization server MUST reject token requests from the client that do not contain the DPoP header",
    error=_ERROR,
    when=lambda case: case.at_token and not case.has_proof,
)
def dpop_demanded(case: Case) -> str:
    """Whoever was registered to use DPoP always does."""
    bound = [known.name for known in case.parties if known.dpop_bound]
    return f"{bound[0]} was registered to use DPoP always, and there is no proof." if bound else ""


@rule(
    "RFC 9449 section 4.3, 1",
    "There is not more than one DPoP HTTP request header field.",
    error=_ERROR,
    when=_sent,
)
def dpop_one(case: Case) -> str:
    """There is one proof: HTTP joins repeated fields by a comma, which no JWT has."""
    return "There are several DPoP header fields." if "," in case.headers["dpop"] else ""


@rule(
    "RFC 9449 section 4.3, 2",
    "The DPoP HTTP request header field value is a single and well-formed JWT.",
    error=_ERROR,
    when=_sent,
)
def dpop_well_formed(case: Case) -> str:
    """The proof has three parts, and the first two are JSON objects."""
    if "," in case.headers["dpop"]:
        raise Unjudged("There are several proofs.")
    proof = case.proof
    return complaint(lambda: (json_object(proof.parts[0], "header"), json_object(proof.parts[1], "claims")))


@rule(
    "RFC 9449 section 4.3, 4",
    "The typ JOSE Header Parameter has the value dpop+jwt.",
    error=_ERROR,
    when=_sent,
)
def dpop_typ(case: Case) -> str:
    """The type says that it is a proof and nothing else."""
    typ = case.proof.header.get("typ")
    return "" if isinstance(typ, str) and typ.lower() == "dpop+jwt" else f"The typ is {typ}, not dpop+jwt."


@rule(
    "RFC 9449 section 4.3, 5",
    "The alg JOSE Header Parameter indicates a registered asymmetric digital signature algorithm",
    error=_ERROR,
    when=_sent,
)
def dpop_alg(case: Case) -> str:
    """The algorithm is a signature, never `none` and never a MAC."""
    alg = case.proof.header.get("alg")
    return "" if alg in ALGORITHMS else f"The alg {alg} is not one of {', '.join(ALGORITHMS)}."


@rule(
    "RFC 9449 section 4.3, 7",
    "The jwk JOSE Header Parameter does not contain a private key.",
    error=_ERROR,
    when=_sent,
)
def dpop_jwk_public(case: Case) -> str:
    """The key that it carries is the public half."""
    shown = sorted(set(case.proof.jwk) & _PRIVATE)
    return f"The jwk shows the private key ({', '.join(shown)})." if shown else ""


@rule(
    "RFC 9449 section 4.2",
    "Represents the public key chosen by the client in JSON Web Key (JWK) [RFC7517] format",
    error=_ERROR,
    when=_sent,
)
def dpop_jwk_usable(case: Case) -> str:
    """It carries a key, and the algorithm fits it."""
    found, header = complaint(lambda: case.proof.key), case.proof.header
    if found or header.get("alg") not in ALGORITHMS or header["alg"] in case.proof.key.algorithms:
        return found
    return f"The alg {header['alg']} does not fit the jwk."


@rule(
    "RFC 9449 section 4.3, 6",
    "The JWT signature verifies with the public key contained in the jwk JOSE Header Parameter.",
    error=_ERROR,
    when=_sent,
)
def dpop_signature(case: Case) -> str:
    """Its own key made the signature."""
    return "" if case.proof.signature_holds else "The signature was not made by the key in the jwk."


@rule(
    "RFC 9449 section 4.3, 3",
    "All required claims per Section 4.2 are contained in the JWT.",
    error=_ERROR,
    when=_sent,
)
def dpop_claims_present(case: Case) -> str:
    """It says who, what, where and when: jti, htm, htu, iat."""
    claims = case.proof.claims
    missing = [name for name in ("jti", "htm", "htu") if not is_text(claims.get(name))]
    missing += [] if is_whole(claims.get("iat")) else ["iat"]
    return f"Missing, or of another type: {', '.join(missing)}." if missing else ""


@rule(
    "RFC 9449 section 4.3, 8",
    "The htm claim matches the HTTP method of the current request.",
    error=_ERROR,
    when=_sent,
)
def dpop_htm(case: Case) -> str:
    """It is for this method."""
    htm = _claim(case, "htm")
    return "" if htm == case.method else f"The htm is {htm}, and the request is a {case.method}."


@rule(
    "RFC 9449 section 4.2",
    "The HTTP target URI (Section 7.1 of [RFC9110]) of the request to which the JWT is attached, without query and "
    "fragment parts.",
    error=_ERROR,
    when=_sent,
)
def dpop_htu_bare(case: Case) -> str:
    """Its URI has neither query nor fragment."""
    return "The htu has a query or a fragment." if {"?", "#"} & set(_claim(case, "htu")) else ""


@rule(
    "RFC 9449 section 4.3, 9",
    "The htu claim matches the HTTP URI value for the HTTP request in which the JWT was received, ignoring any query "
    "and fragment parts.",
    error=_ERROR,
    when=_sent,
)
def dpop_htu(case: Case) -> str:
    """It is for this URI."""
    htu = _claim(case, "htu")
    return "" if _normal(htu) == _normal(case.url) else f"The htu is {htu}, and the request went to {case.url}."


@rule(
    "RFC 9449 section 4.3, 11",
    "The creation time of the JWT, as determined by either the iat claim or a server managed timestamp via the nonce "
    "claim, is within an acceptable window",
    error=_ERROR,
    when=_sent,
)
def dpop_iat(case: Case) -> str:
    """It was made just now."""
    iat = case.proof.claims.get("iat")
    if not is_whole(iat):
        raise Unjudged("There is no iat.")
    age, window = case.now - case.proof.claims["iat"], case.settings.proof_window
    near = -case.settings.leeway <= age <= window
    return "" if near else f"The proof is {age:.0f} s old by this server's clock; 0 to {window:.0f} s are accepted."


@rule(
    "RFC 9449 section 4.3, 12",
    "ensure that the value of the ath claim equals the hash of that access token",
    error=_ERROR,
    when=lambda case: case.has_proof and case.at_api,
)
def dpop_ath(case: Case) -> str:
    """At the API it names the token."""
    wanted = b64url(hashlib.sha256(case.bearer.encode("utf-8", "surrogatepass")).digest())
    return "" if case.proof.claims.get("ath") == wanted else "The ath is not the hash of the access token."


@rule(
    "RFC 9449 section 11.1",
    "In the context of the target URI, servers can store the jti value of each DPoP proof for the time window in which "
    "the respective DPoP proof JWT would be accepted to prevent multiple uses of the same DPoP proof.",
    error=_ERROR,
    when=_sent,
)
def dpop_jti_fresh(case: Case) -> str:
    """No proof is used twice, not even one that was refused for its nonce."""
    jti, iat = _claim(case, "jti"), case.proof.claims.get("iat")
    # Only what the key's owner signed is remembered: else a stranger could use up the ids of others.
    if not is_whole(iat) or not case.proof.signature_holds:
        raise Unjudged("The signature does not hold, or there is no iat.")
    until = case.proof.claims["iat"] + case.settings.proof_window + 1
    fresh = case.world.replays.use(f"dpop {case.proof.thumbprint}", jti, until=until, now=case.now)
    return "" if fresh else "A proof with this jti was sent before."


@rule(
    "RFC 9449 section 8",
    "If the nonce claim in the DPoP proof does not exactly match a nonce recently supplied by the authorization server "
    "to the client, the authorization server MUST reject the request.",
    error="use_dpop_nonce",
    when=lambda case: case.has_proof and case.nonces.demanded,
)
def dpop_nonce(case: Case) -> str:
    """It carries the server's nonce, where one is demanded."""
    nonce = case.proof.claims.get("nonce")
    if nonce is None:
        return "This server wants its nonce in the proof; it stands in the DPoP-Nonce header."
    return "" if case.nonces.good(nonce) else "The nonce is not the newest one; that stands in the DPoP-Nonce header."


@rule(
    "RFC 9449 section 5",
    "a client MUST present a DPoP proof for the same key that was used to obtain the refresh token each time that "
    "refresh token is used to obtain a new access token",
    error="invalid_grant",
    when=lambda case: case.promise is not None and case.promise.key is not None,
)
def dpop_refresh_key(case: Case) -> str:
    """A public client's refresh token goes with the key it was obtained by."""
    wanted = case.promise and case.promise.key
    if not case.has_proof:
        return "This refresh token is bound to a DPoP key, and there is no proof."
    return "" if case.proof.thumbprint == wanted else "This refresh token is bound to another DPoP key."


def _claim(case: Case, name: str) -> str:
    value = case.proof.claims.get(name)
    if not isinstance(value, str) or not value:
        raise Unjudged(f"There is no {name}.")
    return value


def _normal(url: str) -> tuple[str, str, int | None, str] | None:
    """A URI in the form that RFC 3986 sections 6.2.2 and 6.2.3 compare by; None where it is none."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme), parts.path or "/"
    except ValueError:
        return None
