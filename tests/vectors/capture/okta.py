"""okta: a service application in its own name, by its private JWK, at the org's authorization server."""

from __future__ import annotations

import asyncio
import json
import os
from importlib.metadata import version
from typing import Any

from tests.contract.material import MATERIAL
from tests.vectors.capture import read, recording

CLIENT, SCOPES = "0oar95zt9zIpYuz6A0h7", ["okta.users.read", "okta.groups.read"]


def capture() -> dict[str, Any]:
    """What okta sends."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from jwt.algorithms import RSAAlgorithm
    from okta.client import Client

    material = MATERIAL["rsa2048"]
    key: Any = load_pem_private_key(material.pair[0].encode(), None)
    jwk = {name: value for name, value in json.loads(RSAAlgorithm.to_jwk(key)).items() if isinstance(value, str)}

    async def ask(url: str) -> None:
        client = Client({
            "orgUrl": url, "authorizationMode": "PrivateKey", "clientId": CLIENT, "scopes": SCOPES,
            "privateKey": {**jwk, "kid": "k1"},
        })  # fmt: skip
        await client._request_executor._oauth.get_oauth_token()

    os.environ["OKTA_TESTING_TESTINGDISABLEHTTPSCHECK"] = "true"  # it speaks plain HTTP only where it is told to
    with recording({"access_token": "t", "expires_in": 3600, "token_type": "Bearer"}) as server:
        asyncio.run(ask(server.url))
        # The audience is the endpoint that was asked: it stands here by the name that it has in ours.
        seen = read(server.requests[0], {**material.known, server.url: "https://acme.okta.com"})
    return {"sdk": {"name": "okta", "version": version("okta")}, "seen": seen}
