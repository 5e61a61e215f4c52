"""A server that breaks HTTP and TLS byte by byte, as told, and a clock that is shifted by hand.

Rule: a play is a function of one `Peer`; it decides every byte of one connection. Whatever the client does to a
connection ends the play without a word. Everything is closed at the end, and nothing outlives its test.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import socket
import ssl
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate
from functools import cache
from itertools import count, cycle, islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import trustme

from sa_auth._clock import SYSTEM, Instant

Play = Callable[["Peer"], None]


@dataclass(frozen=True)
class Received:
    """One request as it came in."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def claims(self) -> dict[str, Any]:
        """The claims of the assertion in it."""
        assertion = parse_qs(self.body.decode())["assertion"][0]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(assertion.split(".")[1] + "=="))
        return claims


class Peer:
    """One connection, as a play sees it."""

    def __init__(self, server: FaultServer, sock: socket.socket) -> None:
        self.server, self.sock = server, sock

    def read(self) -> Received:
        """Reads one request to its end and keeps it."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        line, *rest = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in rest)}
        while len(body) < int(headers.get("content-length", 0)):
            body += self._more()
        received = Received(line, headers, body)
        self.server.keep(received)
        return received

    def _more(self) -> bytes:
        data = self.sock.recv(65536)
        if not data:
            raise ConnectionError
        return data

    def send(self, data: bytes) -> None:
        """Sends at once."""
        self.sock.sendall(data)

    def drip(self, data: Iterable[int], size: int = 1, every: float = 0.03) -> None:
        """Sends `size` bytes each `every` seconds."""
        source = iter(data)
        while piece := bytes(islice(source, size)):
            self.send(piece)
            self.pause(every)

    def pause(self, seconds: float) -> None:
        """Waits, but not past the server's end."""
        if self.server.over.wait(seconds):
            raise ConnectionError

    def hold(self) -> None:
        """Does nothing more until the client goes, or the server ends."""
        while self.sock.recv(65536):
            pass

    def reset(self) -> None:
        """Breaks the connection: the client's next read fails."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Goes on over TLS."""
        self.sock = context.wrap_socket(self.sock, server_side=True)


class FaultServer:
    """A listener on loopback whose every connection is played.

    Args:
        play: What happens on a connection; may be changed at any time.
        tls: Makes each connection begin with a handshake by it; may be changed at any time.
        backlog: How many connections may wait to be accepted.

    Attributes:
        connections: How many were accepted.
        requests: What was read from them, in order.
    """

    def __init__(self, play: Play | None = None, *, tls: ssl.SSLContext | None = None, backlog: int = 256) -> None:
        self.play, self.tls, self.backlog = play or honest(), tls, backlog
        self.over = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self._queue: list[socket.socket] = []
        self.connections = 0
        self.requests: list[Received] = []
        self.port = 0
        self.start()

    def start(self) -> None:
        """Listens, at the same port as before where there was one."""
        with self._lock:
            self._listener = self._bind(self.backlog)
            self._spawn(self._accept, self._listener)

    def stop(self) -> None:
        """Listens no more: who connects is refused. Connections that are open stay."""
        with self._lock:
            listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def swallow(self) -> None:
        """Fills the queue of a listener that accepts nobody, so that the system drops who else wants to connect."""
        self.stop()
        self._queue = [self._bind(0)]
        for _ in range(4):
            sock = socket.socket()
            sock.setblocking(False)
            with suppress(BlockingIOError):
                sock.connect(("127.0.0.1", self.port))
            self._queue.append(sock)
        time.sleep(0.02)

    def drain(self) -> None:
        """Ends `swallow` and listens again."""
        for sock in self._queue:
            sock.close()
        self._queue = []
        self.start()

    def _bind(self, backlog: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(backlog)
        self.port = listener.getsockname()[1]
        return listener

    def _spawn(self, target: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, name="fault-server", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                if self.over.is_set():
                    sock.close()
                    return
                self.connections += 1
                self._open.add(sock)
                self._spawn(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        play, tls = self.play, self.tls
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = Peer(self, sock)
        try:
            if tls is not None:
                peer.start_tls(tls)
                with self._lock:
                    self._open.add(peer.sock)
            play(peer)
        except (OSError, ValueError):
            pass  # the client has gone, or did not like the certificate
        finally:
            with self._lock:
                self._open -= {sock, peer.sock}
            peer.sock.close()
            sock.close()

    def keep(self, received: Received) -> None:
        """Remembers a request."""
        with self._lock:
            self.requests.append(received)

    def clear(self) -> None:
        """Forgets what was counted."""
        with self._lock:
            self.connections, self.requests = 0, []

    def url(self, host: str = "127.0.0.1", scheme: str | None = None) -> str:
        """Its token endpoint, by this name."""
        return f"{scheme or ('http' if self.tls is None else 'https')}://{host}:{self.port}/token"

    def close(self) -> None:
        """Ends all plays and connections, and waits for their threads."""
        self.over.set()
        for sock in self._queue:
            sock.close()
        self.stop()
        with self._lock:
            opened, threads = list(self._open), list(self._threads)
        for sock in opened:
            with suppress(OSError, ValueError):
                # The plain socket's shutdown: TLS would try to say goodbye first.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        for thread in threads:
            thread.join(5)

    def __enter__(self) -> FaultServer:  # noqa: PYI034 - Self is not in Python 3.10
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


# Certificates


class Trust:
    """An authority for certificates that a test trusts, one that nobody trusts, and what they issue.

    Args:
        folder: Where `bundle`, the CA file to trust, is written.
    """

    def __init__(self, folder: Path) -> None:
        known, unknown = trustme.CA(), trustme.CA()
        self.bundle = folder / "ca.pem"
        known.cert_pem.write_to_path(str(self.bundle))
        names = ("127.0.0.1", "localhost", "token.test")
        old = _ago(2), _ago(1)
        self.right = _context(known.issue_cert(*names))
        self.unknown = _context(unknown.issue_cert(*names))
        self.elsewhere = _context(known.issue_cert("other.test"))
        self.expired = _context(known.issue_cert(*names, not_before=old[0], not_after=old[1]))


def _ago(days: int) -> Any:
    from datetime import datetime, timedelta, timezone

    return datetime.now(timezone.utc) - timedelta(days=days)


def _context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


# Plays

_numbers = count(1)


def reply(
    status: int = 200, body: bytes | str | dict[str, Any] = b"", *fields: str, length: int | None = None
) -> bytes:
    """The bytes of a whole response, which closes the connection.

    Args:
        status: Of the status line.
        body: A dict is written as JSON.
        fields: Header lines.
        length: What Content-Length says; default the truth; -1: no such header.
    """
    if isinstance(body, dict):
        body = json.dumps(body)
    data = body.encode() if isinstance(body, str) else body
    said = [] if length == -1 else [f"Content-Length: {len(data) if length is None else length}"]
    lines = [f"HTTP/1.1 {status} Said", "Connection: close", *said, *fields]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + data


def token_fields(**changes: Any) -> dict[str, Any]:
    """An honest answer with a token of its own; None takes a field out."""
    fields = {"access_token": f"token-{next(_numbers)}", "token_type": "Bearer", "expires_in": 3600, **changes}
    return {name: value for name, value in fields.items() if value is not None}


def honest(**changes: Any) -> Play:
    """Gives a token."""

    def play(peer: Peer) -> None:
        peer.read()
        peer.send(reply(200, token_fields(**changes), f"Date: {formatdate(usegmt=True)}"))

    return play


def answers(
    status: int = 200, body: bytes | str | dict[str, Any] = b"", *fields: str, length: int | None = None
) -> Play:
    """Answers with these bytes; see `reply`."""
    data = reply(status, body, *fields, length=length)

    def play(peer: Peer) -> None:
        peer.read()
        peer.send(data)

    return play


def in_turn(*plays: Play) -> Play:
    """Plays one after the other, a connection each; the last one stays."""
    left = list(plays)
    lock = threading.Lock()

    def play(peer: Peer) -> None:
        with lock:
            now = left.pop(0) if len(left) > 1 else left[0]
        now(peer)

    return play


def silent(peer: Peer) -> None:
    """Reads the request and never answers."""
    peer.read()
    peer.hold()


def deaf(peer: Peer) -> None:
    """Neither reads nor answers."""
    peer.server.over.wait(30)


def drips(before: bytes, dripped: Iterable[int], size: int = 1, every: float = 0.03) -> Play:
    """Sends the first part at once and the rest in drops; afterwards holds the connection."""

    def play(peer: Peer) -> None:
        peer.read()
        peer.send(before)
        peer.drip(dripped, size, every)
        peer.hold()

    return play


def drips_handshake(peer: Peer) -> None:
    """Announces a TLS record of 16 KB and lets its bytes come one by one."""
    peer.sock.recv(65536)
    peer.send(b"\x16\x03\x03\x40\x00")
    peer.drip(endless(b"\x02"))


def breaks(before: bytes = b"", *, read: bool = True, reset: bool = False) -> Play:
    """Sends a part, then ends the connection: in order (FIN), or broken (RST)."""

    def play(peer: Peer) -> None:
        if read:
            peer.read()
        peer.send(before)
        if reset:
            peer.pause(0.02)  # or the reset overtakes what was sent
            peer.reset()

    return play


def breaks_handshake(*, reset: bool) -> Play:
    """Ends the connection after the client's first word of TLS."""

    def play(peer: Peer) -> None:
        peer.sock.recv(65536)
        if reset:
            peer.reset()

    return play


def streams(head: bytes, pieces: Callable[[], Iterator[bytes]]) -> Play:
    """Sends a body that is made while it is sent."""

    def play(peer: Peer) -> None:
        peer.read()
        peer.send(head)
        for piece in pieces():
            peer.send(piece)

    return play


class endless:  # noqa: N801 - reads like a function
    """These bytes again and again, from their beginning for everyone who reads."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __iter__(self) -> Iterator[int]:
        return cycle(self._data)


def repeated(piece: bytes, times: int = 100_000) -> Callable[[], Iterator[bytes]]:
    """One piece again and again, some hundred at a time."""

    def pieces() -> Iterator[bytes]:
        for _ in range(max(1, times // 100)):
            yield piece * 100

    return pieces


@cache
def bomb(coding: str, size: int = 1 << 30) -> bytes:
    """Zeros, compressed; a gigabyte takes no longer than a megabyte, since every megabyte looks the same.

    Args:
        coding: "gzip" or "deflate", or several, the innermost first, as in Content-Encoding.
        size: How many bytes come out, in whole megabytes.
    """
    inner, *outer = coding.split(", ")
    raw = zlib.compressobj(9, zlib.DEFLATED, -15)
    raw.compress(bytes(1 << 20))
    raw.flush(zlib.Z_FULL_FLUSH)
    again = raw.compress(bytes(1 << 20)) + raw.flush(zlib.Z_FULL_FLUSH)
    # The check sum at the end is left wrong: whoever gets there has lost.
    head = b"\x1f\x8b\x08\0\0\0\0\0\x02\xff" if inner == "gzip" else b"\x78\xda"
    data = head + again * (size >> 20) + b"\x03\0" + bytes(8)
    for name in outer:
        data = gzip.compress(data) if name == "gzip" else zlib.compress(data, 9)
    return data


def explodes(coding: str, status: int = 200, *fields: str) -> Play:
    """Answers with a bomb, made when it is first asked for."""

    def play(peer: Peer) -> None:
        peer.read()
        peer.send(reply(status, bomb(coding), f"Content-Encoding: {coding}", *fields))

    return play


def zipped(body: bytes) -> Play:
    """Answers with these bytes, compressed."""
    return answers(200, gzip.compress(body), "Content-Encoding: gzip")


def chunked(*pieces: bytes) -> bytes:
    """Chunks without their end."""
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


# Proxies


def connects(target: ssl.SSLContext, then: Play) -> Play:
    """A proxy that lets through, and plays the server behind it as well."""

    def play(peer: Peer) -> None:
        _head(peer)
        peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        peer.start_tls(target)
        then(peer)

    return play


def refuses(status: int) -> Play:
    """A proxy that says no."""

    def play(peer: Peer) -> None:
        _head(peer)
        peer.send(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status)

    return play


def _head(peer: Peer) -> None:
    data = b""
    while b"\r\n\r\n" not in data:
        more = peer.sock.recv(65536)
        if not more:
            raise ConnectionError
        data += more


# Names


class Names:
    """A name service in place of the machine's, for `socket.getaddrinfo`.

    Attributes:
        lost: Names that have no address.
        stuck: Names whose look-up blocks its thread until `free()`.
        asked: How many look-ups were made of the two kinds.
    """

    def __init__(self) -> None:
        self._real = socket.getaddrinfo
        self._free = threading.Event()
        self.lost: set[str] = set()
        self.stuck: set[str] = set()
        self.asked = 0

    def look_up(self, host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        """Stands in for `socket.getaddrinfo`; any other name under .test is this machine."""
        if host in self.stuck:
            self.asked += 1
            self._free.wait(30)
        elif host in self.lost:
            self.asked += 1
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        at_home = "127.0.0.1" if isinstance(host, str) and host.endswith(".test") else host
        return self._real(at_home, port, *args, **kwargs)

    def free(self) -> None:
        """Lets the stuck look-ups go, and gives every name an address."""
        self.lost.clear()
        self.stuck.clear()
        self._free.set()


# Time


class ShiftedClock:
    """The system's clocks, both put forward by hand: sockets and deadlines stay real, tokens age at will."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> Instant:
        """Both clocks, put forward."""
        return Instant(self.wall(), self.boot())

    def wall(self) -> float:
        """Unix seconds, put forward."""
        return SYSTEM.wall() + self.ahead

    def boot(self) -> float:
        """Seconds since the machine started, put forward."""
        return SYSTEM.boot() + self.ahead

    def sleep(self, seconds: float) -> None:
        """Sleeps in truth."""
        SYSTEM.sleep(seconds)


def flights() -> list[threading.Thread]:
    """The threads on which a renewal runs right now; those that wait for a key service's next call are none."""
    return [thread for thread in threading.enumerate() if re.match(r"sa_auth(?!-signer)", thread.name)]


def until(true: Callable[[], Any], seconds: float) -> bool:
    """Waits until something holds, at most so long."""
    ends = time.monotonic() + seconds
    while not true():
        if time.monotonic() > ends:
            return False
        time.sleep(0.005)
    return True
