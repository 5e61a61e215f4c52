"""google-auth: an access token of another service account, by the caller's own token."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from tests.vectors.capture import Recorder, read, recording
from tests.vectors.capture.google import SCOPES

TARGET = "target@demo.iam.gserviceaccount.com"
ANSWER = {"accessToken": "t", "expireTime": "2099-01-01T00:00:00Z"}


def capture() -> dict[str, Any]:
    """What google-auth sends."""
    from google.auth.transport.requests import Request

    with recording(ANSWER) as server:
        impersonating(server).refresh(Request())
        seen = read(server.requests[0])
    return {"sdk": {"name": "google-auth", "version": version("google-auth")}, "seen": seen}


def impersonating(server: Recorder) -> Any:
    """Its credentials for that server, by a caller who has a token."""
    from google.auth.impersonated_credentials import Credentials
    from google.oauth2.credentials import Credentials as Caller

    where = f"{server.url}/v1/projects/-/serviceAccounts/{TARGET}:generateAccessToken"
    return Credentials(Caller("ya29.caller"), TARGET, SCOPES, lifetime=3600, iam_endpoint_override=where)
