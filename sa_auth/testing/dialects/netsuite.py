"""NetSuite's token endpoint for the client credentials flow.

Source: https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_162790605110.html (the JWT),
https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_162755359851.html (request and answer). Which error
stands for which cause is not documented; it names no description.
"""

from __future__ import annotations

from typing import Any

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import rule

from .base import Dialect, Refusal

_PAGE = "https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_162790605110.html"
_FORM = "https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_162755359851.html"
_SCOPES = frozenset({"restlets", "rest_webservices", "suite_analytics"})


def _is_client(case: Case) -> bool:
    return case.endpoint == "token" and case.client_is_jwt


@rule(_PAGE, "PS256, PS384, PS512, ES256, ES384, or ES512", error="invalid_request", when=_is_client)
def netsuite_header(case: Case) -> str:
    """The type is JWT, the algorithm one of the six, and the certificate is named."""
    header = case.client_jwt.header
    if header.get("typ") != "JWT":
        return f"The typ is {header.get('typ')}."
    if header.get("alg") not in {"PS256", "PS384", "PS512", "ES256", "ES384", "ES512"}:
        return f"The alg is {header.get('alg')}."
    return "" if header.get("kid") else "There is no kid."


@rule(_PAGE, "less than 60 minutes greater than the value of the iat", error="invalid_request", when=_is_client)
def netsuite_hour(case: Case) -> str:
    """The end lies less than an hour after the issue."""
    jwt = case.client_jwt
    life = jwt.date("exp") - jwt.date("iat")
    return "" if 0 < life < 3600 else f"From iat to exp are {life} s."


@rule(_PAGE, "restlets, rest_webservices, suite_analytics, or all of them, separated by a comma", error="invalid_scope",
      when=_is_client)  # fmt: skip
def netsuite_scope(case: Case) -> str:
    """The scope is a claim, of known words with commas between."""
    scope = case.client_claims.get("scope")
    if not isinstance(scope, str) or not scope:
        return "There is no scope."
    unknown = [one for one in scope.split(",") if one not in _SCOPES]
    return f"Not known: {' '.join(unknown)}." if unknown else ""


@rule(_FORM, "grant_type, client_assertion_type, client_assertion", error="invalid_request", when=_is_client)
def netsuite_form(case: Case) -> str:
    """The form holds three fields and no other."""
    more = set(case.form) - {"grant_type", "client_assertion_type", "client_assertion"}
    return f"More than is documented: {', '.join(sorted(more))}." if more else ""


def _answer(case: Case, token: str, lifetime: float) -> dict[str, Any]:  # noqa: ARG001 - what every dialect is given
    return {"access_token": token, "expires_in": str(int(lifetime)), "token_type": "bearer"}


NETSUITE = Dialect(
    name="netsuite",
    source=(_PAGE, _FORM),
    path="/services/rest/auth/oauth2/v1/token",
    audiences=("{endpoint}",),
    max_lifetime=3600,
    # The page names neither sub nor jti.
    without=frozenset({"client_sub_present", "client_sub_is_client", "client_jti_present"}),
    rules=(netsuite_header, netsuite_hour, netsuite_scope, netsuite_form),
    refusals={
        "client_iss_registered": Refusal(401, {"error": "invalid_client"}),
        "client_authenticated": Refusal(401, {"error": "invalid_client"}),
        "netsuite_scope": Refusal(400, {"error": "invalid_scope"}),
        **dict.fromkeys(
            ("client_kid_known", "client_signature_valid", "client_aud_names_server", "client_exp_ahead",
             "client_exp_near", "client_iat_not_ahead", "client_jti_fresh", "netsuite_header", "netsuite_hour",
             "netsuite_form"),
            Refusal(400, {"error": "invalid_request"}),
        ),
    },
    answer=_answer,
)  # fmt: skip
