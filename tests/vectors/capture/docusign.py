"""docusign-esign: a user's token for the key of an integration."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from tests.contract.material import MATERIAL
from tests.vectors.capture import read, recording

APP, USER = "0a1b2c3d-0000-4000-8000-0123456789ab", "9f8e7d6c-0000-4000-8000-ba9876543210"
ANSWER = {"access_token": "t", "token_type": "Bearer", "expires_in": 3600, "scope": "signature"}


def capture() -> dict[str, Any]:
    """What docusign-esign sends."""
    from docusign_esign import ApiClient

    material = MATERIAL["rsa2048"]

    class Diverted(ApiClient):  # type: ignore[misc] # it has no types
        def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
            path = "/" + url.split("://", 1)[1].partition("/")[2]
            return super().request(method, f"{server.url}{path}", *args, **kwargs)

    with recording(ANSWER) as server:
        Diverted().request_jwt_user_token(
            APP, USER, "account-d.docusign.com", material.pair[0].encode(), 3600, scopes=["signature", "impersonation"]
        )
        seen = read(server.requests[0], material.known)
    return {"sdk": {"name": "docusign-esign", "version": version("docusign-esign")}, "seen": seen}
