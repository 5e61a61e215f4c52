"""PyLTI1p3: a service token for two scopes, for the token endpoint as audience."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from tests.contract.material import MATERIAL
from tests.vectors.capture import read, recording

PLATFORM = "https://canvas.example"
SCOPES = [
    "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly",
    "https://purl.imsglobal.org/spec/lti-ags/scope/score",
]


def capture() -> dict[str, Any]:
    """What PyLTI1p3 sends."""
    from pylti1p3.registration import Registration
    from pylti1p3.service_connector import ServiceConnector

    material = MATERIAL["rsa2048"]
    with recording({"access_token": "t", "expires_in": 3600, "token_type": "Bearer"}) as server:
        tool = Registration()
        tool.set_client_id("my-client-id").set_auth_token_url(f"{server.url}/login/oauth2/token")
        tool.set_tool_private_key(material.pair[0]).set_tool_public_key(material.pair[1])
        kid = tool.get_kid()
        ServiceConnector(tool).get_access_token(SCOPES)
        known = {**material.known, server.url: PLATFORM, **({kid: "k1"} if kid else {})}
        seen = read(server.requests[0], known)
    return {"sdk": {"name": "PyLTI1p3", "version": version("PyLTI1p3")}, "seen": seen}
