"""The login of HashiCorp Vault's JWT auth method.

It has two roles: `ci`, bound to the audience "vault", and `open`, bound to none. An issuer's `subjects=` are the roles'
bound_subject.
Source: https://developer.hashicorp.com/vault/api-docs/auth/jwt#jwt-login; github.com/hashicorp/vault-plugin-auth-jwt
`path_login.go` and github.com/hashicorp/cap `jwt/jwt.go` for the order of the checks and their words.
"""

from __future__ import annotations

from typing import Any

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.reading import Unjudged
from sa_auth.testing.rules.rule import rule

from .base import Dialect, Refusal

_PAGE = "https://developer.hashicorp.com/vault/api-docs/auth/jwt#jwt-login"
_CAP = "github.com/hashicorp/cap jwt/jwt.go"
_PLUGIN = "github.com/hashicorp/vault-plugin-auth-jwt path_login.go"
BOUND, OPEN, AUDIENCE = "ci", "open", "vault"


def _asked(case: Case) -> bool:
    return case.endpoint == "exchange"


def _role(case: Case) -> object:
    try:
        return case.json.get("role")
    except Unjudged:
        return None


@rule(_PLUGIN, "missing role", error="invalid_request", when=_asked)
def vault_role(case: Case) -> str:
    """A role is named, as this mount has no default one."""
    return "" if _role(case) else "There is no role."


@rule(
    _PLUGIN, "role %q could not be found", error="invalid_request", when=lambda case: _asked(case) and bool(_role(case))
)
def vault_role_known(case: Case) -> str:
    """The role is there."""
    return "" if _role(case) in {BOUND, OPEN} else f"There is no role {_role(case)}."


@rule(
    _CAP, "invalid audience (aud) claim", error="invalid_grant", when=lambda case: _asked(case) and _role(case) == BOUND
)
def vault_audience(case: Case) -> str:
    """The audience is one of the role's."""
    return "" if AUDIENCE in case.grant_jwt.audiences else f"The aud is not {AUDIENCE}."


@rule(_PLUGIN, "audience claim found in JWT but no audiences bound to the role", error="invalid_grant",
      when=lambda case: _asked(case) and _role(case) == OPEN)  # fmt: skip
def vault_no_audience(case: Case) -> str:
    """Where the role has no audience, there is none."""
    return "There is an aud." if case.grant_jwt.audiences else ""


def _answer(case: Case, token: str, lifetime: float) -> dict[str, Any]:
    auth = {
        "client_token": token, "accessor": "0e9e354a", "policies": ["default"], "metadata": {"role": _role(case)},
        "lease_duration": int(lifetime), "renewable": True,
    }  # fmt: skip
    # Of the answer's own lease, not of the token's.
    return {"request_id": "1", "lease_id": "", "renewable": False, "lease_duration": 0, "data": None, "auth": auth}


def _no(words: str) -> Refusal:
    return Refusal(400, {"errors": [words]})


_KEY = _no(
    "error validating token: error verifying token signature: no known key successfully validated the token signature"
)

VAULT = Dialect(
    name="vault",
    source=(_PAGE, _PLUGIN, _CAP),
    path="/v1/auth/[^/]+/login",
    rest=True,
    without=frozenset({"aud_present", "aud_names_server", "jti_fresh"}),
    rules=(vault_role, vault_role_known, vault_audience, vault_no_audience),
    refusals={
        "vault_role": _no("missing role"),
        "vault_role_known": _no('role "other" could not be found'),
        "vault_no_audience": _no("audience claim found in JWT but no audiences bound to the role"),
        "iss_registered": _no("error validating token: invalid issuer (iss) claim"),
        "sub_allowed": _no("error validating token: invalid subject (sub) claim"),
        "vault_audience": _no(
            "error validating token: invalid audience (aud) claim: audience claim does not match any expected audience"
        ),
        "exp_ahead": _no("error validating token: invalid expiration time (exp) claim: token is expired"),
        "nbf_passed": _no("error validating token: invalid not before (nbf) claim: token not yet valid"),
        "iat_not_ahead": _no("error validating token: invalid issued at (iat) claim: token issued in the future"),
        "alg_fits_key": _no("error validating token: invalid algorithm (alg) header parameter: token signed with unexpected "
                            "signature algorithm"),
        **dict.fromkeys(("signature_valid", "kid_known"), _KEY),
        "": _no("error validating token: {detail}"),
    },
    answer=_answer,
)  # fmt: skip
