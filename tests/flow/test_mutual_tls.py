"""Mutual TLS with servers of others: nginx, and Python's own; each says whose certificate it saw (RFC 8705)."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import ssl
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import urljoin

import pytest
import requests
import trustme
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, load_pem_private_key, pkcs12
from cryptography.x509 import load_pem_x509_certificate

from sa_auth import ServiceAccountCredentials, keys
from sa_auth._clock import SYSTEM, Deadline
from sa_auth.errors import ConfigError, TransportError
from sa_auth.integrations.requests import adapter
from sa_auth.keys import Key, tls
from sa_auth.transports import RequestsTransport
from sa_auth.wire import Request
from tests.faults import FaultServer, Peer, reply, until

NGINX = shutil.which("nginx", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin")))
KINDS = {"RSA": trustme.KeyType.RSA, "P-256": trustme.KeyType.ECDSA}
CONFIGURATION = """
daemon off;
worker_processes 1;
pid "{folder}/nginx.pid";
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path "{folder}/body";
    proxy_temp_path "{folder}/proxy";
    fastcgi_temp_path "{folder}/fastcgi";
    uwsgi_temp_path "{folder}/uwsgi";
    scgi_temp_path "{folder}/scgi";
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_protocols {protocol};
        ssl_certificate "{folder}/server.pem";
        ssl_certificate_key "{folder}/server.pem";
        ssl_client_certificate "{bundle}";
        ssl_verify_client on;
        location /sign-in {{
            default_type application/json;
            return 200 '{{"access_token": "$ssl_client_fingerprint", "token_type": "Bearer", "expires_in": 3600}}';
        }}
        location / {{
            default_type text/plain;
            return 200 "$ssl_client_fingerprint $ssl_protocol $ssl_client_s_dn";
        }}
    }}
}}
"""


class Site(NamedTuple):
    """A server that demands a certificate of the authority, and answers with its SHA-1, the protocol and a name.

    At /sign-in it gives a token, which is the SHA-1.
    """

    url: str
    bundle: Path
    ca: trustme.CA


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    """A private authority, and its bundle."""
    ca, bundle = trustme.CA(), tmp_path_factory.mktemp("authority") / "ca.pem"
    ca.cert_pem.write_to_path(str(bundle))
    return ca, bundle


@pytest.fixture(scope="module", params=["nginx TLSv1.2", "nginx TLSv1.3", "python"])
def site(
    request: pytest.FixtureRequest, authority: tuple[trustme.CA, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The servers, one after the other."""
    ca, bundle = authority
    leaf = ca.issue_cert("127.0.0.1")
    name, _, protocol = request.param.partition(" ")
    if name == "nginx":
        yield from nginx(tmp_path_factory.mktemp("nginx"), protocol, leaf, Site("", bundle, ca))
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    with FaultServer(says_who, tls=context) as server:
        yield Site(server.url(), bundle, ca)


def says_who(peer: Peer) -> None:
    """Answers as the nginx of this file does."""
    request, sock = peer.read(), peer.sock
    assert isinstance(sock, ssl.SSLSocket)
    leaf: Any = sock.getpeercert()
    name = dict(part for entry in leaf["subject"] for part in entry)["commonName"]
    fingerprint = hashlib.sha1(sock.getpeercert(binary_form=True) or b"").hexdigest()
    token = {"access_token": fingerprint, "token_type": "Bearer", "expires_in": 3600}
    peer.send(reply(200, token if "/sign-in" in request.line else f"{fingerprint} {sock.version()} CN={name}"))


def nginx(folder: Path, protocol: str, leaf: trustme.LeafCert, site: Site) -> Iterator[Site]:
    """An nginx of our own, in a folder of its own, on a port that the system chose."""
    if NGINX is None:
        pytest.skip("nginx is not installed: `make system` as root brings it")
    leaf.private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    (folder / "nginx.conf").write_text(
        CONFIGURATION.format(folder=folder, port=port, protocol=protocol, bundle=site.bundle)
    )
    command = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        assert until(lambda: child.poll() is not None or listens(port), 10), (folder / "log").read_text()
        assert child.poll() is None, (folder / "log").read_text()
        yield site._replace(url=f"https://127.0.0.1:{port}/token")
    finally:
        child.terminate()
        try:
            child.wait(10)
        finally:
            child.kill()


def listens(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without proxies and CA bundles."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "requests_ca_bundle", "curl_ca_bundle"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(autouse=True)
def seen(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """What ssl was given to read, each looked at on disk; afterwards nothing of it is left."""
    folder, found = tmp_path / "temporary", []
    folder.mkdir()
    monkeypatch.setattr(tls.tempfile, "tempdir", str(folder))
    real = ssl.SSLContext.load_cert_chain

    def looked_at(self: ssl.SSLContext, certfile: Any, *arguments: Any, **options: Any) -> None:
        lying = [path for path in folder.rglob("*") if path.is_file()]
        assert lying == [Path(certfile)]
        assert stat.S_IMODE(os.stat(certfile).st_mode) == 0o600
        found.append(Path(certfile).read_bytes())
        real(self, certfile, *arguments, **options)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", looked_at)
    yield found
    assert list(folder.iterdir()) == []
    for content in found:
        assert content.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
        assert content.count(b"PRIVATE KEY-----") == 2
        with pytest.raises(TypeError, match="encrypted"):
            load_pem_private_key(content, None)


class Robot(NamedTuple):
    """A client: its key, and what a server should say of it."""

    key: Key
    name: str
    fingerprint: str


@pytest.fixture
def robot(site: Site) -> Callable[..., Robot]:
    """Makes clients, whose keys come from PEM or from a PFX."""

    def make(kind: str = "P-256", form: str = "PEM") -> Robot:
        name = f"robot {kind} {form}"
        leaf = site.ca.issue_cert("robot.test", common_name=name, key_type=KINDS[kind])
        private, certificate = leaf.private_key_pem.bytes(), leaf.cert_chain_pems[0].bytes()
        parsed = load_pem_x509_certificate(certificate)
        if form == "PEM":
            key = keys.from_pem(private, certificate=certificate)
        else:
            sealed = BestAvailableEncryption(b"a long one")
            made: Any = load_pem_private_key(private, None)
            data = pkcs12.serialize_key_and_certificates(b"robot", made, parsed, None, sealed)
            key = keys.from_pfx(data, password="a long one")
        return Robot(key, name, hashlib.sha1(parsed.public_bytes(Encoding.DER)).hexdigest())

    return make


def token_request(site: Site, transport: RequestsTransport) -> Any:
    """The response to a token request."""
    try:
        return transport.send(Request(site.url, b"grant_type=client_credentials"), Deadline(SYSTEM, 10))
    finally:
        transport.close()


# the token endpoint


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["PEM", "PFX"])
def test_transport(site: Site, robot: Callable[..., Robot], kind: str, form: str, seen: list[bytes]) -> None:
    """The token endpoint sees the certificate of the key given, whatever file it came in."""
    client = robot(kind, form)
    response = token_request(site, RequestsTransport(verify=site.bundle, certificate=client.key))
    fingerprint, protocol, name = response.body.decode().split(" ", 2)
    assert (response.status, fingerprint) == (200, client.fingerprint)
    assert f"CN={client.name}" in name
    assert protocol.startswith("TLSv1.")
    assert len(seen) == 1


def test_two_clients(site: Site, robot: Callable[..., Robot]) -> None:
    """Two clients of one process are told apart, however their requests alternate."""
    clients = [robot(kind) for kind in KINDS]
    first = RequestsTransport(verify=site.bundle, certificate=clients[0].key)
    transports = [first, first.presenting(clients[1].key)]
    for _ in range(2):
        for client, transport in zip(clients, transports, strict=True):
            response = transport.send(Request(site.url, b"a=1"), Deadline(SYSTEM, 10))
            assert response.body.decode().startswith(client.fingerprint)
    for transport in transports:
        transport.close()


def test_without_a_certificate(site: Site, seen: list[bytes]) -> None:
    """Without a certificate nobody comes in: nginx says so in HTTP, others by an alert with a hint."""
    outcome = answer(site, RequestsTransport(verify=site.bundle))
    if isinstance(outcome, TransportError):
        assert (outcome.code, outcome.retryable) == ("tls_failed", False)
        assert "client certificate" in outcome.message
    else:
        assert outcome.status == 400
    assert seen == []


def test_certificate_of_another_authority(site: Site, robot: Callable[..., Robot]) -> None:
    """A certificate that the server does not trust is refused, and is no failure that would be tried again."""
    leaf = trustme.CA().issue_cert("robot.test", common_name="stranger")
    stranger = keys.from_pem(leaf.private_key_pem.bytes(), certificate=leaf.cert_chain_pems[0].bytes())
    outcome = answer(site, RequestsTransport(verify=site.bundle, certificate=stranger))
    if isinstance(outcome, TransportError):
        assert (outcome.code, outcome.retryable) == ("tls_failed", False)
        assert "authority" in outcome.message
    else:
        assert outcome.status == 400


def answer(site: Site, transport: RequestsTransport) -> Any:
    """The response, or the error."""
    try:
        return token_request(site, transport)
    except TransportError as error:
        return error.copy()


def test_server_of_another_authority(site: Site, robot: Callable[..., Robot]) -> None:
    """A server that the client does not trust sees nothing, certificate or not."""
    outcome = answer(site, RequestsTransport(certificate=robot().key))
    assert isinstance(outcome, TransportError)
    assert (outcome.code, outcome.connected) == ("tls_failed", False)
    assert "CA bundle" in outcome.hint


# the API


@pytest.mark.parametrize("kind", KINDS)
def test_credentials(site: Site, kind: str, tmp_path: Path) -> None:
    """From the key file to the API: the token is asked for, and used, with the certificate that it is bound to."""
    leaf = site.ca.issue_cert("robot.test", common_name="robot", key_type=KINDS[kind])
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    key.touch(mode=0o600)
    leaf.private_key_pem.write_to_path(str(key))
    leaf.cert_chain_pems[0].write_to_path(str(certificate))
    creds = ServiceAccountCredentials(
        key,
        certificate=certificate,
        issuer="robot",
        token_endpoint=urljoin(site.url, "/sign-in"),
        grant="client_credentials",
        client_auth="tls_client_auth",
        transport=RequestsTransport(verify=site.bundle),
    )
    with creds, requests.Session() as session:
        session.auth, session.verify = creds, str(site.bundle)
        session.mount(site.url, adapter(creds))
        response = session.get(site.url, timeout=10)
    assert response.text.split()[0] == creds.token().access_token
    assert response.request.headers["Authorization"] == f"Bearer {creds.token().access_token}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("verified_by", ["argument", "Session", "environment"])
def test_adapter(
    site: Site, robot: Callable[..., Robot], kind: str, verified_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API sees the certificate that the tokens are bound to, and is verified as the Session says."""
    client = robot(kind, "PFX")
    given: dict[str, Any] = {}
    with requests.Session() as session:
        session.mount(site.url, adapter(SimpleNamespace(tls_key=client.key), pool_maxsize=2))
        with pytest.raises(requests.exceptions.SSLError):
            session.get(site.url, timeout=10)
        if verified_by == "argument":
            given["verify"] = str(site.bundle)
        elif verified_by == "Session":
            session.verify = str(site.bundle)
        else:
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(site.bundle))
        for _ in range(2):
            response = session.post(site.url, data={"a": "b"}, timeout=10, **given)
            assert (response.status_code, response.text.split()[0]) == (200, client.fingerprint)


def test_adapter_for_its_own_host_alone(site: Site, robot: Callable[..., Robot]) -> None:
    """What the adapter is not mounted for is not shown the certificate."""
    client = robot()
    with requests.Session() as session:
        session.verify = str(site.bundle)
        session.mount("https://api.test/", adapter(SimpleNamespace(tls_key=client.key)))
        try:
            response = session.get(site.url, timeout=10)
        except requests.exceptions.ConnectionError:
            return
        assert (response.status_code, client.fingerprint in response.text) == (400, False)


def test_adapter_follows_the_key(site: Site, robot: Callable[..., Robot]) -> None:
    """When the credentials' key is replaced, so is the certificate that the API sees."""
    before, after = robot("RSA"), robot("P-256")
    creds = SimpleNamespace(tls_key=before.key)
    with requests.Session() as session:
        session.verify = str(site.bundle)
        session.mount(site.url, adapter(creds))
        assert session.get(site.url, timeout=10).text.startswith(before.fingerprint)
        creds.tls_key = after.key
        assert session.get(site.url, timeout=10).text.startswith(after.fingerprint)
        creds.tls_key = None
        with pytest.raises(ConfigError):
            session.get(site.url, timeout=10)


@pytest.mark.parametrize("creds", [SimpleNamespace(tls_key=None), SimpleNamespace(), None])
def test_adapter_without_a_certificate(creds: Any) -> None:
    """Credentials whose tokens are bound to no certificate have nothing to present; the error says what is missing."""
    with pytest.raises(ConfigError, match='client_auth="tls_client_auth"') as caught:
        adapter(creds)
    assert caught.value.code == "no_tls_key"
