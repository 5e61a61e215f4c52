"""Mutual TLS: whose certificate arrives, what a server's "no" becomes, and whom we trust meanwhile (RFC 8705)."""

from __future__ import annotations

import base64
import copy
import hashlib
import os
import pickle
import select
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
import trustme
from requests.adapters import HTTPAdapter
from requests.exceptions import SSLError

from sa_auth import keys
from sa_auth._clock import SYSTEM, Deadline
from sa_auth.errors import ConfigError, KeyLoadError, TransportError
from sa_auth.keys import Key, tls
from sa_auth.testing import new_key
from sa_auth.transports import LateTransport, RequestsTransport, mutual_tls
from sa_auth.transports import requests as adapter
from sa_auth.transports.following import FollowingTransport
from sa_auth.transports.mutual_tls import PresentingAdapter
from sa_auth.wire import Request
from tests.faults import FaultServer, Peer, Play, breaks, breaks_handshake, honest, reply

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
NAMES = ("127.0.0.1", "token.test")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without proxies and CA bundles."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "requests_ca_bundle", "curl_ca_bundle"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


class Authority:
    """A certificate authority of a test, with its bundle in a file."""

    def __init__(self, folder: Path, name: str) -> None:
        self.ca = trustme.CA(organization_name=name)
        self.bundle = folder / f"{name}.pem"
        self.ca.cert_pem.write_to_path(str(self.bundle))

    def key(self, days: tuple[int, int] = (-1, 30), kind: trustme.KeyType = trustme.KeyType.ECDSA) -> Key:
        """A key with a certificate for a client, which begins and ends so many days from now."""
        now = datetime.now(timezone.utc)
        begins, ends = (now + timedelta(days=number) for number in days)
        leaf = self.ca.issue_cert("robot.test", not_before=begins, not_after=ends, key_type=kind)
        chain = b"".join(pem.bytes() for pem in leaf.cert_chain_pems)
        return keys.from_pem(leaf.private_key_pem.bytes(), certificate=chain)

    def server(
        self, *names: str, clients: trustme.CA | None = None, version: ssl.TLSVersion | None = None
    ) -> ssl.SSLContext:
        """A server's context, which demands a certificate of these clients, by default its own authority's."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*names or NAMES).configure_cert(context)
        (clients or self.ca).configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
        if version is not None:
            context.minimum_version = context.maximum_version = version
        return context


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority that servers and clients have in common."""
    return Authority(tmp_path_factory.mktemp("ours"), "ours")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that the server does not know."""
    return Authority(tmp_path_factory.mktemp("theirs"), "theirs")


@pytest.fixture(scope="module")
def key(ours: Authority) -> Key:
    """The right key."""
    return ours.key()


@pytest.fixture
def server(ours: Authority) -> Iterator[FaultServer]:
    """A server that demands a certificate, and answers with its thumbprint."""
    with FaultServer(echoes, tls=ours.server()) as made:
        yield made


def thumbprint(peer: Peer) -> bytes:
    """The x5t#S256 of the certificate that came, "none" where none did."""
    der = peer.sock.getpeercert(binary_form=True)  # type: ignore[attr-defined]  # a TLS socket here
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=") if der else b"none"


def echoes(peer: Peer) -> None:
    """Answers with the thumbprint, and ends the connection."""
    peer.read()
    peer.send(reply(200, thumbprint(peer)))


def keeps(peer: Peer) -> None:
    """Answers with the thumbprint, again and again on one connection."""
    while True:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 43\r\n\r\n" + thumbprint(peer))


def sent(url: str, transport: Any, *, size: int = 3, timeout: float = 5.0) -> str:
    """What comes back for a request of that many bytes."""
    try:
        return transport.send(Request(url, b"a" * size), Deadline(SYSTEM, timeout)).body.decode()  # type: ignore[no-any-return]
    finally:
        transport.close()


def failed(url: str, transport: Any, **options: Any) -> TransportError:
    """The error that comes of it."""
    with pytest.raises(TransportError) as caught:
        sent(url, transport, **options)
    return caught.value


# the right certificate


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", list(trustme.KeyType))
def test_accepted(server: FaultServer, ours: Authority, kind: trustme.KeyType, version: ssl.TLSVersion) -> None:
    """The certificate that arrives is the one given, and its thumbprint the transport's (RFC 8705 section 3.1)."""
    server.tls = ours.server(version=version)
    transport = RequestsTransport(verify=ours.bundle, certificate=ours.key(kind=kind))
    assert sent(server.url(), transport) == transport.certificate_thumbprint
    assert len(transport.certificate_thumbprint) == 43


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_bundle_of_the_environment(
    server: FaultServer, ours: Authority, key: Key, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment's CA bundle is honoured with a certificate as without."""
    transport = RequestsTransport(certificate=key)
    assert failed(server.url(), transport).code == "tls_failed"
    monkeypatch.setenv(name, str(ours.bundle))
    assert sent(server.url(), transport) == transport.certificate_thumbprint


def test_default_bundle(server: FaultServer, ours: Authority, key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a bundle named, the authorities of `requests` are trusted, whichever its version."""
    for module in (mutual_tls, requests.adapters):
        monkeypatch.setattr(module, "DEFAULT_CA_BUNDLE_PATH", str(ours.bundle))
    transport = RequestsTransport(certificate=key)
    assert sent(server.url(), transport) == transport.certificate_thumbprint


def test_bundle_that_is_a_folder(server: FaultServer, ours: Authority, key: Key, tmp_path: Path) -> None:
    """A folder of authorities is taken as one; an empty one trusts nobody."""
    assert failed(server.url(), RequestsTransport(verify=tmp_path, certificate=key)).code == "tls_failed"
    assert server.requests == []


def test_late_transport(server: FaultServer, ours: Authority, key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default transport presents what it was given."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ours.bundle))
    assert sent(server.url(), LateTransport(key)) == key.x5t_s256


def test_plain_http_to_this_machine(key: Key) -> None:
    """Where there is no TLS nothing is presented, and nothing fails for it."""
    with FaultServer(honest()) as plain:
        assert "access_token" in sent(plain.url(), RequestsTransport(certificate=key))


# no, or the wrong, certificate


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("which", "words"), [("none", "wants a client certificate"), ("foreign", "authority"), ("expired", "expired")]
)
@pytest.mark.parametrize("size", [3, 50_000])
@pytest.mark.filterwarnings("ignore::sa_auth.keys.CertificateWarning")
def test_refused(
    server: FaultServer, ours: Authority, theirs: Authority, which: str, words: str, size: int, version: ssl.TLSVersion
) -> None:
    """A server's "no" to the certificate is told from a lost connection, though TLS 1.3 says it after the request."""
    server.tls = ours.server(version=version)
    given = {"none": lambda: None, "foreign": theirs.key, "expired": lambda: ours.key((-9, -2))}[which]()
    for _ in range(10):  # the alert and the request cross each other, now so, now so
        error = failed(server.url(), RequestsTransport(verify=ours.bundle, certificate=given), size=size)
        assert (error.code, error.retryable, error.connected) == ("tls_failed", False, False), error
        assert words in error.message
    assert server.requests == []


def test_lost_connection_stays_one(server: FaultServer, ours: Authority, key: Key) -> None:
    """A server that goes without a word has not judged the certificate: the same call may succeed later."""
    transport = RequestsTransport(verify=ours.bundle, certificate=key)
    server.play = breaks(reset=True)
    error = failed(server.url(), transport)
    assert (error.code, error.retryable) == ("connection_lost", True)
    server.tls, server.play = None, breaks_handshake(reset=True)
    assert failed(server.url(scheme="https"), transport).code == "connection_lost"


@pytest.mark.parametrize("wrong", ["unknown", "elsewhere"])
def test_wrong_server(server: FaultServer, ours: Authority, theirs: Authority, key: Key, wrong: str) -> None:
    """A server that is not who it should be gets neither the certificate nor a request."""
    came: list[bytes] = []

    def noting(peer: Peer) -> None:
        came.append(thumbprint(peer))
        echoes(peer)

    server.play = noting
    server.tls = {"unknown": theirs.server(clients=ours.ca), "elsewhere": ours.server("other.test")}[wrong]
    error = failed(server.url(), RequestsTransport(verify=ours.bundle, certificate=key))
    assert (error.code, error.connected) == ("tls_failed", False)
    assert "verify failed" in error.message or "mismatch" in error.message or "unable to get" in error.message
    assert (came, server.requests) == ([], [])


def test_key_that_ssl_refuses(server: FaultServer, ours: Authority, key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong with the key itself is said as such, without the frames that had the request."""
    monkeypatch.setattr(tls, "_load", lambda *_: KeyLoadError("No.", code="tls_refused", hint="Another."))
    with pytest.raises(KeyLoadError) as caught:
        sent(server.url(), RequestsTransport(verify=ours.bundle, certificate=key))
    assert (caught.value.code, caught.value.__context__) == ("tls_refused", None)


# proxies


def forwards(port: int, seen: list[bytes]) -> Play:
    """A proxy that lets through to that port of this machine, and notes whose certificate it was shown, if any."""

    def play(peer: Peer) -> None:
        if isinstance(peer.sock, ssl.SSLSocket):
            seen.append(thumbprint(peer))
        assert peer.read().line.startswith("CONNECT ")
        peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection(("127.0.0.1", port)) as away:
            ends = {peer.sock: away, away: peer.sock}
            while True:
                ready, _, _ = select.select(list(ends), [], [], 5)
                for end in ready:
                    if not (data := end.recv(65536)):
                        return
                    ends[end].sendall(data)

    return play


def test_through_a_proxy(server: FaultServer, ours: Authority, key: Key) -> None:
    """Through a proxy's tunnel it is the server that is shown the certificate."""
    with FaultServer(forwards(server.port, [])) as proxy:
        proxies = {"https": f"http://127.0.0.1:{proxy.port}"}
        transport = RequestsTransport(verify=ours.bundle, proxies=proxies, certificate=key)
        assert sent("https://token.test/token", transport) == key.x5t_s256
        assert failed("https://token.test/token", transport.presenting(None)).code == "tls_failed"


def test_through_a_proxy_by_tls(server: FaultServer, ours: Authority, key: Key) -> None:
    """A proxy that is itself spoken to over TLS is not shown the certificate, though it may ask for one."""
    asking = ours.server()
    asking.verify_mode = ssl.CERT_OPTIONAL
    seen: list[bytes] = []
    with FaultServer(forwards(server.port, seen), tls=asking) as proxy:
        proxies = {"https": f"https://127.0.0.1:{proxy.port}"}
        transport = RequestsTransport(verify=ours.bundle, proxies=proxies, certificate=key)
        assert sent("https://token.test/token", transport) == key.x5t_s256
        assert seen == [b"none"]


def test_proxy_that_wants_one_itself(server: FaultServer, ours: Authority, key: Key) -> None:
    """A proxy that demands a certificate is a failure of the proxy's, not of the server behind it."""
    with FaultServer(forwards(server.port, []), tls=ours.server()) as proxy:
        proxies = {"https": f"https://127.0.0.1:{proxy.port}"}
        transport = RequestsTransport(verify=ours.bundle, proxies=proxies, certificate=key)
        assert failed("https://token.test/token", transport).code == "proxy_failed"
        assert server.connections == 0


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_plain_http_through_a_proxy_by_tls(ours: Authority, key: Key) -> None:
    """A proxy that reads what goes through it is not shown the certificate either."""
    asking = ours.server()
    asking.verify_mode = ssl.CERT_OPTIONAL
    with FaultServer(echoes, tls=asking) as proxy:
        proxies = {"http": f"https://127.0.0.1:{proxy.port}"}
        transport = RequestsTransport(verify=ours.bundle, proxies=proxies, certificate=key)
        assert sent("http://token.test/token", transport) == "none"


# pools and contexts


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[Key]:
    """The keys that were loaded into a context, in order."""
    loaded: list[Key] = []
    real = tls.load_into

    def noting(context: ssl.SSLContext, key: Key) -> None:
        loaded.append(key)
        real(context, key)

    monkeypatch.setattr(tls, "load_into", noting)
    return loaded


def test_one_context_for_a_pool(server: FaultServer, ours: Authority, key: Key, loads: list[Key]) -> None:
    """The key is loaded when something is first sent, once for all connections."""
    transport = RequestsTransport(verify=ours.bundle, certificate=key)
    assert loads == []
    for _ in range(3):
        transport.send(Request(server.url(), b"a"), Deadline(SYSTEM, 5))
    assert (server.connections, loads) == (3, [key])
    transport.close()


def test_child_process_has_its_own(
    server: FaultServer, ours: Authority, key: Key, loads: list[Key], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A forked child makes a context of its own."""
    transport = RequestsTransport(verify=ours.bundle, certificate=key)
    transport.send(Request(server.url(), b"a"), Deadline(SYSTEM, 5))
    parent, real = transport._pool(), os.getpid()
    monkeypatch.setattr(adapter.os, "getpid", lambda: real + 1)
    assert transport.send(Request(server.url(), b"a"), Deadline(SYSTEM, 5)).body.decode() == key.x5t_s256
    assert loads == [key, key]
    transport.close()
    parent.close()


def test_presenting(server: FaultServer, ours: Authority, key: Key) -> None:
    """The same settings with another certificate share no connection with the first."""
    server.play = keeps
    one = RequestsTransport(verify=ours.bundle, proxies={}, certificate=key)
    other = one.presenting(ours.key())
    assert (other._verify, other._proxies) == (one._verify, one._proxies)
    for transport in (one, other, one, other):
        response = transport.send(Request(server.url(), b"a"), Deadline(SYSTEM, 5))
        assert response.body.decode() == transport.certificate_thumbprint
    assert server.connections == 2
    assert one.presenting(None).certificate is None
    for transport in (one, other):
        transport.close()


# in a Session


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """A Session, closed at the end."""
    with requests.Session() as made:
        yield made


def test_trust_is_not_carried_over(
    server: FaultServer, ours: Authority, theirs: Authority, key: Key, session: requests.Session
) -> None:
    """Who was trusted in one call is not in the next, which names another authority: one context, or one trust."""
    session.mount("https://", PresentingAdapter(lambda: key))
    assert session.get(server.url(), verify=str(ours.bundle), timeout=5).text == key.x5t_s256
    for verify in (str(theirs.bundle), True):
        with pytest.raises(SSLError, match="CERTIFICATE_VERIFY_FAILED"):
            session.get(server.url(), verify=verify, timeout=5)
    assert session.get(server.url(), verify=str(ours.bundle), timeout=5).text == key.x5t_s256


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_session_that_verifies_nobody(
    server: FaultServer, ours: Authority, key: Key, session: requests.Session
) -> None:
    """A Session's verify=False is its own business, and ends with the call."""
    session.mount("https://", PresentingAdapter(lambda: key))
    assert session.get(server.url(), verify=False, timeout=5).text == key.x5t_s256
    with pytest.raises(SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        session.get(server.url(), timeout=5)


def test_session_with_a_certificate_of_its_own(
    server: FaultServer, ours: Authority, key: Key, session: requests.Session, tmp_path: Path
) -> None:
    """Two certificates are one too many: the Session's would take the place of ours for good."""
    session.mount("https://", PresentingAdapter(lambda: key))
    ours.ca.issue_cert("other.test").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "other.pem"))
    with pytest.raises(ConfigError, match="cert=") as caught:
        session.get(server.url(), verify=str(ours.bundle), cert=str(tmp_path / "other.pem"), timeout=5)
    assert caught.value.code == "two_certificates"
    assert session.get(server.url(), verify=str(ours.bundle), timeout=5).text == key.x5t_s256


def test_changed_key(server: FaultServer, ours: Authority, key: Key, session: requests.Session) -> None:
    """After the key was changed, what is sent goes over a connection that presents the new one."""
    server.play = keeps
    current = [key]
    session.mount("https://", PresentingAdapter(lambda: current[0]))
    session.verify = str(ours.bundle)
    assert session.get(server.url(), timeout=5).text == key.x5t_s256
    current[0] = ours.key()
    assert session.get(server.url(), timeout=5).text == current[0].x5t_s256 != key.x5t_s256


def test_without_a_certificate_nothing_is_changed(key: Key) -> None:
    """An adapter without a certificate chooses its pools just as `requests` does."""
    request = requests.Request("GET", "https://token.test/").prepare()
    plain, bare = HTTPAdapter(), PresentingAdapter(lambda: None)
    for verify in (True, False, "/some/bundle.pem"):
        expected = plain.build_connection_pool_key_attributes(request, verify)
        assert bare.build_connection_pool_key_attributes(request, verify) == expected


# values


@pytest.mark.parametrize("make", [lambda given: RequestsTransport(certificate=given), LateTransport])
class TestBothTransports:
    """What the two have in common."""

    def test_properties(self, make: Callable[[Any], Any], key: Key) -> None:
        """Both tell what they present, and give another of their kind."""
        transport = make(key)
        assert (transport.certificate, transport.certificate_thumbprint) == (key, key.x5t_s256)
        bare = transport.presenting(None)
        assert (bare.certificate, bare.certificate_thumbprint) == (None, "")
        assert bare.presenting(key).certificate is key
        assert type(bare) is type(transport)

    def test_nothing_is_changed_afterwards(self, make: Callable[[Any], Any], key: Key) -> None:
        """Who is presented cannot be changed after construction (docs/faults.md line 37)."""
        transport = make(key)
        for name in ("certificate", "certificate_thumbprint"):
            with pytest.raises(AttributeError):
                setattr(transport, name, None)

    @pytest.mark.parametrize("given", ["client.pem", b"-----BEGIN", ("cert", "key"), object(), True])
    def test_what_is_no_key(self, make: Callable[[Any], Any], given: Any) -> None:
        """A path or a pair of paths, as `requests` takes them, is refused with the way to load a key."""
        with pytest.raises(ConfigError, match=r"keys\.from_pem") as caught:
            make(given)
        assert caught.value.code == "bad_argument"
        assert "client.pem" not in str(caught.value)

    def test_key_without_a_certificate(self, make: Callable[[Any], Any], key: Key) -> None:
        """A key alone is refused at once, not when something is first sent."""
        with pytest.raises(ConfigError) as caught:
            make(Key(key.private_key))
        assert caught.value.code == "no_certificate"

    def test_pickle(self, make: Callable[[Any], Any], key: Key) -> None:
        """Keys do not travel; a transport without one does."""
        for act in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(ConfigError, match="private key") as caught:
                act(make(key))
            assert (caught.value.code, bool(caught.value.hint)) == ("not_picklable", True)
        again = pickle.loads(pickle.dumps(make(None)))
        assert again.certificate is None


def test_repr(key: Key) -> None:
    """A transport shows the short form of its key, and no certificate where it has none."""
    assert repr(RequestsTransport(certificate=key)) == f"RequestsTransport({key!r})"
    assert repr(RequestsTransport()) == "RequestsTransport()"


def test_default(key: Key) -> None:
    """Any default transport may stand for another, except where it presents something."""
    assert LateTransport().default
    assert not LateTransport(key).default


def test_adapter_is_not_pickled(key: Key) -> None:
    """A Session that was given a key does not travel with it."""
    with requests.Session() as session:
        session.mount("https://api.test/", PresentingAdapter(lambda: key))
        with pytest.raises(ConfigError) as caught:
            pickle.dumps(session)
    assert caught.value.code == "not_picklable"


def test_a_new_key_without_a_certificate_is_not_presented(tmp_path: Path) -> None:
    """A key file that is replaced by one without a certificate leaves the last certificate in use, here and at the API."""
    first, second = (Authority(tmp_path, name).key() for name in ("first", "second"))
    signer, presented = SimpleNamespace(key=first), []
    carrier = SimpleNamespace(presenting=lambda key: SimpleNamespace(send=lambda *_: presented.append(key)))
    transport = FollowingTransport(carrier, signer)
    for key in (first, keys.from_pem(new_key("p256")[0]), second, keys.from_pem(new_key("p256")[0])):
        signer.key = key
        transport.send(Request("https://as.example/token"), Deadline(SYSTEM, 10))
        assert transport.certificate is presented[-1]
    assert presented == [first, first, second, second]
