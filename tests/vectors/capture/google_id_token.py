"""google-auth: an ID token for one audience, by a service account's key file."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from tests.contract.material import MATERIAL
from tests.vectors.capture import read, recording
from tests.vectors.capture.google import EMAIL

AUDIENCE = "https://service.example.run.app"
# What google-auth reads the end from: {"alg": "none"}, {"exp": 4102444800}.
ANSWER = {"id_token": "eyJhbGciOiJub25lIn0.eyJleHAiOjQxMDI0NDQ4MDB9.AA"}


def capture() -> dict[str, Any]:
    """What google-auth sends."""
    from google.auth.transport.requests import Request
    from google.oauth2.service_account import IDTokenCredentials

    material = MATERIAL["rsa2048"]
    with recording(ANSWER) as server:
        info = {
            "type": "service_account", "client_email": EMAIL, "private_key_id": "k1", "private_key": material.pair[0],
            "token_uri": f"{server.url}/token",
        }  # fmt: skip
        IDTokenCredentials.from_service_account_info(info, target_audience=AUDIENCE).refresh(Request())
        seen = read(server.requests[0], {**material.known, server.url: "<server>"})
    return {"sdk": {"name": "google-auth", "version": version("google-auth")}, "seen": seen}
