"""OpenAI's token endpoint for workload identity federation.

Source: https://developers.openai.com/api/reference/workload-identity-federation. It says of a no that it is an authentication
error and no more; the words are the RFC's here.
"""

from __future__ import annotations

from typing import Any

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import rule
from sa_auth.testing.rules.uris import EXCHANGE

from .base import Dialect, Refusal

_PAGE = "https://developers.openai.com/api/reference/workload-identity-federation"
_TYPES = "urn:ietf:params:oauth:token-type:"


def _at_token(case: Case) -> bool:
    return case.at_token


def _has_jwt(case: Case) -> bool:
    return case.at_token and case.grant_is_jwt


@rule(_PAGE, "Must be urn:ietf:params:oauth:grant-type:token-exchange.", error="unsupported_grant_type", when=_at_token)
def openai_grant(case: Case) -> str:
    """The grant is a token exchange."""
    return "" if case.grants(EXCHANGE) else f"The grant_type is {case.form.get('grant_type')}."


@rule(_PAGE, "Supports urn:ietf:params:oauth:token-type:jwt and urn:ietf:params:oauth:token-type:id_token.",
      error="invalid_request", when=_at_token)  # fmt: skip
def openai_kind(case: Case) -> str:
    """The subject token is a JWT or an ID token."""
    said = case.has("subject_token_type")
    return "" if said in {f"{_TYPES}jwt", f"{_TYPES}id_token"} else f"The subject_token_type is {said}."


@rule(_PAGE, "identity_provider_id: required; service_account_id: required", error="invalid_request", when=_at_token)
def openai_ids(case: Case) -> str:
    """Provider and service account are named."""
    missing = [name for name in ("identity_provider_id", "service_account_id") if not case.has(name)]
    return f"Missing: {', '.join(missing)}." if missing else ""


@rule(_PAGE, "Be a JWT with a kid and supported alg in the header. Include iss, aud, sub, exp, and iat claims.",
      error="invalid_grant", when=_has_jwt)  # fmt: skip
def openai_token(case: Case) -> str:
    """The JWT names its key, and has the five claims."""
    missing = {"iss", "aud", "sub", "exp", "iat"} - case.grant_claims.keys()
    if not case.grant_header.get("kid"):
        return "There is no kid."
    return f"Missing: {', '.join(sorted(missing))}." if missing else ""


def _answer(_case: Case, token: str, lifetime: float) -> dict[str, Any]:
    return {
        "access_token": token, "issued_token_type": f"{_TYPES}access_token", "token_type": "Bearer",
        "expires_in": int(lifetime),
    }  # fmt: skip


OPENAI = Dialect(
    name="openai",
    source=(_PAGE,),
    path="/oauth/token",
    json=True,
    audiences=("https://api.openai.com/v1",),
    rules=(openai_grant, openai_kind, openai_ids, openai_token),
    refusals={
        **dict.fromkeys(
            ("iss_registered", "signature_valid", "aud_names_server", "exp_ahead", "sub_allowed", "kid_known", "openai_token"),
            Refusal(401, {"error": "invalid_grant", "error_description": "The subject token could not be verified: {detail}"}),
        ),
    },
    answer=_answer,
)  # fmt: skip
