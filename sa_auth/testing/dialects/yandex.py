"""Yandex Cloud's IAM, where a service account's JWT is exchanged.

Source: https://yandex.cloud/en/docs/iam/operations/iam-token/create-for-sa (header, claims, conditions of the exchange);
https://yandex.cloud/en/docs/iam/api-ref/IamToken/create (request, answer). The words about a missing kid are those that
users of the vendor's .NET SDK report; a refusal is a google.rpc.Status with code 16.
"""

from __future__ import annotations

import time
from typing import Any

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import rule

from .base import Dialect, Refusal

_PAGE = "https://yandex.cloud/en/docs/iam/operations/iam-token/create-for-sa"
_ANSWER = "https://yandex.cloud/en/docs/iam/api-ref/IamToken/create"


def _asked(case: Case) -> bool:
    return case.endpoint == "exchange"


@rule(_PAGE, "kid: ID of the public key received when creating authorized keys.", error="invalid_grant", when=_asked)
def yandex_kid(case: Case) -> str:
    """The key is named."""
    return "" if case.grant_header.get("kid") else "There is no kid."


@rule(_PAGE, "The only supported algorithm is PS256", error="invalid_grant", when=_asked)
def yandex_ps256(case: Case) -> str:
    """The algorithm is PS256."""
    alg = case.grant_header.get("alg")
    return "" if alg == "PS256" else f"The alg is {alg}, not PS256."


@rule(_PAGE, "typ: token type, the value is always JWT.", error="invalid_grant", when=_asked)
def yandex_typ(case: Case) -> str:
    """The type is JWT."""
    return "" if case.grant_header.get("typ") == "JWT" else "The typ is not JWT."


@rule(
    _PAGE,
    "The expiration time must not exceed the issue time by more than one hour",
    error="invalid_grant",
    when=_asked,
)
def yandex_one_hour(case: Case) -> str:
    """The end lies at most an hour after the issue."""
    issued, ends = case.grant_claims.get("iat"), case.grant_claims.get("exp")
    if not isinstance(issued, int) or not isinstance(ends, int):
        return "There is no iat or no exp."
    return "" if 0 < ends - issued <= 3600 else f"From iat to exp are {ends - issued} s."


def _answer(case: Case, token: str, lifetime: float) -> dict[str, Any]:
    end = time.strftime("%Y-%m-%dT%H:%M:%S.123456789Z", time.gmtime(case.now + lifetime))
    return {"iamToken": token, "expiresAt": end}


def _no(message: str) -> Refusal:
    return Refusal(401, {"code": 16, "message": message, "details": []})


YANDEX = Dialect(
    name="yandex",
    source=(_PAGE, _ANSWER),
    path="/iam/v1/tokens",
    rest=True,
    audiences=("{endpoint}",),
    rules=(yandex_kid, yandex_ps256, yandex_typ, yandex_one_hour),
    refusals={
        "yandex_kid": _no("The required field 'kid' is missing from the JWT header"),
        "": _no("The JWT is not valid: {detail}"),
    },
    answer=_answer,
)
