"""databricks-sdk: its exchange of a JWT from the environment. The JWT is a caller's own: compared is the request around it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import jwt

from tests.contract.material import MATERIAL
from tests.vectors.capture import Got, read, recording

CLIENT = "11112222-bbbb-3333-cccc-4444dddd5555"


def capture() -> dict[str, Any]:
    """The token request; the look-ups before it are left out."""
    from databricks.sdk.config import Config

    now = int(time.time())
    claims = {"iss": "https://issuer.example", "sub": "robot", "aud": "policy", "iat": now - 10, "exp": now + 300}
    os.environ["DATABRICKS_OIDC_TOKEN"] = jwt.encode(claims, MATERIAL["rsa2048"].pair[0], algorithm="RS256")

    def answer(got: Got) -> Mapping[str, Any]:
        # The same for every path: where the endpoint is, and a token.
        home = f"http://{got.headers['host']}"
        endpoints = {"token_endpoint": f"{home}/oidc/v1/token", "authorization_endpoint": f"{home}/oidc/v1/authorize"}
        return {
            **endpoints,
            "oidc_endpoint": f"{home}/oidc",
            "access_token": "t",
            "token_type": "Bearer",
            "expires_in": 600,
        }

    with recording(answer) as server:
        Config(host=server.url, auth_type="env-oidc", client_id=CLIENT).authenticate()
        seen = read(next(got for got in server.requests if got.method == "POST"))
    return {"sdk": {"name": "databricks-sdk", "version": version("databricks-sdk")}, "seen": seen}
