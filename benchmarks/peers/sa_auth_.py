"""sa_auth: ServiceAccountCredentials, as in the README."""

from __future__ import annotations

from importlib.metadata import version as _version

from sa_auth import ServiceAccountCredentials

from . import ISSUER, SCOPE

name = "sa_auth"
version = _version("sa_auth")
own = "sa_auth"
caveat = (
    "The faults are the ones that it was written against, and its timeout bounds a whole sign-in, retries included, "
    "where the timeout of the others bounds one wait on a socket."
)


class _Client:
    def __init__(self, credentials: ServiceAccountCredentials) -> None:
        self._credentials = credentials

    def token(self) -> str:
        self._given = self._credentials.token()
        return self._given.access_token

    def until(self) -> float:
        return self._given.expires_at


def open(token_endpoint: str, private_key_pem: str, *, timeout: float) -> _Client:  # noqa: A001 - the peers' word
    return _Client(
        ServiceAccountCredentials(
            private_key_pem, issuer=ISSUER, scope=SCOPE, token_endpoint=token_endpoint, timeout=timeout
        )
    )
