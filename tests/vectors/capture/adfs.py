"""msal: an application in its own name at AD FS, which msal knows by the path of its authority."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from tests.contract.material import MATERIAL
from tests.vectors.capture.entra import asked

SERVER, SCOPE = "https://sts.contoso.com/adfs", "https://api.contoso.com/orders/openid"


def capture() -> dict[str, Any]:
    """What msal sends, given the key and its certificate."""
    material = MATERIAL["rsa2048"]
    credential = {"private_key": material.pair[0], "public_certificate": material.certificate.decode()}
    seen = asked(material, SERVER, credential, lambda app: app.acquire_token_for_client([SCOPE]))
    return {"sdk": {"name": "msal", "version": version("msal")}, "seen": seen}
