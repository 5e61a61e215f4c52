"""hvac: the login of Vault's JWT method. The JWT in it is a caller's own, so what is compared is the request around it."""

from __future__ import annotations

import time
from importlib.metadata import version
from typing import Any

import jwt

from tests.contract.material import MATERIAL
from tests.vectors.capture import read, recording


def capture() -> dict[str, Any]:
    """The login request."""
    import hvac

    now = int(time.time())
    claims = {"iss": "robot.example", "sub": "robot", "aud": "vault", "iat": now - 10, "exp": now + 300}
    text = jwt.encode(claims, MATERIAL["rsa2048"].pair[0], algorithm="RS256")
    with recording({"auth": {"client_token": "t", "lease_duration": 600}}) as server:
        hvac.Client(url=server.url).auth.jwt.jwt_login(role="ci", jwt=text)
        seen = read(server.requests[-1])
    return {"sdk": {"name": "hvac", "version": version("hvac")}, "seen": seen}
