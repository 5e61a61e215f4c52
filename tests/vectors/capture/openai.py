"""openai: the exchange of a token service's JWT."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from tests.vectors.capture import read, recording

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyb2JvdCJ9.AA"


def capture() -> dict[str, Any]:
    """What its library sends."""
    from openai.auth._workload import WorkloadIdentityAuth

    with recording({"access_token": "t", "expires_in": 600, "token_type": "Bearer"}) as server:
        WorkloadIdentityAuth(
            workload_identity={
                "identity_provider_id": "idp_abc",
                "service_account_id": "sa_abc",
                "provider": {"token_type": "jwt", "get_token": lambda: JWT},
            },
            token_exchange_url=f"{server.url}/oauth/token",
        ).get_token()
        seen = read(server.requests[0])
    return {"sdk": {"name": "openai", "version": version("openai")}, "seen": seen}
