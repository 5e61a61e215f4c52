"""msal: an application in its own name, by its certificate.

Run in the tests too, since msal is installed there.
"""

from __future__ import annotations

import base64
from importlib.metadata import version
from typing import Any

from tests.contract.material import MATERIAL, Material
from tests.vectors.capture import Recorder, read, recording

CLIENT, TENANT = "11112222-bbbb-3333-cccc-4444dddd5555", "aaaabbbb-0000-cccc-1111-dddd2222eeee"
SERVER = f"https://login.microsoftonline.com/{TENANT}"
SCOPE = "https://graph.microsoft.com/.default"


def capture() -> dict[str, Any]:
    """What msal sends, given the key and its certificate."""
    material = MATERIAL["rsa2048"]
    credential = {"private_key": material.pair[0], "public_certificate": material.certificate.decode()}
    seen = asked(material, SERVER, credential, lambda app: app.acquire_token_for_client([SCOPE]))
    return {"sdk": {"name": "msal", "version": version("msal")}, "seen": seen}


def asked(material: Material, authority: str, credential: dict[str, str], ask: Any) -> dict[str, Any]:
    """The token request that msal makes, at an authority that is on this machine whatever its name."""
    import msal

    with recording(answers(authority)) as server:
        app = msal.ConfidentialClientApplication(
            CLIENT, authority=authority, client_credential=credential, instance_discovery=False,
            http_client=Diverted(server),
        )  # fmt: skip
        ask(app)
        return read(next(got for got in server.requests if got.method == "POST"), names(material))


def answers(authority: str) -> Any:
    """What an authority says of itself, and its answer with a token."""
    home = authority.rstrip("/")
    if home.endswith("/adfs"):
        issuer, endpoint = home, f"{home}/oauth2/token/"  # as the metadata of a real one have it
    else:
        issuer, endpoint = f"{home}/v2.0", f"{home}/oauth2/v2.0/token"

    def answer(got: Any) -> dict[str, Any]:
        if got.method == "GET":
            return {"issuer": issuer, "token_endpoint": endpoint, "authorization_endpoint": f"{home}/authorize"}
        return {"token_type": "Bearer", "expires_in": 3599, "access_token": "t"}

    return answer


def names(material: Material) -> dict[str, str]:
    """What differs from run to run; msal's x5c is the PEM without its first and last line."""
    folded = "\n".join(material.certificate.decode().splitlines()[1:-1])
    flat = base64.b64encode(base64.b64decode(folded)).decode()
    return {**material.known, folded: "<certificate with line ends>", flat: "<certificate>"}


class Diverted:
    """An HTTP client of msal's kind that brings every request to the recorder, whatever host it is for."""

    def __init__(self, server: Recorder) -> None:
        self.server = server

    def post(self, url: str, **kwargs: Any) -> Any:
        """Sends a form."""
        return self._send("post", url, kwargs)

    def get(self, url: str, **kwargs: Any) -> Any:
        """Asks."""
        return self._send("get", url, kwargs)

    def close(self) -> None:
        """Nothing stays open."""

    def _send(self, method: str, url: str, kwargs: dict[str, Any]) -> Any:
        import requests

        path = "/" + url.split("://", 1)[1].partition("/")[2]
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, f"{self.server.url}{path}", timeout=10, **kwargs)
