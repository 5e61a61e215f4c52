"""boxsdk, the generated line (10.x): the service account's token for a key file."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from tests.contract.material import MATERIAL
from tests.docs.vendors.box import config
from tests.vectors.capture import read, recording

ANSWER = {"access_token": "t", "expires_in": 4200, "restricted_to": [], "token_type": "bearer"}


def capture() -> dict[str, Any]:
    """What boxsdk sends."""
    import json

    from box_sdk_gen import BaseUrls, BoxJWTAuth, JWTConfig, NetworkSession

    material = MATERIAL["rsa2048"]
    with recording(ANSWER) as server:
        made = JWTConfig.from_config_json_string(json.dumps(config(material.pair[0])))
        BoxJWTAuth(config=made).refresh_token(
            network_session=NetworkSession(base_urls=BaseUrls(base_url=server.url, upload_url=server.url))
        )
        seen = read(server.requests[0], material.known)
    return {"sdk": {"name": "boxsdk", "version": version("boxsdk")}, "seen": seen}
