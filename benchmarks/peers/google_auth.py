"""google-auth: service_account.Credentials, asked by `before_request` as its AuthorizedSession asks."""

from __future__ import annotations

from datetime import timezone
from functools import partial

import requests
from google.auth.crypt import RSASigner
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2.service_account import Credentials

from . import API, ISSUER, SCOPE

name = distribution = "google-auth"
own = "google.auth"
caveat = (
    "It is made for Google's own endpoint, whose replies are in order, and signs Google's audience whatever endpoint "
    "it is given; left alone it waits 120 s."
)
imports = "from google.oauth2 import service_account; import google.auth.transport.requests"
due = ({"expires_in": 200}, 0.1)
cannot = {
    "assertion_es256": "its service accounts sign RS256",
    "tasks": "its asyncio credentials sign in by no key",
    "identities": "it has one object per identity; whoever has many keeps a dictionary of them",
}


class Client:
    """Credentials and the request object that renews them."""

    def __init__(self, credentials: Credentials, request: partial) -> None:
        self._credentials, self._request = credentials, request

    def token(self) -> str:
        headers: dict[str, str] = {}
        self._credentials.before_request(self._request, "GET", API, headers)
        return headers["authorization"].partition(" ")[2]

    def until(self) -> float | None:
        expiry = self._credentials.expiry
        return None if expiry is None else expiry.replace(tzinfo=timezone.utc).timestamp()

    def header(self, prepared) -> None:
        self._credentials.before_request(self._request, prepared.method, prepared.url, prepared.headers)

    def renew(self) -> None:
        self._credentials.refresh(self._request)

    def session(self) -> AuthorizedSession:
        return AuthorizedSession(self._credentials)


def open(token_endpoint: str, private_key_pem: str, *, timeout: float) -> Client:  # noqa: A001 - the peers' word
    return Client(credentials(token_endpoint, private_key_pem), request(timeout))


def credentials(token_endpoint: str, private_key_pem: str) -> Credentials:
    """Credentials of a key file's content."""
    info = {"client_email": ISSUER, "private_key": private_key_pem, "token_uri": token_endpoint}
    return Credentials.from_service_account_info(info, scopes=[SCOPE])


def request(timeout: float) -> partial:
    """What carries its requests, with the three connection retries that AuthorizedSession mounts."""
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, requests.adapters.HTTPAdapter(max_retries=3))
    return partial(Request(session), timeout=timeout)


def load_key(private_key_pem: str) -> object:
    return RSASigner.from_string(private_key_pem)


def minter(private_key_pem: str, _algorithm: str):
    return credentials("https://as.example/token", private_key_pem)._make_authorization_grant_assertion
