"""What the clouds' key services have in common as they are played here: a server on loopback, keys, faults."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, NamedTuple
from unittest.mock import patch

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from sa_auth.errors import SaAuthError
from sa_auth.testing import new_key
from tests.contract.key_services import base
from tests.contract.material import Material

CANARY = "canary-4711"  # in the sentences of the service, which may repeat what was sent
HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
CURVES = {"ES256": "p256", "ES384": "p384", "ES512": "p521", "EdDSA": "ed25519"}


class Asked(NamedTuple):
    """A request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Its body."""
        read: dict[str, Any] = json.loads(self.body)
        return read


class Reply(NamedTuple):
    """An answer; status 0 is none, and the end of the connection."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = {}


Answer = Callable[[Asked], Reply]


class Server:
    """An HTTP server on loopback, of whom one function answers for the service.

    Args:
        answer: Gives the answer, on a thread of its own.
        names: For TLS: what the certificate is for; none: plain HTTP.
        folder: Where the authority's certificate is put, as `ca.pem`.
    """

    def __init__(self, answer: Answer, names: tuple[str, ...], folder: Path) -> None:
        context = None
        if names:
            import trustme

            authority = trustme.CA()
            authority.cert_pem.write_to_path(str(folder / "ca.pem"))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert(*names).configure_cert(context)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60

            def setup(self) -> None:
                if context is not None:  # on this thread: it waits for the other side
                    self.request.do_handshake()
                super().setup()

            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                reply = answer(Asked(self.command, self.path, self.headers, body))  # type: ignore[arg-type]
                if not reply.status:
                    self.close_connection = True
                    return
                data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                self.send_response(reply.status)
                for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = _any  # noqa: N815 - the base's names

            def log_message(self, *_: object) -> None: ...

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def get_request(self) -> Any:
                sock, peer = super().get_request()
                if context is not None:
                    sock = context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
                return sock, peer

            def handle_error(self, *_: object) -> None: ...  # who asked has gone

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@cache
def pair(algorithm: str) -> tuple[Any, str]:
    """The private key for an algorithm, and the PEM of the public one."""
    private, public = new_key(CURVES.get(algorithm, "rsa2048"), fresh=True)
    return load_pem_private_key(private.encode(), None), public


def signature(key: Any, algorithm: str, digest: bytes) -> bytes:
    """Of a digest, as the service makes it: ECDSA in DER.

    Raises:
        ValueError: the digest is of another length.
    """
    made = HASHES[algorithm[2:]]
    if isinstance(key, ec.EllipticCurvePrivateKey):
        if len(digest) != made.digest_size:
            raise ValueError
        return key.sign(digest, ec.ECDSA(Prehashed(made)))
    pad = padding.PSS(padding.MGF1(made), made.digest_size) if algorithm.startswith("PS") else padding.PKCS1v15()
    return bytes(key.sign(digest, pad, Prehashed(made)))


def failure(signer: Any) -> SaAuthError:
    """How it does not sign; nothing of the service's own words is in it, nor of its library's frames."""
    with pytest.raises(SaAuthError) as caught:
        signer.sign(b"data")
    assert CANARY not in f"{caught.value!s}{caught.value!r}{vars(caught.value)}"
    assert caught.value.__context__ is caught.value.__cause__ is None
    return caught.value


def certificate(key: Any) -> bytes:
    """A certificate of the key by itself."""
    made = Material("own")
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    vars(made)["pair"] = (pem, "")
    return made.certificate


def b64(data: bytes) -> str:
    """As JSON has bytes."""
    return base64.b64encode(data).decode()


class Cloud(base.World):
    """A cloud's key service.

    Attributes:
        names: The host names in its certificate; none: plain HTTP.
        faults: Fault -> what it answers then.
        asked: What it was asked so far.
        garbling: Whether it signs something else.
    """

    names: ClassVar[tuple[str, ...]] = ()
    faults: ClassVar[Mapping[str, Reply]] = {}

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.garbling = False
        self._instead: Answer | None = None

    def __enter__(self) -> Cloud:
        self._folder = TemporaryDirectory()
        self.folder = Path(self._folder.name)
        self.server = Server(self._answer, self.names, self.folder)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.close()
        self._folder.cleanup()

    def answer(self, asked: Asked) -> Reply:
        """What the service says."""
        raise NotImplementedError

    def variables(self) -> Mapping[str, str]:
        """Of the environment."""
        return {}

    @contextlib.contextmanager
    def environment(self) -> Iterator[None]:
        """No proxy, and no login but the one here."""
        away = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "AZURE_", "GOOGLE_"))}
        trusted = {"REQUESTS_CA_BUNDLE": str(self.folder / "ca.pem")} if self.names else {}
        with patch.dict(os.environ, {**away, **trusted, "NO_PROXY": "*", **self.variables()}, clear=True):
            yield

    def _answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        return (self._instead or self.answer)(asked)

    @contextlib.contextmanager
    def doing(self, instead: Answer) -> Iterator[None]:
        """Answers otherwise for a while."""
        self._instead = instead
        try:
            yield
        finally:
            self._instead = None

    @contextlib.contextmanager
    def slow(self) -> Iterator[None]:
        """It says nothing until the fault is over."""
        over = threading.Event()
        with self.doing(lambda _: Reply(0 if over.wait(60) else 500)):
            yield
        over.set()

    def _fault(self, name: str) -> Any:
        return self.doing(lambda _: self.faults[name])

    def down(self) -> Any:
        """It hangs up."""
        return self.doing(lambda _: Reply(0))

    def throttled(self) -> Any:
        """It says so."""
        return self._fault("throttled")

    def denied(self) -> Any:
        """It says so."""
        return self._fault("denied")

    def not_found(self) -> Any:
        """It says so."""
        return self._fault("not_found")

    def wrong_version(self) -> Any:
        """It says so."""
        return self._fault("wrong_version")

    @contextlib.contextmanager
    def garbled(self) -> Iterator[None]:
        """It signs something else."""
        self.garbling = True
        try:
            yield
        finally:
            self.garbling = False
