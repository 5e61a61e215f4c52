"""requests-oauthlib: OAuth2Session over oauthlib's ServiceApplicationClient.

It renews nothing by itself with such a client: as its documentation says, TokenExpiredError is caught and a token
fetched.
"""

from __future__ import annotations

import os

import requests
from oauthlib.oauth2 import ServiceApplicationClient, TokenExpiredError
from requests_oauthlib import OAuth2Session

from . import API, ISSUER, SCOPE

name = distribution = "requests-oauthlib"
own = "oauthlib"
caveat = (
    "It never renews by itself with this client, so the adapter catches its TokenExpiredError and fetches a token, as "
    "its documentation says; exceptions of `requests` are no surprise to its readers; left alone it waits for ever."
)
imports = "from oauthlib.oauth2 import ServiceApplicationClient; from requests_oauthlib import OAuth2Session"
due = ({"expires_in": 1}, 1.2)  # it hands a token out to its last moment, so for it only an expired one is due
cannot = {
    "key_load": "it takes text, which PyJWT loads anew for each assertion",
    "assertion_es256": "it signs RS256",
    "tasks": "it has nothing for asyncio",
    "identities": "it has one object per identity; whoever has many keeps a dictionary of them",
    "due_calls": "a token is expired to it, or it is not: it has no window",
}

os.environ.setdefault("OAUTHLIB_INSECURE_TRANSPORT", "1")  # lets it take http on loopback


class _Session(OAuth2Session):
    """With the three lines that its documentation asks of a caller."""

    def __init__(self, client: ServiceApplicationClient, endpoint: str, timeout: float) -> None:
        super().__init__(client=client)
        self._where, self._within = endpoint, timeout

    def fetch(self) -> None:
        self.fetch_token(self._where, timeout=self._within, include_client_id=True)

    def get(self, url: str, **arguments) -> requests.Response:
        try:
            return super().get(url, **arguments)
        except TokenExpiredError:
            self.fetch()
            return super().get(url, **arguments)


class _Client:
    def __init__(self, session: _Session, client: ServiceApplicationClient) -> None:
        self._session, self._client = session, client

    def token(self) -> str:
        request = requests.Request("GET", API).prepare()
        self.header(request)
        return request.headers["Authorization"].partition(" ")[2]

    def until(self) -> float | None:
        return self._session.token.get("expires_at")

    def header(self, request) -> None:
        if not self._session.authorized:
            self._session.fetch()
        try:
            _, headers, _ = self._client.add_token(request.url)
        except TokenExpiredError:
            self._session.fetch()
            _, headers, _ = self._client.add_token(request.url)
        request.headers.update(headers)

    def renew(self) -> None:
        self._session.fetch()

    def session(self) -> OAuth2Session:
        return self._session


def open(token_endpoint: str, private_key_pem: str, *, timeout: float) -> _Client:  # noqa: A001 - the peers' word
    client = _application(private_key_pem, token_endpoint)
    return _Client(_Session(client, token_endpoint, timeout), client)


def _application(private_key_pem: str, audience: str) -> ServiceApplicationClient:
    return ServiceApplicationClient(
        ISSUER, private_key=private_key_pem, subject=ISSUER, issuer=ISSUER, audience=audience, scope=[SCOPE]
    )


def minter(private_key_pem: str, _algorithm: str):
    return _application(private_key_pem, "https://as.example/token").prepare_request_body
