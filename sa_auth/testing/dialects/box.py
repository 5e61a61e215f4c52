"""Box's token endpoint, for apps with a key.

Source: https://developer.box.com/guides/authentication/jwt/without-sdk (claims, form, answer);
https://developer.box.com/guides/api-calls/permissions-and-errors/common-errors and support.box.com for the words.
"""

from __future__ import annotations

from typing import Any

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import rule

from .base import Dialect, Refusal

_PAGE = "https://developer.box.com/guides/authentication/jwt/without-sdk"
_ERRORS = "https://developer.box.com/guides/api-calls/permissions-and-errors/common-errors"


def _asked(case: Case) -> bool:
    return case.endpoint == "token" and case.grant_is_jwt


@rule(_PAGE, "algorithm: RS256, RS384 or RS512", error="invalid_grant", when=_asked)
def box_algorithm(case: Case) -> str:
    """The algorithm is one of the three."""
    alg = case.grant_header.get("alg")
    return "" if alg in {"RS256", "RS384", "RS512"} else f"The alg is {alg}."


@rule(_PAGE, "keyid: the id of the public key", error="invalid_grant", when=_asked)
def box_kid(case: Case) -> str:
    """The key is named."""
    return "" if case.grant_header.get("kid") else "There is no kid."


@rule(_PAGE, "box_sub_type: enterprise or user, depending on the type of token", error="invalid_grant", when=_asked)
def box_subject(case: Case) -> str:
    """The subject is an id, as text, and of which kind is said."""
    sub, kind = case.grant_claims.get("sub"), case.grant_claims.get("box_sub_type")
    return "" if kind in {"enterprise", "user"} and str(sub).isdigit() else f"The sub {sub} of type {kind} is none."


@rule(_PAGE, "jti: at least 16 characters and at most 128 characters", error="invalid_grant", when=_asked)
def box_jti(case: Case) -> str:
    """The id has 16 to 128 characters."""
    return (
        "" if 16 <= len(str(case.grant_claims.get("jti", ""))) <= 128 else "The jti is missing, too short or too long."
    )


@rule(_PAGE, "exp: a maximum value of 60 seconds beyond the issue time", error="invalid_grant", when=_asked)
def box_minute(case: Case) -> str:
    """The end lies a minute ahead at most, of Box's clock and of iat."""
    ends = case.grant_claims.get("exp", 0)
    life = ends - min(case.now, case.grant_claims.get("iat", case.now))
    return "" if ends - case.now <= 60 and life <= 60 else f"It ends in {ends - case.now:.0f} s."


@rule(_PAGE, "client_id, client_secret", error="invalid_client", when=_asked)
def box_client(case: Case) -> str:
    """The app's secret is in the form."""
    return "" if case.has("client_id") and case.has("client_secret") else "There is no client_id or no client_secret."


def _answer(case: Case, token: str, lifetime: float) -> dict[str, Any]:  # noqa: ARG001 - the same for every case
    return {"access_token": token, "expires_in": int(lifetime), "restricted_to": [], "token_type": "bearer"}


def _no(words: str, error: str = "invalid_grant") -> Refusal:
    return Refusal(400, {"error": error, "error_description": words})


_END = _no("Please check the 'exp' claim. The 'exp' specified is invalid.")
_SUB = _no("Please check the 'sub' claim. The 'sub' specified is invalid.")
_CLIENT = _no("The client credentials are invalid", "invalid_client")

BOX = Dialect(
    name="box",
    source=(_PAGE, _ERRORS),
    path="/oauth2/token",
    audiences=("https://api.box.com/oauth2/token",),
    rules=(box_algorithm, box_kid, box_subject, box_jti, box_minute, box_client),
    refusals={
        **dict.fromkeys(("exp_ahead", "exp_near", "box_minute"), _END),
        **dict.fromkeys(("sub_allowed", "box_subject"), _SUB),
        **dict.fromkeys(("client_authenticated", "client_id_same", "box_client"), _CLIENT),
        "iss_registered": _no("Please check the 'iss' claim. The 'iss' specified is invalid."),
        "aud_names_server": _no("Please check the 'aud' claim. The 'aud' specified is invalid."),
        "jti_fresh": _no("Please check the 'jti' claim. A unique 'jti' value is required."),
        "kid_known": _no("Please check the 'kid' header. The 'kid' specified is invalid."),
        "signature_valid": _no("OAuth JWT signature verification failed"),
    },
    answer=_answer,
)  # fmt: skip
