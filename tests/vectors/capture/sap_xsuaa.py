"""sap-xssec: the exchange of a user's token, which is the one request that SAP's library for Python makes."""

from __future__ import annotations

import logging
from importlib.metadata import version
from typing import Any

from tests.vectors.capture import read, recording

# Not a token of anybody: three parts that a JWT has, for the request to hold something.
USER_TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.AA"  # noqa: S105


def capture() -> dict[str, Any]:
    """What it sends with the secret of a service key."""
    from sap.xssec.security_context_xsuaa import SecurityContextXSUAA

    with recording({"access_token": "t", "expires_in": 43199, "token_type": "bearer"}) as server:
        context = SecurityContextXSUAA.__new__(
            SecurityContextXSUAA
        )  # a real one wants a key service to check the token
        context._token, context._logger = USER_TOKEN, logging.getLogger("capture")
        context.request_token_for_client({"clientid": "sb-orders!t1", "clientsecret": "my-secret", "url": server.url})
        seen = read(server.requests[0])
    return {"sdk": {"name": "sap-xssec", "version": version("sap-xssec")}, "seen": seen}
