"""Databricks' token endpoint, where a federated JWT is exchanged.

The authority's `audience=` are the audiences of the federation policy, `trust_issuer(...)` is its issuer; register a
service principal by its client id, without a key. Refusals are worded by the RFCs: Databricks' own words are not known.
Source: https://docs.databricks.com/aws/en/dev-tools/auth/oauth-federation-exchange (request);
https://docs.databricks.com/en/dev-tools/auth/oauth-federation-howto.html (RS256 and ES256).
"""

from __future__ import annotations

from typing import Any

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import rule

from .base import Dialect

_EXCHANGE = "https://docs.databricks.com/aws/en/dev-tools/auth/oauth-federation-exchange"
_HOWTO = "https://docs.databricks.com/en/dev-tools/auth/oauth-federation-howto.html"


def _asked(case: Case) -> bool:
    return case.at_token


@rule(
    _EXCHANGE, "grant_type=urn:ietf:params:oauth:grant-type:token-exchange", error="unsupported_grant_type", when=_asked
)
def databricks_grant(case: Case) -> str:
    """The grant is token exchange."""
    wanted = "urn:ietf:params:oauth:grant-type:token-exchange"
    return "" if case.form.get("grant_type") == wanted else "The grant is not token exchange."


@rule(_EXCHANGE, "subject_token_type=urn:ietf:params:oauth:token-type:jwt", error="invalid_request", when=_asked)
def databricks_jwt(case: Case) -> str:
    """What is exchanged is a JWT."""
    kind = case.form.get("subject_token_type")
    return "" if kind == "urn:ietf:params:oauth:token-type:jwt" else f"The subject_token_type is {kind}."


@rule(_EXCHANGE, "scope=all-apis", error="invalid_scope", when=_asked)
def databricks_scope(case: Case) -> str:
    """There is a scope."""
    return "" if case.form.get("scope") else "There is no scope."


@rule(_HOWTO, "Tokens must be valid JWTs that are signed using the RS256 or ES256 algorithms", error="invalid_request",
      when=lambda case: case.at_token and case.grant_is_jwt)  # fmt: skip
def databricks_alg(case: Case) -> str:
    """The algorithm is RS256 or ES256."""
    alg = case.grant_header.get("alg")
    return "" if alg in {"RS256", "ES256"} else f"The alg is {alg}, neither RS256 nor ES256."


def _answer(case: Case, token: str, lifetime: float) -> dict[str, Any]:
    return {"access_token": token, "scope": case.form["scope"], "token_type": "Bearer", "expires_in": int(lifetime)}


DATABRICKS = Dialect(
    name="databricks",
    source=(_EXCHANGE, _HOWTO),
    path="/oidc(?:/accounts/[^/]+)?/v1/token",
    without=frozenset({"jti_fresh"}),
    rules=(databricks_grant, databricks_jwt, databricks_scope, databricks_alg),
    answer=_answer,
)
