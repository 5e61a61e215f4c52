"""google-auth: a token that the key signs itself, for one API's address."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

from tests.contract.material import MATERIAL
from tests.vectors.capture import jwt_of
from tests.vectors.capture.google import EMAIL

AUDIENCE = "https://pubsub.googleapis.com/"


def capture() -> dict[str, Any]:
    """The token that google-auth makes."""
    return signed(audience=AUDIENCE)


def signed(*, audience: str | None = None, scopes: list[str] | None = None) -> dict[str, Any]:
    """A token for an address or for scopes."""
    from google.oauth2.service_account import Credentials

    material = MATERIAL["rsa2048"]
    info = {
        "type": "service_account", "client_email": EMAIL, "private_key_id": "k1", "private_key": material.pair[0],
        "token_uri": "https://oauth2.googleapis.com/token",
    }  # fmt: skip
    made = Credentials.from_service_account_info(info, scopes=scopes, always_use_jwt_access=True)
    made._create_self_signed_jwt(audience)  # noqa: SLF001 - what its clients of an API call
    made.refresh(None)
    seen = {"jwts": {"token": jwt_of(made.token)}}
    return {"sdk": {"name": "google-auth", "version": version("google-auth")}, "seen": json.loads(json.dumps(seen))}
