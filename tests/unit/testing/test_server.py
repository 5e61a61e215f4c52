"""The authority over real HTTP on loopback."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import trustme

from sa_auth.testing import Authority, Server
from sa_auth.wire import Request, Response

if TYPE_CHECKING:
    from .conftest import Forger


@pytest.fixture
def server(authority: Authority) -> Iterator[Server]:
    """The authority, served."""
    with authority.serve() as served:
        yield served


def connect(server: Server) -> socket.socket:
    """A bare connection to it."""
    where = urlsplit(server.url)
    return socket.create_connection((str(where.hostname), int(where.port or 0)), 10)


def ask(server: Server, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def post(server: Server, forger: Forger) -> tuple[int, bytes]:
    """A right token request."""
    body = forger.request().body
    return ask(server, "POST", "/token", body, Content_Type="application/x-www-form-urlencoded")


def say(server: Server, data: bytes) -> bytes:
    """Sends bytes and reads until the server ends the connection."""
    with connect(server) as connection:
        connection.sendall(data)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
        return answer


def test_a_token_from_it_is_good_at_its_api(server: Server, forger: Forger) -> None:
    """Token endpoint and API are there by their URLs."""
    forger.audience = server.token_endpoint
    status, body = post(server, forger)
    assert status == 200
    bearer = "Bearer " + json.loads(body)["access_token"]
    status, body = ask(server, "PUT", "/api/x", b"abc", Authorization=bearer)
    assert (status, json.loads(body)["received"]) == (200, 3)
    assert server.token_endpoint == f"{server.url}/token"
    assert server.api_url == f"{server.url}/api"
    assert server.url.startswith("http://127.0.0.1:")


def test_its_url_is_a_name_of_the_authority_while_it_is_served(authority: Authority) -> None:
    """An assertion may name the served endpoint as long as the server runs, and no longer."""
    own = [authority.token_endpoint]
    with authority.serve() as first, authority.serve() as second:
        assert list(authority.endpoints) == [*own, first.token_endpoint, second.token_endpoint]
        assert {first.url, second.url} < set(authority.audiences)
    assert list(authority.endpoints) == own


def test_a_connection_serves_many_requests(server: Server) -> None:
    """Requests follow one another on one connection, also in a single packet."""
    one = b"GET /api/a HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /api/b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = say(server, one + one + last)
    assert answer.count(b"HTTP/1.1 401 Unauthorized") == 3
    assert answer.count(b"connection: keep-alive") == 2


def test_head_and_body_come_in_one_packet(server: Server) -> None:
    """A response leaves in one write, so that one read has it all."""
    with connect(server) as connection:
        for _ in range(20):
            connection.sendall(b"GET /api/a HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(65536).endswith(b"\r\n\r\n{}")


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 4\r\n\r\nabcd",
        b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n3;x=y\r\nbcd\r\n0\r\nTrailer: x\r\n\r\n",
    ],
)
def test_a_body_comes_whole_or_in_chunks(body: bytes, server: Server) -> None:
    """Both ways of saying where a body ends are understood."""
    token = server.authority.issue().encode()
    head = b"POST /api HTTP/1.1\r\nConnection: close\r\nAuthorization: Bearer " + token + b"\r\n"
    assert b'"received": 4' in say(server, head + body)


def test_a_client_may_wait_to_be_told_to_go_on(server: Server) -> None:
    """Expect: 100-continue is answered before the body is read."""
    with connect(server) as connection:
        connection.sendall(b"POST /token HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"a=b")
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")


def test_a_head_request_has_no_body(server: Server) -> None:
    """HEAD brings the header fields alone."""
    assert say(server, b"HEAD /api HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nX : 1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX\r\n\r\n", 400),
        (b"POST /token HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /token HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n", 413),
        (b"POST /token HTTP/1.1\r\nContent-Length: " + b"9" * 6000 + b"\r\n\r\n", 413),
        (b"POST /token HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /token HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        (b"POST /token HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST /token HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n", 413),
        (b"POST /token HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", 400),
    ],
)
def test_what_cannot_be_read_is_refused(data: bytes, status: int, server: Server) -> None:
    """A request that is malformed or too large gets its status, and the connection ends."""
    with connect(server) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(65536)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"connection: close" in answer
    assert server.authority.requests == ()


def test_a_client_that_sends_too_much_hears_why(server: Server) -> None:
    """The answer to a huge body arrives although the client is still sending it."""
    data = b"POST /token HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3_000_000
    assert say(server, data).startswith(b"HTTP/1.1 413 ")


def test_two_hundred_clients_connect_at_once(server: Server) -> None:
    """A herd is served without a reset."""
    token, barrier, seen = server.authority.issue(), threading.Barrier(200), list[object]()
    data = f"GET /api HTTP/1.1\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n".encode()

    def call() -> None:
        barrier.wait(30)
        try:
            seen.append(say(server, data)[:15])
        except OSError as error:
            seen.append(error)

    threads = [threading.Thread(target=call) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [b"HTTP/1.1 200 OK"] * 200
    assert server.authority.api.calls == 200


def test_closing_leaves_nothing_behind(authority: Authority) -> None:
    """After close() no thread runs, open connections are cut at once, and the port is free."""
    before = set(threading.enumerate())
    server = authority.serve()
    idle = connect(server)
    busy = connect(server)
    busy.sendall(b"GET /api HTTP/1.1\r\n\r\n")
    busy.recv(65536)
    began = time.monotonic()
    server.close()
    server.close()
    assert time.monotonic() - began < 2
    assert set(threading.enumerate()) <= before
    with idle, busy:
        assert idle.recv(1) == b""
        assert busy.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        connect(server)


@pytest.mark.parametrize("fault", ["delay", "hold", "drip"])
def test_closing_does_not_wait_for_a_slow_answer(fault: str, authority: Authority) -> None:
    """A connection whose answer is delayed, held or dripping is cut at once."""
    before = set(threading.enumerate())
    if fault == "hold":
        authority.hold()
    else:
        setattr(authority, fault, 60.0)
    server = authority.serve()
    with connect(server) as connection:
        connection.sendall(b"POST /token HTTP/1.1\r\n\r\n")
        while not authority.requests:
            time.sleep(0.001)
        began = time.monotonic()
        server.close()
        assert time.monotonic() - began < 2
    assert set(threading.enumerate()) <= before


def test_a_delay_takes_real_time_after_the_count(server: Server, forger: Forger) -> None:
    """The exchange is counted when the request is accepted, and answered so many seconds later."""
    authority = server.authority
    authority.delay = 0.2
    answers: list[int] = []
    began = time.monotonic()
    thread = threading.Thread(target=lambda: answers.append(post(server, forger)[0]))
    thread.start()
    while authority.exchanges == 0:
        time.sleep(0.001)
    assert answers == []
    thread.join()
    assert answers == [200]
    assert time.monotonic() - began >= 0.2


def test_the_api_knows_no_delay(server: Server) -> None:
    """Delay and drip are the token endpoint's."""
    server.authority.delay = server.authority.drip = 60
    assert ask(server, "GET", "/api")[0] == 401


def test_a_body_can_drip(server: Server) -> None:
    """Each byte of the body comes by itself."""
    server.authority.answer(200, b"12345")
    server.authority.drip = 0.02
    began = time.monotonic()
    assert ask(server, "POST", "/token") == (200, b"12345")
    assert time.monotonic() - began >= 0.08


def test_a_body_can_be_cut(server: Server) -> None:
    """The connection ends after so many bytes, although more were announced."""
    server.authority.answer(200, b"12345")
    server.authority.cut = 2
    with pytest.raises(http.client.IncompleteRead) as caught:
        ask(server, "POST", "/token")
    assert (caught.value.partial, caught.value.expected) == (b"12", 3)


def test_a_wrong_length_can_be_announced(server: Server) -> None:
    """A planned answer may lie about its length; the connection ends with it."""
    server.authority.answer(200, b"12345", {"Content-Length": "9"})
    with pytest.raises(http.client.IncompleteRead):
        ask(server, "POST", "/token")


def test_an_unreachable_server_answers_nothing(server: Server) -> None:
    """Connections, old and new, end without a byte, until it is up again."""
    with connect(server) as old:
        old.sendall(b"GET /api HTTP/1.1\r\n\r\n")
        old.recv(65536)
        server.authority.unreachable = True
        old.sendall(b"GET /api HTTP/1.1\r\n\r\n")
        assert old.recv(1) == b""
    with connect(server) as new:
        assert new.recv(1) == b""
    server.authority.up()
    assert ask(server, "GET", "/api")[0] == 401


@pytest.fixture
def certificates() -> trustme.CA:
    """A certificate authority of this test's own."""
    return trustme.CA()


def https_get(server: Server, ca: trustme.CA) -> int:
    """One request over TLS, the certificate checked."""
    context = ssl.create_default_context()
    ca.configure_trust(context)
    connection = http.client.HTTPSConnection(urlsplit(server.url).netloc, context=context, timeout=10)
    try:
        connection.request("GET", "/api")
        return connection.getresponse().status
    finally:
        connection.close()


def test_it_serves_over_tls_by_certificate_files(
    authority: Authority, certificates: trustme.CA, tmp_path: Path
) -> None:
    """With a certificate and key its URLs are https."""
    issued = certificates.issue_cert("127.0.0.1")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(str(key))
    with authority.serve(certificate=certificate, key=key) as server:
        assert server.url.startswith("https://127.0.0.1:")
        assert https_get(server, certificates) == 401


def test_a_client_without_tls_disturbs_nobody(authority: Authority, certificates: trustme.CA) -> None:
    """Plain bytes at a TLS port end that connection alone; so does a client that says nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificates.issue_cert("127.0.0.1").configure_cert(context)
    before = set(threading.enumerate())
    with authority.serve(ssl_context=context) as server, connect(server), connect(server) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert https_get(server, certificates) == 401
    assert set(threading.enumerate()) <= before


def test_a_port_of_ones_own(authority: Authority) -> None:
    """It listens at the port it is told, and the same port is free again when it is closed."""
    with authority.serve() as first:
        port = int(urlsplit(first.url).port or 0)
    with authority.serve(port=port) as second:
        assert second.url == f"http://127.0.0.1:{port}"
        assert ask(second, "GET", "/api")[0] == 401


@pytest.mark.parametrize("host", ["localhost", "0.0.0.0", "::1", "::"])  # noqa: S104 - it is closed at once
def test_a_host_of_ones_own(host: str, authority: Authority) -> None:
    """Its URL is one by which this machine reaches it, whatever it listens on."""
    try:
        server = authority.serve(host=host)
    except OSError as error:
        assert ":" in host, error
        pytest.skip("this machine has no IPv6: give it a loopback address ::1")
    with server:
        assert ask(server, "GET", "/api")[0] == 401
        assert urlsplit(server.url).hostname in {"localhost", "127.0.0.1", "::1"}


def test_two_at_one_port(authority: Authority) -> None:
    """A port in use is told in a sentence that names it, and the first server goes on."""
    with authority.serve() as first:
        port = int(urlsplit(first.url).port or 0)
        with pytest.raises(OSError, match=f"^.*Nothing can listen on 127.0.0.1 port {port}: Address already in use"):
            authority.serve(port=port)
        assert ask(first, "GET", "/api")[0] == 401
        assert authority.served == (first.token_endpoint,)


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 65536), ("127.0.0.1", -1), ("192.0.2.1", 0), ("no host", 0)])
def test_where_nobody_can_listen(host: str, port: int, authority: Authority) -> None:
    """A port or a host that is none is an OSError that names it; no name is asked for in a network."""
    with pytest.raises(OSError, match=rf"Nothing can listen on {host} port {port}: "):
        authority.serve(host=host, port=port)


def test_routes_beside_it(authority: Authority) -> None:
    """A route is its path alone, and one with a slash at its end all that begins with it; the rest is the authority's."""

    def echo(request: Request) -> Response:
        return Response(200, {}, request.url.encode())

    with Server(authority, routes={"/one": echo, "/many/": echo}) as server:
        found = [ask(server, "GET", path) for path in ("/one", "/one/more", "/many/a?b", "/many")]
    assert [status for status, _ in found] == [200, 404, 200, 404]
    assert found[2][1] == b"/many/a?b"
