"""Docusign's account server, for JWT grants.

Source: https://developers.docusign.com/platform/auth/jwt-get-token (claims, answer) and
https://support.docusign.com/en/articles/DocuSign-Developer-FAQs-General-Administration-and-Authentication (words). Who is
none of the registered subjects has not consented here, and a user whose GUID ends in 404 does not exist.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import rule

from .base import Dialect, Refusal

_PAGE = "https://developers.docusign.com/platform/auth/jwt-get-token"
_ERRORS = "https://support.docusign.com/en/articles/DocuSign-Developer-FAQs-General-Administration-and-Authentication"


def _asked(case: Case) -> bool:
    return case.endpoint == "token" and case.grant_is_jwt


@rule(_PAGE, "aud: the account server, without https://", error="invalid_grant", when=_asked)
def docusign_audience(case: Case) -> str:
    """The audience is the host, with a port where it has one, and nothing else."""
    parts, aud = urlsplit(case.url), case.grant_claims.get("aud")
    return "" if aud in {parts.hostname, parts.netloc} else f"The aud is {aud}, not {parts.netloc}."


@rule(_PAGE, "alg: Docusign supports only RS256", error="invalid_grant", when=_asked)
def docusign_rs256(case: Case) -> str:
    """The algorithm is RS256."""
    alg = case.grant_header.get("alg")
    return "" if alg == "RS256" else f"The alg is {alg}, not RS256."


@rule(_PAGE, "scope: the scopes being requested, separated by spaces", error="invalid_grant", when=_asked)
def docusign_scope(case: Case) -> str:
    """The scope is a claim."""
    return (
        "" if isinstance(case.grant_claims.get("scope"), str) and case.grant_claims["scope"] else "There is no scope."
    )


@rule(_PAGE, "sub: the user ID of the user to be impersonated", error="invalid_grant", when=_asked)
def docusign_user(case: Case) -> str:
    """There is such a user."""
    sub = case.grant_claims.get("sub")
    return "" if isinstance(sub, str) and len(sub) == 36 and not sub.endswith("404") else f"The sub {sub} is no user."


def _answer(case: Case, token: str, lifetime: float) -> dict[str, Any]:
    return {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": int(lifetime),
        "scope": case.grant_claims["scope"],
    }


def _no(words: str) -> Refusal:
    return Refusal(400, {"error": "invalid_grant", "error_description": words})


DOCUSIGN = Dialect(
    name="docusign",
    source=(_PAGE, _ERRORS),
    path="/oauth/token",
    without=frozenset({"aud_names_server"}),
    rules=(docusign_audience, docusign_rs256, docusign_scope, docusign_user),
    refusals={
        **dict.fromkeys(("iss_registered", "docusign_audience"), _no("issuer_not_found")),
        **dict.fromkeys(("signature_valid", "alg_fits_key", "docusign_rs256"), _no("no_valid_keys_or_signatures")),
        "docusign_user": _no("user_not_found"),
        "sub_allowed": Refusal(400, {"error": "consent_required"}),
        "scope_allowed": Refusal(400, {"error": "consent_required"}),
    },
    answer=_answer,
)  # fmt: skip
