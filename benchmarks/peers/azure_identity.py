"""azure-identity: CertificateCredential, asked by `get_token` as Azure's clients ask.

It wants a certificate beside the key, an https authority, and a discovery document. The certificate is made here where
the key's text has none; the rest is as for msal, which does its work (see `entra`).
"""

from __future__ import annotations

import functools
from urllib.parse import urlsplit

from azure.core.pipeline.transport import RequestsTransport
from azure.identity import CertificateCredential

from . import ISSUER, SCOPE
from .entra import Carrier

name = distribution = "azure-identity"
own = "azure"
caveat = (
    "It is msal under Azure's own pipeline, made for Entra ID, with its discovery answered inside the adapter; that "
    "pipeline asks up to four times, with pauses; left alone it waits 300 s."
)
imports = "from azure.identity import CertificateCredential"
due = ({"expires_in": 3600, "refresh_in": 1}, 31.2)  # it asks again 30 s after the last request at the soonest
cannot = {
    "key_load": "as msal, over which it lies; it loads the key once more, to see whether it can",
    "assertion_rs256": "its assertions are msal's",
    "assertion_es256": "its assertions are msal's",
    "session_get": "its session is Azure's pipeline, which is none of `requests`",
    "tasks": "its asyncio credential is another one, over aiohttp",
    "identities": "its cache is msal's",
}


class _Client:
    def __init__(self, credential: CertificateCredential) -> None:
        self._credential, self._until = credential, 0.0

    def token(self, **more) -> str:
        given = self._credential.get_token(SCOPE, **more)
        self._until = float(given.expires_on)
        return given.token

    def until(self) -> float | None:
        return self._until

    def header(self, request) -> None:
        request.headers["Authorization"] = "Bearer " + self.token()

    def renew(self) -> None:
        self.token(claims='{"access_token": {}}')  # the documented way past its cache


def open(token_endpoint: str, private_key_pem: str, *, timeout: float) -> _Client:  # noqa: A001 - the peers' word
    transport = RequestsTransport(
        session=Carrier(token_endpoint, tries=0, timeout=timeout),  # it retries above its transport
        session_owner=False, connection_timeout=timeout, read_timeout=timeout,
    )  # fmt: skip
    return _Client(
        CertificateCredential(
            "tenant", ISSUER, certificate_data=prepared(private_key_pem).encode(), transport=transport,
            authority=f"https://{urlsplit(token_endpoint).netloc}", disable_instance_discovery=True,
        )
    )  # fmt: skip


@functools.cache
def prepared(private_key_pem: str) -> str:
    """The key with a certificate behind it, as its users have it in a file."""
    if "BEGIN CERTIFICATE" in private_key_pem:
        return private_key_pem
    from datetime import datetime, timedelta, timezone

    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

    key = load_pem_private_key(private_key_pem.encode(), None)
    whose, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "robot")]), datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder(whose, whose, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, SHA256())
    )
    return private_key_pem + certificate.public_bytes(Encoding.PEM).decode()
