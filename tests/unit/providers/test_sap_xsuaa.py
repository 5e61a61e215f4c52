"""XSUAA: a service key with a certificate over mutual TLS, one with a secret, a user's token, and what is refused."""

from __future__ import annotations

import json
import os
import pickle
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import trustme

from sa_auth import ConfigError, InvalidClient, InvalidScope, KeyFileError, ServiceAccountCredentials
from sa_auth.caches.memory import MemoryCache
from sa_auth.client_auth import ClientSecretBasic, ClientSecretPost
from sa_auth.grants import JWTBearer
from sa_auth.testing import Authority, new_key
from sa_auth.testing.server import Server
from sa_auth.transports import RequestsTransport
from tests.contract.material import MATERIAL

CLIENT, SECRET = "sb-orders!t1", "my-secret"
RSA = MATERIAL["rsa2048"]
PRIVATE, PUBLIC = RSA.pair
CERTIFICATE = RSA.certificate.decode()
RENEWED = MATERIAL["p256"]
BY_CERTIFICATE = {
    "clientid": CLIENT, "certificate": CERTIFICATE, "key": PRIVATE, "credential-type": "x509",
    "certurl": "https://acme.authentication.cert.eu10.hana.ondemand.com",
    "url": "https://acme.authentication.eu10.hana.ondemand.com",
}  # fmt: skip
BY_SECRET = {
    "clientid": CLIENT, "clientsecret": SECRET, "url": "https://acme.authentication.eu10.hana.ondemand.com",
    "uaadomain": "authentication.eu10.hana.ondemand.com",
}  # fmt: skip
NAMES = {"provider": "sap_xsuaa", "server": BY_CERTIFICATE["certurl"]}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Server, RequestsTransport]]:
    """XSUAA over TLS, which asks for the client's certificate, and a transport that trusts it."""
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    context.load_verify_locations(cadata=CERTIFICATE + RENEWED.certificate.decode())
    context.verify_mode = ssl.CERT_OPTIONAL
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority = Authority(dialect="sap_xsuaa")
    authority.register(CLIENT, certificate=CERTIFICATE)
    authority.register("sb-secret!t1", client_secret=SECRET, scopes="orders.read uaa.resource")
    transport = RequestsTransport(verify=str(tmp_path / "ca.pem"))
    with authority.serve(ssl_context=context) as server:
        yield server, transport
    transport.close()


def test_by_certificate(served: tuple[Server, RequestsTransport]) -> None:
    """The service key's certificate is shown to certurl, and the form holds the client's id and no secret."""
    server, transport = served
    info = {**BY_CERTIFICATE, "certurl": server.url}
    creds = ServiceAccountCredentials.from_info(info, server=server.url, transport=transport, cache=MemoryCache())
    assert creds.token().access_token
    record = server.authority.requests[-1]
    assert (record.path, record.client_method) == ("/oauth/token", "tls_client_auth")
    assert record.form == {"grant_type": "client_credentials", "client_id": CLIENT}
    assert creds.tls_key is not None


@pytest.mark.parametrize("method", [ClientSecretBasic, ClientSecretPost])
def test_by_secret(method: Any, served: tuple[Server, RequestsTransport]) -> None:
    """A secret goes into the header, or into the form; the path is the same."""
    server, transport = served
    creds = ServiceAccountCredentials(
        provider="sap_xsuaa", client_auth=method("sb-secret!t1", SECRET), server=server.url, scope="orders.read",
        transport=transport, cache=MemoryCache(),
    )  # fmt: skip
    assert creds.token().scope == "orders.read"
    assert server.authority.requests[-1].client_method == method.name


def test_a_users_token(served: tuple[Server, RequestsTransport]) -> None:
    """A user's token is exchanged as it is, by the client that its certificate proves."""
    server, transport = served
    sts, public = new_key("p256")
    server.authority.trust_issuer("https://idp.example", public)
    now = int(time.time())
    claims = {"iss": "https://idp.example", "sub": "ada", "aud": CLIENT, "iat": now, "exp": now + 600}
    incoming = jwt.encode(claims, sts, algorithm="ES256")
    creds = ServiceAccountCredentials.from_info(
        BY_CERTIFICATE, server=server.url, grant=JWTBearer(incoming), transport=transport, cache=MemoryCache()
    )
    assert creds.token().access_token
    assert server.authority.requests[-1].form["assertion"] == incoming


def test_a_client_that_is_gone(served: tuple[Server, RequestsTransport]) -> None:
    """Bad credentials name the client and the certificate's short life."""
    server, transport = served
    server.authority.unregister(CLIENT)
    creds = ServiceAccountCredentials.from_info(
        BY_CERTIFICATE, server=server.url, transport=transport, cache=MemoryCache()
    )
    with pytest.raises(InvalidClient) as caught:
        creds.token()
    assert CLIENT in caught.value.hint
    assert "7 days" in caught.value.hint


def test_a_scope_that_was_not_granted(served: tuple[Server, RequestsTransport]) -> None:
    """A scope that the client does not have is named, with where it is granted; the secret is not."""
    server, transport = served
    creds = ServiceAccountCredentials(
        provider="sap_xsuaa", client_auth=ClientSecretBasic("sb-secret!t1", SECRET), server=server.url, scope="orders.write",
        transport=transport, cache=MemoryCache(),
    )  # fmt: skip
    with pytest.raises(InvalidScope) as caught:
        creds.token()
    assert "orders.write" in caught.value.hint
    assert "xs-security.json" in caught.value.hint
    assert SECRET not in str(caught.value)


# --- the service key


def test_a_renewed_certificate(served: tuple[Server, RequestsTransport], tmp_path: Path) -> None:
    """A new service key in the same place is what the next token is asked with, certificate and all."""
    server, transport = served
    path = tmp_path / "service-key.json"
    path.write_text(json.dumps(BY_CERTIFICATE))
    path.chmod(0o600)
    creds = ServiceAccountCredentials.from_file(path, server=server.url, transport=transport, cache=MemoryCache())
    first = creds.token()
    server.authority.unregister(CLIENT)
    server.authority.register(CLIENT, certificate=RENEWED.certificate)
    new = {"key": RENEWED.pair[0], "certificate": RENEWED.certificate.decode()}
    path.write_text(json.dumps({**BY_CERTIFICATE, **new}))
    os.utime(path, ns=(1, 1))
    creds.discard(first)
    assert creds.token().access_token != first.access_token
    assert server.authority.requests[-1].client_method == "tls_client_auth"


@pytest.mark.parametrize("info", [BY_CERTIFICATE, BY_SECRET], ids=["certificate", "secret"])
def test_another_process(info: dict[str, str], tmp_path: Path) -> None:
    """What travels to another process is the file's place, and neither key nor secret."""
    path = tmp_path / "service-key.json"
    path.write_text(json.dumps(info))
    path.chmod(0o600)
    creds = ServiceAccountCredentials.from_file(path)
    data = pickle.dumps(creds)
    assert SECRET.encode() not in data
    assert b"BEGIN" not in data
    assert pickle.loads(data).identity == creds.identity  # noqa: S301 - our own


def test_the_file(tmp_path: Path) -> None:
    """A service key opens without provider=, names its client, and goes to certurl."""
    path = tmp_path / "service-key.json"
    path.write_text(json.dumps(BY_CERTIFICATE))
    path.chmod(0o600)
    creds = ServiceAccountCredentials.from_file(path, cache=MemoryCache())
    assert f"provider='sap_xsuaa', issuer='{CLIENT}'" in repr(creds)
    assert creds._given["token_endpoint"] == f"{BY_CERTIFICATE['certurl']}/oauth/token"


def test_a_file_with_a_secret() -> None:
    """A service key with a secret goes to url, in a part `uaa` too; the secret is in no repr."""
    for info in (BY_SECRET, {"uaa": BY_SECRET, "url": "https://orders.example"}):
        creds = ServiceAccountCredentials.from_info(info, cache=MemoryCache())
        assert creds._given["token_endpoint"] == f"{BY_SECRET['url']}/oauth/token"
        assert SECRET not in repr(creds) + repr(creds._given)


@pytest.mark.parametrize("name", ["clientid", "certurl", "certificate", "key"])
@pytest.mark.parametrize("value", [None, "", 5])
def test_half_a_file(name: str, value: Any) -> None:
    """A service key without one of its fields is refused by the field's name, without a word of the key."""
    info = {**BY_CERTIFICATE, "uaadomain": "x", name: value}
    if value is None:
        del info[name]
    with pytest.raises(KeyFileError) as caught:
        ServiceAccountCredentials.from_info(info, provider="sap_xsuaa")
    assert caught.value.hint
    assert PRIVATE.splitlines()[1] not in str(caught.value)


@pytest.mark.parametrize("name", ["url", "clientsecret"])
def test_half_a_file_with_a_secret(name: str) -> None:
    """So is one with a secret."""
    with pytest.raises(KeyFileError):
        ServiceAccountCredentials.from_info({**BY_SECRET, name: " "})


def test_a_path_in_place_of_a_certificate() -> None:
    """A file from outside names no other file."""
    with pytest.raises(KeyFileError) as caught:
        ServiceAccountCredentials.from_info({**BY_CERTIFICATE, "certificate": "/etc/passwd"})
    assert "no PEM" in caught.value.message


@pytest.mark.parametrize("where", ["https://evil.example", "https://evil.example/.hana.ondemand.com"])
def test_a_host_that_is_none_of_saps(where: str) -> None:
    """A service key sends its proof to a host of SAP's alone, unless code says otherwise."""
    for info in ({**BY_CERTIFICATE, "certurl": where}, {**BY_SECRET, "url": where}):
        with pytest.raises(ConfigError) as caught:
            ServiceAccountCredentials.from_info(info)
        assert caught.value.code == "foreign_endpoint"
        assert ServiceAccountCredentials.from_info(info, server=where)


def test_another_provider() -> None:
    """A service key is SAP's alone, and Google's key file is none."""
    for other in ("google", "entra"):
        with pytest.raises(KeyFileError):
            ServiceAccountCredentials.from_info(BY_CERTIFICATE, provider=other)
    with pytest.raises(KeyFileError):
        ServiceAccountCredentials.from_info({"type": "service_account"}, provider="sap_xsuaa")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"key": None}, "no_client_auth"),
        ({"key": PRIVATE + "\n"}, "no_certificate"),
        ({"server": None}, "no_token_endpoint"),
        ({"server": BY_CERTIFICATE["url"]}, "bad_server"),
        ({"issuer": None}, "no_issuer"),
        ({"subject": "ada"}, "bad_subject"),
        ({"audience": "https://x.example"}, "bad_argument"),
        ({"grant": "jwt_bearer"}, "bad_argument"),
        ({"lifetime": 60}, "bad_argument"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_work(change: dict[str, Any], code: str) -> None:
    """What XSUAA would refuse is refused at construction."""
    given = {"key": PRIVATE + CERTIFICATE, "issuer": CLIENT, **NAMES, **change}
    with pytest.raises(ConfigError) as caught:
        ServiceAccountCredentials(**{name: value for name, value in given.items() if value is not None})
    assert caught.value.hint
    assert caught.value.code == code


def test_the_secret_of_a_file() -> None:
    """A service key's secret proves its client by Basic, whose id has a `!` in it."""
    authority = Authority(dialect="sap_xsuaa", issuer="https://acme.authentication.eu10.hana.ondemand.com")
    authority.register(CLIENT, client_secret=SECRET)
    ServiceAccountCredentials.from_info(BY_SECRET, transport=authority.transport(), cache=MemoryCache()).token()
    record = authority.requests[-1]
    assert (record.client, record.client_method) == (CLIENT, "client_secret_basic")
    assert record.form == {"grant_type": "client_credentials"}
