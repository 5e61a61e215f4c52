"""Authlib: AssertionSession, asked by the auth that it puts on its own requests."""

from __future__ import annotations

import requests
from authlib.integrations.requests_client import AssertionSession
from authlib.oauth2.rfc7523 import private_key_jwt_sign
from joserfc.jwk import ECKey, RSAKey

from . import API, ISSUER, SCOPE

name = distribution = "Authlib"
own = "authlib"
caveat = (
    "Its session is a `requests` session and documented as one, so that exceptions of `requests` are no surprise to "
    "its readers; left alone it waits for ever."
)
imports = "from authlib.integrations.requests_client import AssertionSession"
due = ({"expires_in": 50}, 0.1)
cannot = {
    "tasks": "its asyncio client is another one, over httpx",
    "identities": "it has one object per identity; whoever has many keeps a dictionary of them",
}


class _Client:
    def __init__(self, session: AssertionSession) -> None:
        self._session, self.header = session, session.token_auth

    def token(self) -> str:
        request = requests.Request("GET", API).prepare()
        self._session.token_auth(request)
        return request.headers["Authorization"].partition(" ")[2]

    def until(self) -> float | None:
        return self._session.token.get("expires_at")

    def renew(self) -> None:
        self._session.refresh_token()

    def session(self) -> AssertionSession:
        return self._session


def open(token_endpoint: str, private_key_pem: str, *, timeout: float) -> _Client:  # noqa: A001 - the peers' word
    return _Client(
        AssertionSession(
            token_endpoint, ISSUER, ISSUER, scope=SCOPE, key=RSAKey.import_key(private_key_pem),
            header={"alg": "RS256"}, default_timeout=timeout,
        )
    )  # fmt: skip


def load_key(private_key_pem: str) -> object:
    return RSAKey.import_key(private_key_pem)


def minter(private_key_pem: str, algorithm: str):
    key = (ECKey if algorithm == "ES256" else RSAKey).import_key(private_key_pem)
    return lambda: private_key_jwt_sign(key, ISSUER, "https://as.example/token", alg=algorithm)
