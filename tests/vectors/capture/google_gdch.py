"""google-auth: a token of Google Distributed Cloud, for a service identity's key file."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from tests.contract.material import MATERIAL
from tests.vectors.capture import read, recording

AUDIENCE = "https://objectstorage.gdch.example/"


def capture() -> dict[str, Any]:
    """What google-auth sends."""
    from google.auth.transport.requests import Request
    from google.oauth2.gdch_credentials import ServiceAccountCredentials

    material = MATERIAL["p256"]
    with recording({"access_token": "t", "expires_in": 3599, "token_type": "Bearer"}) as server:
        info = {
            "type": "gdch_service_account", "format_version": "1", "project": "demo", "name": "robot",
            "private_key_id": "k1", "private_key": material.pair[0], "token_uri": f"{server.url}/authenticate",
        }  # fmt: skip
        made = ServiceAccountCredentials.from_service_account_info(info).with_gdch_audience(AUDIENCE)
        made.refresh(Request())
        seen = read(server.requests[0], {**material.known, server.url: "https://gdch.example"})
    return {"sdk": {"name": "google-auth", "version": version("google-auth")}, "seen": seen}
