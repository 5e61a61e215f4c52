"""snowflake-connector-python: the JWT with which it signs in; the login request around it is a driver's own."""

from __future__ import annotations

import json
import warnings
from importlib.metadata import version
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from tests.contract.material import MATERIAL
from tests.vectors.capture import jwt_of, recording

REFUSAL = {"success": False, "code": "390144", "message": "JWT token is invalid. [1]", "data": None}


def capture() -> dict[str, Any]:
    """The JWT that the connector sends, for an account with a region."""
    import snowflake.connector

    material = MATERIAL["rsa2048"]
    key: Any = load_pem_private_key(material.pair[0].encode(), None)
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    with recording(REFUSAL) as server, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        host, _, port = server.url.partition("://")[2].partition(":")
        try:
            snowflake.connector.connect(
                account="xy12345.eu-central-1", user="robot", private_key=der, host=host, port=int(port), protocol="http",
                login_timeout=5,
            )  # fmt: skip
        except snowflake.connector.errors.DatabaseError:
            pass  # refused, as it should be: the request was sent
        token = json.loads(server.requests[0].body)["data"]["TOKEN"]
    text = json.dumps({"jwts": {"token": jwt_of(token)}})
    for value, name in material.known.items():
        text = text.replace(json.dumps(value)[1:-1], name)
    name = "snowflake-connector-python"
    return {"sdk": {"name": name, "version": version(name)}, "seen": json.loads(text)}
