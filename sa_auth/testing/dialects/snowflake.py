"""Snowflake's SQL API, where the key-pair JWT is itself the token.

Register an issuer as `ACCOUNT.USER.SHA256:fingerprint` with `subjects="ACCOUNT.USER"`.
Source: https://docs.snowflake.com/en/developer-guide/sql-api/authenticating (claims, header field, one hour);
https://docs.snowflake.com/en/user-guide/key-pair-auth-troubleshooting (the message).
"""

from __future__ import annotations

import re

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import rule

from .base import Dialect, Refusal

_PAGE = "https://docs.snowflake.com/en/developer-guide/sql-api/authenticating"
_TROUBLE = "https://docs.snowflake.com/en/user-guide/key-pair-auth-troubleshooting"
_NAMED = re.compile(r"([^.]+\.[^a-z]+)\.SHA256:[A-Za-z0-9+/]{43}=")


def _is_token(case: Case) -> bool:
    return case.at_api and case.grant_is_jwt


@rule(_PAGE, "X-Snowflake-Authorization-Token-Type: KEYPAIR_JWT", error="invalid_token", when=lambda case: case.at_api)
def snowflake_token_type(case: Case) -> str:
    """The call says what kind of token it brings."""
    said = case.headers.get("x-snowflake-authorization-token-type")
    return "" if said == "KEYPAIR_JWT" else "There is no X-Snowflake-Authorization-Token-Type: KEYPAIR_JWT."


@rule(_PAGE, "The signature of the JWT is RS256", error="invalid_token", when=_is_token)
def snowflake_rs256(case: Case) -> str:
    """The algorithm is RS256."""
    alg = case.grant_header.get("alg")
    return "" if alg == "RS256" else f"The alg is {alg}, not RS256."


@rule(_PAGE, "iss: account_identifier.user.SHA256:public_key_fingerprint, in uppercase", error="invalid_token",
      when=_is_token)  # fmt: skip
def snowflake_issuer(case: Case) -> str:
    """The issuer is the account, the user and the key; the subject is the first two of them."""
    claims = case.grant_claims
    named = _NAMED.fullmatch(str(claims.get("iss")))
    if named is None:
        return "The iss is not ACCOUNT.USER.SHA256:fingerprint."
    return "" if claims.get("sub") == named.group(1) else "The sub is not the iss without the fingerprint."


@rule(_PAGE, "You can specify at most 1 hour", error="invalid_token", when=_is_token)
def snowflake_one_hour(case: Case) -> str:
    """The end lies at most an hour after the issue."""
    issued, ends = case.grant_claims.get("iat"), case.grant_claims.get("exp")
    if not isinstance(issued, int) or not isinstance(ends, int):
        return "There is no iat or no exp."
    return "" if 0 < ends - issued <= 3600 else f"From iat to exp are {ends - issued} s."


SNOWFLAKE = Dialect(
    name="snowflake",
    source=(_PAGE, _TROUBLE),
    self_signed=True,
    without=frozenset({"aud_present", "aud_names_server"}),
    rules=(snowflake_token_type, snowflake_rs256, snowflake_issuer, snowflake_one_hour),
    refusals={
        "": Refusal(401, {
            "code": "390144",
            "message": "JWT token is invalid. [0ce9eb56-821d-4ca9-a774-04ae89a0cf5a]",
        }),
    },
)  # fmt: skip
