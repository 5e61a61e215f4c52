"""requests-oauth2client: OAuth2ClientCredentialsAuth over an OAuth2Client that proves itself by PrivateKeyJwt.

It has the jwt-bearer grant as a method too, but nothing that renews a token got that way.
"""

from __future__ import annotations

import requests
from jwskate import Jwk
from requests_oauth2client import OAuth2Client, OAuth2ClientCredentialsAuth, PrivateKeyJwt

from . import API, ISSUER, SCOPE

name = distribution = "requests-oauth2client"
own = "requests_oauth2client"
caveat = (
    "It signs in by client assertion (RFC 7523 section 2.2), and is an auth for `requests`, so that exceptions of "
    "`requests` are no surprise to its readers; left alone it waits 10 s."
)
imports = "from requests_oauth2client import OAuth2Client, OAuth2ClientCredentialsAuth, PrivateKeyJwt"
due = ({"expires_in": 15}, 0.1)
cannot = {
    "tasks": "it has nothing for asyncio",
    "identities": "it has one object per identity; whoever has many keeps a dictionary of them",
}


class _Client:
    def __init__(self, auth: OAuth2ClientCredentialsAuth) -> None:
        self._auth = self.header = auth

    def token(self) -> str:
        request = self._auth(requests.Request("GET", API).prepare())
        return request.headers["Authorization"].partition(" ")[2]

    def until(self) -> float | None:
        expires_at = self._auth.token.expires_at
        return None if expires_at is None else expires_at.timestamp()

    def renew(self) -> None:
        self._auth.renew_token()

    def session(self) -> requests.Session:
        session = requests.Session()
        session.auth = self._auth
        return session


def open(token_endpoint: str, private_key_pem: str, *, timeout: float) -> _Client:  # noqa: A001 - the peers' word
    proof = _proof(private_key_pem, "RS256")
    client = OAuth2Client(token_endpoint, auth=proof, testing=True)  # `testing` lets it take http on loopback
    return _Client(OAuth2ClientCredentialsAuth(client, scope=SCOPE, requests_kwargs={"timeout": timeout}))


def _proof(private_key_pem: str, algorithm: str) -> PrivateKeyJwt:
    return PrivateKeyJwt(ISSUER, Jwk.from_pem(private_key_pem, kid="1"), alg=algorithm)


def load_key(private_key_pem: str) -> object:
    return Jwk.from_pem(private_key_pem, kid="1").cryptography_key


def minter(private_key_pem: str, algorithm: str):
    proof = _proof(private_key_pem, algorithm)
    return lambda: proof.client_assertion("https://as.example/token")
