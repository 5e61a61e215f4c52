"""msal: ConfidentialClientApplication with a certificate's key, asked by `acquire_token_for_client`.

It insists on an https authority with a discovery document. Its `http_client=` gives it both (see `entra`).
"""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

import msal
from msal.oauth2cli import JwtAssertionCreator

from . import ISSUER, SCOPE, Refused
from .entra import Carrier

name = distribution = own = "msal"
caveat = (
    "It is made for Entra ID and signs in by client assertion (RFC 7523 section 2.2), with its discovery answered "
    "inside the adapter; it lets transport errors of its HTTP client through by design; left alone it waits for ever. "
    "It signs once in nine minutes and sends that assertion again, so that its renewal has no signature in it."
)
imports = "import msal"
due = ({"expires_in": 3600, "refresh_in": 1}, 2.2)
cannot = {
    "key_load": "it hands the text on to PyJWT, which loads it anew for each assertion",
    "assertion_es256": "it signs RS256 or PS256",
    "session_get": "its callers set the header themselves",
    "tasks": "it has nothing for asyncio",
}
_THUMBPRINT = hashlib.sha256(b"certificate").hexdigest()[:40]  # names the certificate to the server; none is needed


class _Client:
    def __init__(self, application: msal.ConfidentialClientApplication) -> None:
        self._application = application

    def token(self, **more) -> str:
        result = self._application.acquire_token_for_client(scopes=[SCOPE], **more)
        if "access_token" in result:
            return str(result["access_token"])
        raise Refused(result.get("error"))

    def until(self) -> float | None:
        entries = self._application.token_cache.search("AccessToken")
        return max((float(entry["expires_on"]) for entry in entries), default=0.0)

    def header(self, request) -> None:
        request.headers["Authorization"] = "Bearer " + self.token()

    def renew(self) -> None:
        self.token(claims_challenge='{"access_token": {}}')  # the documented way past its cache


def open(token_endpoint: str, private_key_pem: str, *, timeout: float) -> _Client:  # noqa: A001 - the peers' word
    return _Client(
        msal.ConfidentialClientApplication(
            ISSUER,
            client_credential={"private_key": private_key_pem, "thumbprint": _THUMBPRINT},
            authority=urlsplit(token_endpoint)._replace(scheme="https").geturl(),
            instance_discovery=False,
            http_client=Carrier(token_endpoint, tries=1, timeout=timeout),  # as msal's own
        )
    )


def crowd(count: int):
    """So many scopes in its cache; what asks for one of them, and for one that is not there."""
    application = open("http://127.0.0.1:1/tenant", "-", timeout=1)._application
    cache = application.token_cache
    for n in range(count):
        answer = {"access_token": f"token-{n:032d}", "token_type": "Bearer", "expires_in": 3600}
        cache.add({"client_id": ISSUER, "scope": [f"scope-{n}"], "environment": "127.0.0.1:1", "response": answer,
                   "token_endpoint": "https://127.0.0.1:1/tenant/token", "grant_type": "client_credentials"})  # fmt: skip
    kind, about = (
        cache.CredentialType.ACCESS_TOKEN,
        {"client_id": ISSUER, "environment": "127.0.0.1:1", "realm": "tenant"},
    )

    def look(scope: str) -> list:
        return list(cache.search(kind, target=[scope], query={**about, "home_account_id": None}))

    return cache, lambda: look(f"scope-{count // 2}"), lambda: look("scope")


def minter(private_key_pem: str, algorithm: str):
    creator = JwtAssertionCreator(private_key_pem, algorithm, sha1_thumbprint=_THUMBPRINT)
    return lambda: creator.create_normal_assertion("https://as.example/token", ISSUER)
