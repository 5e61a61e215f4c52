"""What msal, and azure-identity over it, want of an authority: https, and a document that tells its endpoints.

A server on loopback has neither: the document is answered on the spot, and the scheme of token requests is put right.
Nothing else is touched.
"""

from __future__ import annotations

import io
import json
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3


class Carrier(requests.Session):
    """A session for one token endpoint.

    Args:
        token_endpoint: Where tokens are.
        tries: Connection retries.
        timeout: Seconds, where the caller says none.
    """

    def __init__(self, token_endpoint: str, *, tries: int, timeout: float) -> None:
        super().__init__()
        self._endpoint, self._timeout = urlsplit(token_endpoint), timeout
        for scheme in ("https://", "http://"):
            self.mount(scheme, requests.adapters.HTTPAdapter(max_retries=tries))

    def request(self, method: str, url: str, **arguments: Any) -> requests.Response:
        if method == "GET":
            return self._document(url)
        arguments.setdefault("timeout", self._timeout)
        return super().request(method, urlsplit(url)._replace(scheme=self._endpoint.scheme).geturl(), **arguments)

    def _document(self, url: str) -> requests.Response:
        endpoint = self._endpoint._replace(scheme="https").geturl()
        body = json.dumps({"token_endpoint": endpoint, "authorization_endpoint": endpoint}).encode()
        response = requests.Response()
        response.status_code, response.url = 200, url
        response.headers["Content-Type"] = "application/json"
        response.raw = urllib3.HTTPResponse(io.BytesIO(body), response.headers, 200, preload_content=False)
        return response
