"""auth0-python: client_credentials with a private key, for an API."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from tests.contract.material import MATERIAL
from tests.vectors.capture import read, recording

TENANT = "https://demo.eu.auth0.com"


def capture() -> dict[str, Any]:
    """What auth0-python sends."""
    from auth0.authentication import GetToken

    material = MATERIAL["rsa2048"]
    with recording({"access_token": "t", "expires_in": 86400, "token_type": "Bearer"}) as server:
        host = server.url.removeprefix("http://")
        client = GetToken(host, "my-client-id", client_assertion_signing_key=material.pair[0], protocol="http")
        client.client_credentials("https://orders.example/")
        seen = read(server.requests[0], {**material.known, f"https://{host}": TENANT})
    return {"sdk": {"name": "auth0-python", "version": version("auth0-python")}, "seen": seen}
