"""msal: on behalf of a user, by the user's token and the application's certificate."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from tests.contract.material import MATERIAL
from tests.vectors.capture.entra import SERVER, asked

SCOPE, USERS = "https://graph.microsoft.com/User.Read", "eyJhbGciOiJSUzI1NiJ9.e30.AA"


def capture() -> dict[str, Any]:
    """What msal sends."""
    material = MATERIAL["rsa2048"]
    credential = {"private_key": material.pair[0], "public_certificate": material.certificate.decode()}
    seen = asked(material, SERVER, credential, lambda app: app.acquire_token_on_behalf_of(USERS, [SCOPE]))
    return {"sdk": {"name": "msal", "version": version("msal")}, "seen": seen}
