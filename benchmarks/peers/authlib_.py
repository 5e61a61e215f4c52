"""Authlib: AssertionSession, asked by the auth that it puts on its own requests."""

from __future__ import annotations

from importlib.metadata import version as _version

import requests
from authlib.integrations.requests_client import AssertionSession
from joserfc.jwk import RSAKey

from . import API, ISSUER, SCOPE

name = "Authlib"
version = _version("Authlib")
own = "authlib"
caveat = (
    "Its session is a `requests` session and documented as one, so that exceptions of `requests` are no surprise to "
    "its readers; left alone it waits for ever."
)


class _Client:
    def __init__(self, session: AssertionSession) -> None:
        self._session = session

    def token(self) -> str:
        request = requests.Request("GET", API).prepare()
        self._session.token_auth(request)
        return request.headers["Authorization"].partition(" ")[2]

    def until(self) -> float | None:
        return self._session.token.get("expires_at")


def open(token_endpoint: str, private_key_pem: str, *, timeout: float) -> _Client:  # noqa: A001 - the peers' word
    return _Client(
        AssertionSession(
            token_endpoint, ISSUER, ISSUER, scope=SCOPE, key=RSAKey.import_key(private_key_pem),
            header={"alg": "RS256"}, default_timeout=timeout,
        )
    )  # fmt: skip
