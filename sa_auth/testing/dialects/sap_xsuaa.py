"""SAP's XSUAA, where a client proves itself by the certificate or secret of its service key.

Source: https://sap.github.io/cloud-sdk/docs/java/features/connectivity/mtls; SAP Help, "Retrieve Credentials for Remote
Applications"; https://docs.cloudfoundry.org/api/uaa/ (Client Credentials Grant, JWT Bearer Token Grant: form, answer, words).
"""

from __future__ import annotations

from typing import Any

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import rule

from .base import Dialect, Refusal

_PAGE = "https://sap.github.io/cloud-sdk/docs/java/features/connectivity/mtls"
_UAA = "https://docs.cloudfoundry.org/api/uaa/"
_PROOFS = {"tls_client_auth", "client_secret_basic", "client_secret_post", "private_key_jwt"}


def _at_token(case: Case) -> bool:
    return case.at_token


@rule(_UAA, "grant_type: client_credentials, or urn:ietf:params:oauth:grant-type:jwt-bearer", error="unsupported_grant_type",
      when=_at_token)  # fmt: skip
def sap_grant(case: Case) -> str:
    """The client asks for itself, or with the token of a user."""
    grant = case.form.get("grant_type", "")
    return "" if grant == "client_credentials" or case.grant_is_jwt else f"The grant_type is {grant}."


@rule(
    _PAGE,
    "the client and the server each mutually verify each other's identities",
    error="unauthorized",
    when=_at_token,
)
def sap_client(case: Case) -> str:
    """The client proves itself by its certificate, or by its secret."""
    caller = case.caller
    return "" if caller is not None and caller.method in _PROOFS else "No client proved itself."


def _answer(case: Case, token: str, lifetime: float) -> dict[str, Any]:
    return {
        "access_token": token, "token_type": "bearer", "expires_in": int(lifetime) - 1,
        "scope": case.has("scope") or "uaa.resource", "jti": "5a1b2c",
    }  # fmt: skip


_UNAUTHORIZED = Refusal(401, {"error": "unauthorized", "error_description": "Bad credentials"})

SAP_XSUAA = Dialect(
    name="sap_xsuaa",
    source=(_PAGE, _UAA),
    path="/oauth/token",
    # A user's token is meant for the application, and may be exchanged again.
    without=frozenset({"aud_names_server", "jti_fresh"}),
    rules=(sap_grant, sap_client),
    refusals={
        **dict.fromkeys(("sap_client", "client_authenticated", "client_known", "client_secret_right"), _UNAUTHORIZED),
        "scope_allowed": Refusal(400, {
            "error": "invalid_scope",
            "error_description": "{detail} is invalid. Please use a valid scope name in the request",
        }),
    },
    answer=_answer,
)  # fmt: skip
