"""cdp-sdk: the JWT that Coinbase's own client signs for one call of its API."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from tests.contract.material import MATERIAL
from tests.vectors.capture import jwt_of

KEY = "organizations/0a1b/apiKeys/2c3d"


def capture() -> dict[str, Any]:
    """The JWT alone: it goes as the bearer of the call that it names."""
    from cdp.auth.utils.jwt import JwtOptions, generate_jwt

    text = generate_jwt(
        JwtOptions(
            api_key_id=KEY, api_key_secret=MATERIAL["p256"].pair[0], request_method="GET",
            request_host="api.cdp.coinbase.com", request_path="/platform/v2/evm/accounts?limit=1",
        )
    )  # fmt: skip
    token = jwt_of(text)
    token["header"]["nonce"] = f"<{len(token['header']['nonce'])} digits>"
    return {"sdk": {"name": "cdp-sdk", "version": version("cdp-sdk")}, "seen": {"jwts": {"token": token}}}
