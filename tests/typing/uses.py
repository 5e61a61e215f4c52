"""How the library is used, checked by mypy and never run."""

from __future__ import annotations

from concurrent.futures import Future

import aiohttp
import httpx2
import requests
from typing_extensions import assert_type

from sa_auth import RefreshPolicy, Retry, ServiceAccountCredentials, Token
from sa_auth.client_auth import ClientSecretBasic
from sa_auth.integrations import aiohttp as for_aiohttp
from sa_auth.integrations import function, grpc, httpx, urllib3
from sa_auth.keys import from_jwk, from_pem, from_pfx
from sa_auth.signers import FromCallable, KeyService, RemoteSigner, Signer
from sa_auth.transports import RequestsTransport


def attach() -> None:
    creds = ServiceAccountCredentials.from_file("key.json", scope=["a", "b"])
    assert_type(creds, ServiceAccountCredentials)
    session = requests.Session()
    session.auth = creds
    requests.get("https://api.example", auth=creds, timeout=5)


def attach_elsewhere(creds: ServiceAccountCredentials) -> None:
    httpx2.Client(auth=httpx.Auth(creds))
    httpx2.AsyncClient(auth=httpx.Auth(creds, allowed_hosts=["api.example"]))
    aiohttp.ClientSession(middlewares=(for_aiohttp.Auth(creds),))
    assert_type(urllib3.Pool(creds).request("GET", "https://api.example", timeout=5).status, int)
    grpc.call_credentials(creds, allowed_hosts="api.example")
    assert_type(function.token_of(creds)(), str)


def acts(creds: ServiceAccountCredentials) -> None:
    assert_type(creds.token(min_ttl=60), Token)
    assert_type(creds.poll(), Token | Future[Token])
    assert_type(creds.replace(subject="user"), ServiceAccountCredentials)
    with creds as same:
        assert_type(same, ServiceAccountCredentials)


def construct() -> None:
    for key in (from_pem("text"), from_pfx(b"data", password=lambda: "secret"), from_jwk({"kty": "EC"})):
        ServiceAccountCredentials(
            key,
            issuer="robot",
            token_endpoint="https://as.example/token",
            client_auth=ClientSecretBasic("id", "secret"),
            transport=RequestsTransport(verify="/etc/ssl/ca.pem"),
            refresh=RefreshPolicy(lead=3),
            retry=Retry(attempts=1),
        )


def keys_elsewhere(service: KeyService) -> None:
    one: Signer = FromCallable(lambda data: data, "-----BEGIN PUBLIC KEY-----", der=True)
    two: Signer = RemoteSigner(service, certificate=b"", reuse=60)
    for key in (one, two, "vault:robot"):
        ServiceAccountCredentials(key, issuer="robot", password=lambda: "1234")
