"""google-auth: a workload identity pool's token, for a subject token that an address gives."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from tests.vectors.capture import read, recording
from tests.vectors.capture.google import SCOPES

POOL = "//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/pool/providers/idp"
JWT = "eyJhbGciOiJub25lIn0.eyJleHAiOjQxMDI0NDQ4MDB9.AA"  # {"alg": "none"}, {"exp": 4102444800}
ANSWER = {"value": JWT, "access_token": "t", "token_type": "Bearer", "expires_in": 3600}


def capture() -> dict[str, Any]:
    """What google-auth sends to the STS."""
    from google.auth.identity_pool import Credentials
    from google.auth.transport.requests import Request

    with recording(ANSWER) as server:
        info = {
            "type": "external_account", "audience": POOL, "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": f"{server.url}/v1/token",
            "credential_source": {
                "url": f"{server.url}/subject", "headers": {"Metadata": "True"},
                "format": {"type": "json", "subject_token_field_name": "value"},
            },
        }  # fmt: skip
        Credentials.from_info(info, scopes=SCOPES).refresh(Request())
        seen = read(server.requests[1], {server.url: "<server>"})
    return {"sdk": {"name": "google-auth", "version": version("google-auth")}, "seen": seen}
