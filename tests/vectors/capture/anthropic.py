"""anthropic: the exchange of an identity provider's JWT."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from tests.vectors.capture import read, recording

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyb2JvdCJ9.AA"


def capture() -> dict[str, Any]:
    """What its library sends, with all four fields."""
    from anthropic.lib.credentials import WorkloadIdentityCredentials

    with recording({"access_token": "t", "expires_in": 600, "token_type": "Bearer"}) as server:
        credentials = WorkloadIdentityCredentials(
            identity_token_provider=lambda: JWT,
            federation_rule_id="fdrl_01AbCd",
            organization_id="00000000-0000-0000-0000-000000000000",
            service_account_id="svac_01AbCd",
            workspace_id="wrkspc_01AbCd",
        )
        credentials.bind_base_url(server.url)
        credentials()
        got = server.requests[0]
    headers = {"anthropic-beta": got.headers["anthropic-beta"]}
    return {"sdk": {"name": "anthropic", "version": version("anthropic")}, "seen": read(got), "headers": headers}
