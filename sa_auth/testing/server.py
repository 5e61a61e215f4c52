"""An authority and its API over real HTTP, on loopback unless told otherwise.

Rule: one thread per connection, one write per response, and nothing left behind by `close`: no thread, no socket.

Source: RFC 9112, RFC 9440 section 2. `http.server` is not used: its queue of five connections resets a herd of clients, it sends head and
body apart, and it reads header fields at the speed of e-mail.
"""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sa_auth.wire import Request, Response

from .hosts import reached_by
from .http1 import BadRequest, Head, head_of, keeps_alive, read_body, read_head

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .authority import Authority

    Route = Callable[[Request], Response]

_MOST_BODY = 1024 * 1024
_POLL_S = 0.02
_HANDSHAKE_S = 10.0
_JOIN_S = 5.0
# RFC 9440 section 2.4: what a client sends under these names is removed, as it vouches for nothing.
_TLS_FIELDS = frozenset({"client-cert", "client-cert-chain"})


class Server:
    """Serves an authority until it is closed; also a context manager.

    Args:
        authority: Who answers.
        host: The address to listen on. Whoever reaches it can ask for tokens, and steer what `routes` add.
        port: The port; 0: one that the system chooses.
        certificate: Path of a PEM certificate chain, for https.
        key: Path of its private key; default in the certificate's file.
        ssl_context: Another way to say both; one that asks for a client's certificate makes mutual TLS possible.
        routes: More paths, each with what answers it; one that ends in a slash stands for all that begins with it.

    Attributes:
        authority: Who answers.
        url: Where it listens, for example `http://127.0.0.1:40123`.
        issuer: Its issuer identifier, by which metadata and client assertions name it: the URL.
        token_endpoint: Its token endpoint.
        api_url: Where its API begins.

    Raises:
        OSError: it cannot listen there, or the certificate cannot be read.

    Example:
        >>> from urllib.request import urlopen
        >>> from urllib.error import HTTPError
        >>> from sa_auth.testing import Authority
        >>> with Authority().serve() as server:
        ...     try:
        ...         urlopen(server.api_url + "/files", timeout=10)
        ...     except HTTPError as refusal:
        ...         print(refusal.code)
        ...         refusal.close()
        401
    """

    def __init__(
        self,
        authority: Authority,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        certificate: str | Path | None = None,
        key: str | Path | None = None,
        ssl_context: ssl.SSLContext | None = None,
        routes: Mapping[str, Route] | None = None,
    ) -> None:
        if ssl_context is None and certificate is not None:
            ssl_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            ssl_context.load_cert_chain(certificate, key)
        self.authority = authority
        scheme = "http" if ssl_context is None else "https"
        self._listener = _listen(authority, (host, port), ssl_context, dict(routes or {}))
        self.url = f"{scheme}://{reached_by(host)}:{self._listener.server_address[1]}"
        self.issuer = self.url
        self.token_endpoint = f"{self.url}/token"
        self.api_url = f"{self.url}/api"
        self._thread = threading.Thread(
            target=self._listener.serve_forever, args=(_POLL_S,), name="sa_auth-authority", daemon=True
        )
        authority.add_home(self.token_endpoint)
        self._thread.start()

    def close(self) -> None:
        """Ends it: no new connections, the open ones cut, all threads gone. Closing twice is fine."""
        if self._thread.is_alive():
            self._listener.shutdown()
            self._thread.join()
        self._listener.close_connections()
        self._listener.server_close()
        self.authority.remove_home(self.token_endpoint)

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _listen(
    authority: Authority, where: tuple[str, int], tls: ssl.SSLContext | None, routes: dict[str, Route]
) -> _Listener:
    """Opens the port.

    Raises:
        OSError: it is in use, or there is no such host or port.
    """
    number: int | None = None
    try:
        return _Listener(authority, where, tls, routes)
    except OverflowError:
        reason = "a port is a number from 0 to 65535"
    except OSError as error:
        number, reason = error.errno, error.strerror or str(error)
    raise OSError(number, f"Nothing can listen on {where[0]} port {where[1]}: {reason}.")


class _Listener(socketserver.TCPServer):
    """Takes connections and gives each a thread of its own, which it remembers until the end."""

    # A herd of 200 clients connects within a millisecond; the default queue holds five.
    request_queue_size = 2048
    # Elsewhere than on POSIX it would let two servers listen on one port at once.
    allow_reuse_address = os.name == "posix"

    def __init__(
        self, authority: Authority, where: tuple[str, int], tls: ssl.SSLContext | None, routes: dict[str, Route]
    ) -> None:
        self.authority = authority
        self.routes = routes
        self.prefixes = tuple(path for path in routes if path.endswith("/"))
        self.address_family = socket.AF_INET6 if ":" in where[0] else socket.AF_INET
        self.scheme = "http" if tls is None else "https"
        self.closing = threading.Event()
        self._tls = tls
        self._open: dict[threading.Thread, socket.socket] = {}
        self._lock = threading.Lock()
        super().__init__(where, socketserver.BaseRequestHandler)

    def route(self, path: str) -> Route | None:
        """What answers a path beside the authority; None: nothing does."""
        if path in self.routes:
            return self.routes[path]
        return next((self.routes[prefix] for prefix in self.prefixes if path.startswith(prefix)), None)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base class's words
        """Starts the connection's thread."""
        if self.authority.unreachable:
            self.shutdown_request(request)
            return
        thread = threading.Thread(target=self._converse, args=(request,), name="sa_auth-connection", daemon=True)
        with self._lock:
            self._open[thread] = request
        try:
            thread.start()
        except RuntimeError:  # the system has no more threads
            with self._lock:
                del self._open[thread]
            self.shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keeps quiet: a client that went away is no news in a test."""

    def close_connections(self) -> None:
        """Cuts every connection and waits for its thread."""
        self.closing.set()
        with self._lock:
            still_open = dict(self._open)
        for connection in still_open.values():
            _cut(connection)
        ends_at = time.monotonic() + _JOIN_S
        for thread in still_open:
            thread.join(max(0.0, ends_at - time.monotonic()))

    def _converse(self, connection: socket.socket) -> None:
        """Serves one connection to its end; runs in its own thread."""
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                connection = self._secure(connection, self._tls)
            with connection.makefile("rb") as stream:
                _Conversation(self, connection, stream).run()
        except OSError:
            pass  # the client went away, or spoke no TLS
        finally:
            _cut(connection)
            connection.close()
            with self._lock:
                self._open.pop(threading.current_thread(), None)

    def _secure(self, connection: socket.socket, tls: ssl.SSLContext) -> socket.socket:
        secured = tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            self._open[threading.current_thread()] = secured
        try:
            secured.settimeout(_HANDSHAKE_S)
            secured.do_handshake()
            secured.settimeout(None)
        except OSError:
            secured.close()
            raise
        return secured


class _Conversation:
    """The requests of one connection, one after another."""

    def __init__(self, listener: _Listener, connection: socket.socket, stream: Any) -> None:
        self._authority = listener.authority
        self._route = listener.route
        self._scheme = listener.scheme
        self._certificate = _certificate_of(connection)
        self._closing = listener.closing
        self._connection = connection
        self._stream = stream

    def run(self) -> None:
        """Answers until one side has had enough."""
        while not self._closing.is_set():
            try:
                head = read_head(self._stream)
                if head is None or self._authority.unreachable:
                    return
                if head.headers.get("expect", "").lower() == "100-continue":
                    self._connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = read_body(self._stream, head.headers, _MOST_BODY)
            except BadRequest as reason:
                self._refuse(reason.status)
                return
            if not self._answer(head, body):
                return

    def _answer(self, head: Head, body: bytes) -> bool:
        """Answers one request; False where the connection is over."""
        path = head.target.partition("?")[0]
        beside = self._route(path)
        asked = Request(head.target if beside else self._url(head), body, self._headers(head), head.method)
        response = (beside or self._authority.handle)(asked)
        slow = self._authority.gives_tokens(urlsplit(head.target).path)
        if slow and not self._wait():
            return False
        going_on = keeps_alive(head, response)
        front = head_of(response, keep_alive=going_on)
        payload = b"" if head.method == "HEAD" else response.body
        if slow and (self._authority.drip or self._authority.cut is not None):
            return self._send_badly(front, payload) and going_on
        self._connection.sendall(front + payload)
        return going_on

    def _url(self, head: Head) -> str:
        """The absolute URL that the client asked for (RFC 9112 section 3.3)."""
        host = head.headers.get("host", "")
        return f"{self._scheme}://{host}{head.target}" if host and head.target.startswith("/") else head.target

    def _headers(self, head: Head) -> Mapping[str, str]:
        """The header fields, with the certificate that TLS vouches for and none that the client wrote by itself."""
        fields = {name: value for name, value in head.headers.items() if name not in _TLS_FIELDS}
        return {**fields, "client-cert": self._certificate} if self._certificate else fields

    def _wait(self) -> bool:
        """Keeps the answer back as long as it was told to; False where the server closes meanwhile."""
        delay = self._authority.delay
        if delay > 0 and self._closing.wait(delay):
            return False
        while not self._authority.faults.pass_gate(_POLL_S):
            if self._closing.is_set():
                return False
        return True

    def _send_badly(self, front: bytes, payload: bytes) -> bool:
        """Lets the body drip, or breaks it off."""
        cut, drip = self._authority.cut, self._authority.drip
        part = payload if cut is None else payload[:cut]
        self._connection.sendall(front)
        if not drip:
            self._connection.sendall(part)
        for position in range(len(part) if drip else 0):
            self._connection.sendall(part[position : position + 1])
            if self._closing.wait(drip):
                return False
        return len(part) == len(payload)

    def _refuse(self, status: int) -> None:
        """Says why, and lets a client that is still sending hear it: a reset would throw the answer away."""
        self._connection.sendall(head_of(Response(status), keep_alive=False))
        self._connection.shutdown(socket.SHUT_WR)
        self._connection.settimeout(1.0)
        left = 4 * _MOST_BODY
        while left > 0:
            data = self._connection.recv(65536)
            if not data:
                return
            left -= len(data)


def _certificate_of(connection: socket.socket) -> str:
    """The client's certificate as RFC 9440 section 2.2 writes it; empty where TLS has none."""
    der = connection.getpeercert(binary_form=True) if isinstance(connection, ssl.SSLSocket) else None
    return f":{base64.b64encode(der).decode('ascii')}:" if der else ""


def _cut(connection: socket.socket) -> None:
    """Ends a connection for both sides, whoever is reading from it."""
    with contextlib.suppress(OSError):  # it may have ended already
        connection.shutdown(socket.SHUT_RDWR)
