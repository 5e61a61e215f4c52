"""Google's Security Token Service, for a pool's provider that trusts the issuers that are registered.

Source: https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token (fields); the words about audiences are
those reported at github.com/google-github-actions/auth, issues 60, 202 and 211, and the other words stand in for Google's,
which no page lists.
"""

from __future__ import annotations

import re
from typing import Any

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import rule

from .base import Dialect, Refusal

_PAGE = "https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token"
_NAME = r"//iam\.googleapis\.com/projects/\d+/locations/global/workloadIdentityPools/[\w-]+/providers/[\w-]+"
POOL = "//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/pool/providers/idp"


def _asked(case: Case) -> bool:
    return case.at_token


@rule(_PAGE, "The full resource name of the identity provider", error="invalid_request", when=_asked)
def sts_audience(case: Case) -> str:
    """The audience is a provider's full name."""
    return "" if re.fullmatch(_NAME, case.has("audience")) else "The audience is no provider's full name."


@rule(_PAGE, "The full resource name of the identity provider", error="invalid_target", when=_asked)
def sts_known_pool(case: Case) -> str:
    """There is such a provider."""
    return "" if case.has("audience") == POOL else "There is no such provider."


@rule(_PAGE, "Required. The type of security token.", error="invalid_request", when=_asked)
def sts_requested(case: Case) -> str:
    """An access token is asked for, by its type."""
    wanted = "urn:ietf:params:oauth:token-type:access_token"
    return "" if case.has("requested_token_type") == wanted else "The requested_token_type is missing or another."


@rule(_PAGE, "The OAuth 2.0 scopes to include on the resulting access token", error="invalid_scope", when=_asked)
def sts_scope(case: Case) -> str:
    """There is a scope."""
    return "" if case.has("scope") else "There is no scope."


def _answer(case: Case, token: str, lifetime: float) -> dict[str, Any]:  # noqa: ARG001 - the port's signature
    kind = "urn:ietf:params:oauth:token-type:access_token"
    return {"access_token": token, "issued_token_type": kind, "token_type": "Bearer", "expires_in": int(lifetime)}


def _no(error: str, description: str, status: int = 400) -> Refusal:
    return Refusal(status, {"error": error, "error_description": description})


GOOGLE_WORKLOAD_IDENTITY = Dialect(
    name="google_workload_identity",
    source=(_PAGE,),
    path="/v1/token",
    audiences=(POOL, f"https:{POOL}"),
    rules=(sts_audience, sts_known_pool, sts_requested, sts_scope),
    refusals={
        "sts_audience": _no(
            "invalid_request", 'Invalid value for "audience". This value should be the full resource name of the Identity '
            "Provider. See https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token for the list of possible "
            "formats."),
        "sts_known_pool": _no(
            "invalid_target", 'The target service indicated by the "audience" parameters is invalid. This might either be '
            "because the pool or provider is disabled or deleted or because it doesn't exist."),
        "aud_names_server": _no("invalid_grant", "The audience in ID Token does not match the expected audience."),
        "iss_registered": _no("invalid_grant", "The issuer in ID Token does not match the expected ones."),
        "signature_valid": _no("invalid_grant", "Invalid signature of the ID Token."),
        "exp_ahead": _no("invalid_grant", "ID Token is stale to sign-in."),
    },
    answer=_answer,
)  # fmt: skip
