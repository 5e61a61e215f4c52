"""Anthropic's token endpoint for workload identity federation.

Source: https://platform.claude.com/docs/en/manage-claude/wif-reference (fields, answer); the anthropic library for the
`anthropic-beta` values. How it words its refusals is not documented; they are the RFC's here.
"""

from __future__ import annotations

import re
from typing import Any

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import rule

from .base import Dialect, Refusal

_PAGE = "https://platform.claude.com/docs/en/manage-claude/wif-reference"
_LIBRARY = "anthropic: anthropic.lib.credentials._constants"
_FORMS = {
    "federation_rule_id": r"fdrl_\w+", "organization_id": r"[0-9a-f-]{36}", "service_account_id": r"(svac_\w+)?",
    "workspace_id": r"(wrkspc_\w+|default)?",
}  # fmt: skip


def _at_token(case: Case) -> bool:
    return case.at_token


@rule(
    _PAGE,
    "grant_type: Always urn:ietf:params:oauth:grant-type:jwt-bearer.",
    error="unsupported_grant_type",
    when=_at_token,
)
def anthropic_grant(case: Case) -> str:
    """The grant is a JWT."""
    return "" if case.grant_is_jwt else f"The grant_type is {case.form.get('grant_type')}."


@rule(_PAGE, "federation_rule_id: Tagged ID (fdrl_...) of the federation rule to evaluate.", error="invalid_request",
      when=_at_token)  # fmt: skip
def anthropic_fields(case: Case) -> str:
    """Rule, organization, service account and workspace are of their kinds."""
    wrong = [name for name, form in _FORMS.items() if not re.fullmatch(form, case.has(name))]
    return f"Missing, or of another kind: {', '.join(wrong)}." if wrong else ""


@rule(_LIBRARY, "Beta header for /v1/oauth/token jwt-bearer grants.", error="invalid_request", when=_at_token)
def anthropic_beta(case: Case) -> str:
    """The request says that it is a federation's."""
    said = case.headers.get("anthropic-beta", "").replace(" ", "").split(",")
    return "" if {"oauth-2025-04-20", "oidc-federation-2026-04-01"} <= set(said) else f"The anthropic-beta is {said}."


def _answer(_case: Case, token: str, lifetime: float) -> dict[str, Any]:
    return {"access_token": token, "token_type": "Bearer", "expires_in": int(lifetime), "scope": "workspace:developer"}


ANTHROPIC = Dialect(
    name="anthropic",
    source=(_PAGE, _LIBRARY),
    path="/v1/oauth/token",
    json=True,
    audiences=("https://api.anthropic.com",),
    rules=(anthropic_grant, anthropic_fields, anthropic_beta),
    refusals={
        **dict.fromkeys(
            ("iss_registered", "signature_valid", "aud_names_server", "exp_ahead", "sub_allowed", "kid_known", "jti_fresh"),
            Refusal(401, {"error": "invalid_grant", "error_description": "The assertion does not satisfy the federation rule."}),
        ),
        "anthropic_fields": Refusal(400, {"error": "invalid_request", "error_description": "{detail}"}),
    },
    answer=_answer,
)  # fmt: skip
