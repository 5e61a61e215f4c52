"""Salesforce's token endpoint, for assertions.

Source: https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_jwt_flow.htm (claims, answer without an end),
.../remoteaccess_oauth_flow_errors.htm (words). A My Domain is taken for a production org, or for a sandbox by its name.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import rule

from .base import Dialect, Refusal

_PAGE = "https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_jwt_flow.htm"
_ERRORS = "https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_flow_errors.htm"
_SANDBOX = re.compile(r".*(--.*|\.sandbox|\.scratch)\.my\.salesforce\.com")


def _asked(case: Case) -> bool:
    return case.endpoint == "token" and case.grant_is_jwt


@rule(_PAGE, "Salesforce requires that the JWT is signed using RSA SHA256", error="invalid_grant", when=_asked)
def salesforce_rs256(case: Case) -> str:
    """The algorithm is RS256."""
    alg = case.grant_header.get("alg")
    return "" if alg == "RS256" else f"The alg is {alg}, not RS256."


@rule(_PAGE, "sub: the username of the Salesforce user", error="invalid_grant", when=_asked)
def salesforce_user(case: Case) -> str:
    """A user is named."""
    return "" if case.grant_claims.get("sub") else "There is no sub."


@rule(_PAGE, "aud: https://login.salesforce.com, https://test.salesforce.com, or the site's address", error="invalid_grant",
      when=_asked)  # fmt: skip
def salesforce_audience(case: Case) -> str:
    """The audience is the login address of the kind of org, or the site itself."""
    parts = urlsplit(case.url)
    host, here = parts.hostname or "", case.url.partition("/services/oauth2/")[0]
    if host.endswith("gs1.my.salesforce.com"):
        here = "https://gs1.salesforce.com"
    elif host.endswith(".my.salesforce.com"):
        here = f"https://{'test' if _SANDBOX.fullmatch(host) else 'login'}.salesforce.com"
    aud = case.grant_claims.get("aud")
    return "" if aud == here else f"The aud is {aud}, not {here}."


def _answer(case: Case, token: str, lifetime: float) -> dict[str, Any]:  # noqa: ARG001 - it names no end
    return {
        "access_token": token, "scope": "api", "instance_url": "https://acme.my.salesforce.com",
        "id": "https://login.salesforce.com/id/00D000000000001EAA/005000000000001AAA", "token_type": "Bearer",
    }  # fmt: skip


def _no(words: str, error: str = "invalid_grant") -> Refusal:
    return Refusal(400, {"error": error, "error_description": words})


SALESFORCE = Dialect(
    name="salesforce",
    source=(_PAGE, _ERRORS),
    path=r"(/[\w-]+)*/services/oauth2/token",
    without=frozenset({"aud_names_server"}),
    rules=(salesforce_rs256, salesforce_user, salesforce_audience),
    refusals={
        "iss_registered": _no("client identifier invalid", "invalid_client_id"),
        "sub_allowed": _no("user hasn't approved this consumer"),
        "salesforce_audience": _no("Audience validation failed"),
        **dict.fromkeys(
            ("signature_valid", "exp_ahead", "salesforce_rs256", "salesforce_user", "alg_fits_key"), _no("invalid assertion")
        ),
    },
    answer=_answer,
)  # fmt: skip
