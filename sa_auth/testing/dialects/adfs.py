"""The token endpoint of AD FS.

Source: https://learn.microsoft.com/windows-server/identity/ad-fs/overview/ad-fs-openid-connect-oauth-flows-scenarios (form,
on-behalf-of); the discovery document of .../ad-fs/development for the path; msal for the assertion's header, of which
Microsoft publishes no page.
"""

from __future__ import annotations

import re
from typing import Any

from sa_auth.testing.rules.case import Case
from sa_auth.testing.rules.rule import rule

from .base import Dialect, Refusal

_FLOWS = "https://learn.microsoft.com/windows-server/identity/ad-fs/overview/ad-fs-openid-connect-oauth-flows-scenarios"
_MSAL = "msal: msal.application, ConfidentialClientApplication"


def _has_proof(case: Case) -> bool:
    return case.endpoint == "token" and case.client_is_jwt


def _is_on_behalf(case: Case) -> bool:
    return case.endpoint == "token" and case.grant_is_jwt


@rule(_MSAL, "RS256 with a SHA-1 thumbprint is what is sent to AD FS", error="invalid_client", when=_has_proof)
def adfs_certificate(case: Case) -> str:
    """The algorithm is RS256, and the header says which certificate by its SHA-1."""
    header = case.client_jwt.header
    if header.get("alg") != "RS256":
        return f"The alg is {header.get('alg')}, not RS256."
    return "" if re.fullmatch(r"[\w-]{27}=?", str(header.get("x5t"))) else "There is no x5t."


@rule(_FLOWS, "client_id: required. The Application (client) ID that the AD FS assigned to your app.",
      error="invalid_client", when=lambda case: case.endpoint == "token")  # fmt: skip
def adfs_client_id(case: Case) -> str:
    """The application names itself in the form."""
    return "" if case.has("client_id") else "There is no client_id."


@rule(_FLOWS, "requested_token_use: required. In the OBO flow, the value must be set to on_behalf_of.",
      error="invalid_request", when=_is_on_behalf)  # fmt: skip
def adfs_on_behalf_of(case: Case) -> str:
    """A grant by a JWT is on behalf of a user, and says so."""
    return "" if case.has("requested_token_use") == "on_behalf_of" else "There is no requested_token_use=on_behalf_of."


def _answer(_: Case, token: str, lifetime: float) -> dict[str, Any]:
    return {"access_token": token, "token_type": "bearer", "expires_in": int(lifetime)}


def _no(error: str, words: str) -> Refusal:
    return Refusal(400, {"error": error, "error_description": words})


ADFS = Dialect(
    name="adfs",
    source=(_FLOWS, "[MS-OAPX]", _MSAL),
    path=r"/adfs/oauth2/token/?",
    audiences=("{endpoint}",),
    # A user's token is meant for the application, not for this endpoint, and may be exchanged again.
    without=frozenset({"aud_names_server", "jti_fresh"}),
    rules=(adfs_certificate, adfs_client_id, adfs_on_behalf_of),
    refusals={
        **dict.fromkeys(
            ("client_signature_valid", "client_aud_names_server", "client_exp_ahead", "client_alg_fits_key", "adfs_certificate"),
            _no("invalid_client", "MSIS9622: Client authentication failed. Please verify the credential provided for client "
                "authentication is valid."),
        ),
        **dict.fromkeys(
            ("client_iss_registered", "adfs_client_id"),
            _no("invalid_client", "MSIS9607: The 'client_id' parameter in the request is invalid. No registered client is found "
                "with this identifier."),
        ),
        "resource_known": _no("invalid_resource", "MSIS9602: The received 'resource' parameter is invalid. The authorization "
                              "server can not find a registered resource with the specified identifier."),
        "scope_allowed": _no("invalid_grant", "MSIS9605: The client is not allowed to access the requested resource."),
    },
    answer=_answer,
)  # fmt: skip
