"""google-auth: an ID token of another service account, by the caller's own token."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from tests.vectors.capture import read, recording
from tests.vectors.capture.google_id_token import AUDIENCE
from tests.vectors.capture.google_impersonation import impersonating

# {"alg": "none"}, {"exp": 4102444800}
ANSWER = {"token": "eyJhbGciOiJub25lIn0.eyJleHAiOjQxMDI0NDQ4MDB9.AA"}


def capture() -> dict[str, Any]:
    """What google-auth sends."""
    from google.auth import iam
    from google.auth.impersonated_credentials import IDTokenCredentials
    from google.auth.transport.requests import Request

    with recording(ANSWER) as server:
        kept, iam._IAM_IDTOKEN_ENDPOINT = (  # noqa: SLF001 - it takes no address for this
            iam._IAM_IDTOKEN_ENDPOINT,  # noqa: SLF001
            f"{server.url}/v1/projects/-/serviceAccounts/{{}}:generateIdToken",
        )
        try:
            IDTokenCredentials(impersonating(server), target_audience=AUDIENCE, include_email=True).refresh(Request())
        finally:
            iam._IAM_IDTOKEN_ENDPOINT = kept  # noqa: SLF001
        seen = read(server.requests[0])
    return {"sdk": {"name": "google-auth", "version": version("google-auth")}, "seen": seen}
