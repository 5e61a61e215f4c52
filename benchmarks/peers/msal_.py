"""msal: ConfidentialClientApplication with a certificate's key, asked by `acquire_token_for_client`.

It insists on an https authority with a discovery document. Its `http_client=` gives it both for a server on loopback:
the document is answered on the spot, and the scheme of token requests is put right. Nothing else is touched.
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version as _version
from typing import Any
from urllib.parse import urlsplit

import msal
import requests

from . import ISSUER, SCOPE, Refused

name = "msal"
version = _version("msal")
own = "msal"
caveat = (
    "It is made for Entra ID and signs in by client assertion (RFC 7523 section 2.2), with its discovery answered "
    "inside the adapter; it lets transport errors of its HTTP client through by design; left alone it waits for ever."
)


class _Carrier(requests.Session):
    """The session that msal would have made, with what it wants of an authority."""

    def __init__(self, token_endpoint: str, timeout: float) -> None:
        super().__init__()
        self._endpoint, self._timeout = urlsplit(token_endpoint), timeout
        for scheme in ("https://", "http://"):
            self.mount(scheme, requests.adapters.HTTPAdapter(max_retries=1))  # as msal's own

    def get(self, url: str, **_: Any) -> requests.Response:
        response = requests.Response()
        response.status_code, response.url = 200, url
        endpoint = self._endpoint._replace(scheme="https").geturl()
        response._content = json.dumps({"token_endpoint": endpoint, "authorization_endpoint": endpoint}).encode()
        return response

    def post(self, url: str, **arguments: Any) -> requests.Response:
        return super().post(
            urlsplit(url)._replace(scheme=self._endpoint.scheme).geturl(), timeout=self._timeout, **arguments
        )


class _Client:
    def __init__(self, application: msal.ConfidentialClientApplication) -> None:
        self._application = application

    def token(self) -> str:
        result = self._application.acquire_token_for_client(scopes=[SCOPE])
        if "access_token" in result:
            return str(result["access_token"])
        raise Refused(result.get("error"))

    def until(self) -> float | None:
        entries = self._application.token_cache.search("AccessToken")
        return max((float(entry["expires_on"]) for entry in entries), default=0.0)


def open(token_endpoint: str, private_key_pem: str, *, timeout: float) -> _Client:  # noqa: A001 - the peers' word
    # The thumbprint names the certificate to the server; none is needed to sign.
    credential = {"private_key": private_key_pem, "thumbprint": hashlib.sha256(b"certificate").hexdigest()[:40]}
    return _Client(
        msal.ConfidentialClientApplication(
            ISSUER,
            client_credential=credential,
            authority=urlsplit(token_endpoint)._replace(scheme="https").geturl(),
            instance_discovery=False,
            http_client=_Carrier(token_endpoint, timeout),
        )
    )
