"""simple-salesforce: a session for a user by the app's key.

Run in the tests too, since simple-salesforce is installed there.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from tests.contract.material import MATERIAL
from tests.vectors.capture import Recorder, read, recording

ANSWER = {"access_token": "t", "instance_url": "https://acme.my.salesforce.com", "token_type": "Bearer"}


def capture() -> dict[str, Any]:
    """What simple-salesforce sends to the login address."""
    return {"sdk": {"name": "simple-salesforce", "version": version("simple-salesforce")}, "seen": asked("login")}


def asked(domain: str) -> dict[str, Any]:
    """The token request that it makes for a domain."""
    import requests
    from simple_salesforce import SalesforceLogin

    material = MATERIAL["rsa2048"]

    class Diverted(requests.Session):
        def __init__(self, server: Recorder) -> None:
            super().__init__()
            self.trust_env, self.server = False, server

        def post(self, url: Any, data: Any = None, json: Any = None, **kwargs: Any) -> Any:
            path = "/" + str(url).split("://", 1)[1].partition("/")[2]
            return super().post(f"{self.server.url}{path}", data=data, json=json, timeout=10, **kwargs)

    with recording(ANSWER) as server, Diverted(server) as session:
        SalesforceLogin(
            username="robot@acme.example", consumer_key="CONSUMER_KEY", privatekey=material.pair[0], domain=domain,
            session=session,
        )  # fmt: skip
        return read(server.requests[0], material.known)
