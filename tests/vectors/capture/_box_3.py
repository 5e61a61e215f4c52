"""boxsdk, the older line (3.14): a user's token for a key file.

Left out of the run of all, by its name: the two lines cannot be installed side by side. `pip install "boxsdk[jwt]<4"`.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from tests.contract.material import MATERIAL
from tests.docs.vendors.box import config
from tests.vectors.capture import read, recording
from tests.vectors.capture.box import ANSWER


def capture() -> dict[str, Any]:
    """What boxsdk sends."""
    import boxsdk.config
    from boxsdk import JWTAuth

    material = MATERIAL["rsa2048"]
    with recording(ANSWER) as server:
        boxsdk.config.API.OAUTH2_API_URL = f"{server.url}/oauth2"
        JWTAuth.from_settings_dictionary(config(material.pair[0])).authenticate_user("456")
        seen = read(server.requests[0], material.known)
    return {"sdk": {"name": "boxsdk", "version": version("boxsdk")}, "seen": seen}
