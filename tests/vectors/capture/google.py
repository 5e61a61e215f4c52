"""google-auth: an access token for a service account's key file, with scopes and a user.

Run in the tests too, since google-auth is installed there.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from tests.contract.material import MATERIAL
from tests.vectors.capture import read, recording

EMAIL, USER = "robot@demo.iam.gserviceaccount.com", "ann@example.test"
SCOPES = ["https://www.googleapis.com/auth/drive", "https://www.googleapis.com/auth/gmail.readonly"]


def capture() -> dict[str, Any]:
    """What google-auth sends."""
    from google.auth.transport.requests import Request
    from google.oauth2.service_account import Credentials

    material = MATERIAL["rsa2048"]
    with recording({"access_token": "t", "expires_in": 3599, "token_type": "Bearer"}) as server:
        info = {
            "type": "service_account", "client_email": EMAIL, "private_key_id": "k1", "private_key": material.pair[0],
            "token_uri": f"{server.url}/token",
        }  # fmt: skip
        Credentials.from_service_account_info(info, scopes=SCOPES, subject=USER).refresh(Request())
        seen = read(server.requests[0], {**material.known, server.url: "<server>"})
    return {"sdk": {"name": "google-auth", "version": version("google-auth")}, "seen": seen}
