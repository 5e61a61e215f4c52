"""HelseID's token endpoint for machines.

Source: https://utviklerportal.nhn.no/informasjonstjenester/helseid/bruksmoenstre-og-eksempelkode/bruk-av-helseid/docs/
tekniske-mekanismer/bruk_av_client_assertion_enmd (the client assertion); HelseID.Library for what its own client sends.
It refuses a client by `invalid_client` alone.
"""

from __future__ import annotations

from typing import Any

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import rule

from .base import Dialect, Refusal

_PAGE = (
    "https://utviklerportal.nhn.no/informasjonstjenester/helseid/bruksmoenstre-og-eksempelkode/bruk-av-helseid/docs/"
    "tekniske-mekanismer/bruk_av_client_assertion_enmd"
)
_LIBRARY = "HelseID.Library: ClientAssertionPayloadClaimsCreator"
_MOST = 60


def _is_client(case: Case) -> bool:
    return case.endpoint == "token" and case.client_is_jwt


@rule(_LIBRARY, "TokenType = client-authentication+jwt", error="invalid_client", when=_is_client)
def helseid_typ(case: Case) -> str:
    """The type is the one of a client's authentication, and the header names the key."""
    header = case.client_jwt.header
    if header.get("typ") != "client-authentication+jwt":
        return f"The typ is {header.get('typ')}."
    return "" if header.get("kid") else "There is no kid."


@rule(_PAGE, "Must be no more than 60 seconds in the future", error="invalid_client", when=_is_client)
def helseid_minute(case: Case) -> str:
    """The end is at most a minute away, and issue and beginning are said."""
    claims = case.client_claims
    missing = [name for name in ("iat", "nbf", "exp", "jti") if name not in claims]
    if missing:
        return f"There is no {missing[0]}."
    return "" if claims["exp"] - case.now <= _MOST else f"The exp is {claims['exp'] - case.now:.0f} s ahead."


@rule(_LIBRARY, "assertion_details", error="invalid_client", when=_is_client)
def helseid_details(case: Case) -> str:
    """The details are objects with a type."""
    details = case.client_claims.get("assertion_details", [])
    each = details if isinstance(details, list) else [details]
    return "" if all(isinstance(one, dict) and one.get("type") for one in each) else "assertion_details has no type."


def _answer(case: Case, token: str, lifetime: float) -> dict[str, Any]:
    kind = "DPoP" if case.has_proof else "Bearer"
    return {"access_token": token, "expires_in": int(lifetime), "token_type": kind, "scope": case.has("scope")}


_NO_CLIENT = Refusal(400, {"error": "invalid_client"})

HELSEID = Dialect(
    name="helseid",
    source=(_PAGE, _LIBRARY),
    path="/connect/token",
    audiences=("{home}",),
    max_lifetime=_MOST,
    rules=(helseid_typ, helseid_minute, helseid_details),
    refusals={
        **dict.fromkeys(
            ("client_iss_registered", "client_kid_known", "client_signature_valid", "client_aud_names_server",
             "client_exp_ahead", "client_exp_near", "client_iat_not_ahead", "client_nbf_passed", "client_jti_fresh",
             "client_authenticated", "helseid_typ", "helseid_minute", "helseid_details"),
            _NO_CLIENT,
        ),
        "scope_allowed": Refusal(400, {"error": "invalid_scope"}),
        "grant_type_allowed": Refusal(400, {"error": "unauthorized_client"}),
        "dpop_demanded": Refusal(400, {"error": "invalid_dpop_proof"}),
    },
    answer=_answer,
)  # fmt: skip
