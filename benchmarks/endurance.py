"""What is left behind: memory, descriptors and threads after many renewals, and the worst answer's memory."""

from __future__ import annotations

import gc
import gzip
import http.server
import io
import os
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator

from benchmarks.local import Local
from benchmarks.measure import Figure
from sa_auth import SaAuthError
from sa_auth.caches import MemoryCache
from sa_auth.keys import from_pem
from sa_auth.policy import Held
from sa_auth.token import Token


def renewals(local: Local) -> Iterator[Figure]:
    """10,000 renewals over 50 identities."""
    key = from_pem(local.private)
    base = local.credentials(key, subject="user 0", audience=local.token_endpoint)
    users = [base.replace(subject=f"user {number}") for number in range(50)]

    def rounds(count: int) -> None:
        for _ in range(count):
            for user in users:
                user.token(min_ttl=1e9)  # more than any token has: each call is a renewal

    rounds(10)
    gc.collect()
    tracemalloc.start()
    rounds(2)
    gc.collect()
    memory, files, threads = tracemalloc.get_traced_memory()[0], _descriptors(), threading.active_count()
    before = local.exchanges()
    rounds(200)
    gc.collect()
    gained = tracemalloc.get_traced_memory()[0] - memory
    tracemalloc.stop()
    made = local.exchanges() - before
    yield Figure("renewals over 50 identities", "", made, "", 10_000, least=True)
    yield Figure("10,000 renewals: memory gained", "", gained / 1e6, "MB", 2)
    yield Figure("10,000 renewals: descriptors gained", "", _descriptors() - files, "", 0)
    yield Figure("10,000 renewals: threads gained", "", threading.active_count() - threads, "", 0)


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


def identities(_local: Local) -> Iterator[Figure]:
    """100,000 tokens in the memory cache, beyond what the tokens themselves take."""
    held = [
        Held(Token(f"{n:032d}", expires_at=n + 3600.0, refresh_at=n + 3300.0, issued_at=float(n)), float(n))
        for n in range(100_000)
    ]
    gc.collect()
    tracemalloc.start()
    cache = MemoryCache()
    for number, one in enumerate(held):
        cache.put(number.to_bytes(32, "big"), one)
    each = tracemalloc.get_traced_memory()[0] / len(held)
    tracemalloc.stop()
    yield Figure("memory of an identity beyond its token, of 100,000", "", each, "B", 700)


def worst_answer(_local: Local) -> Iterator[Figure]:
    """A gzip bomb of 1 GB as the answer: how far the process's own memory rises, in a fresh process."""
    bomb = io.BytesIO()
    with gzip.GzipFile(fileobj=bomb, mode="wb", compresslevel=9) as packed:
        for _ in range(1024):
            packed.write(b"\0" * 1024 * 1024)
    body = bomb.getvalue()

    class Bomb(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                pass

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bomb)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.endurance", f"http://127.0.0.1:{server.server_port}/token"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    finally:
        server.shutdown()
        server.server_close()
    yield Figure("memory of a gzip bomb of 1 GB", "", float(done.stdout), "MB", 8)


def _met(endpoint: str) -> float:
    """Megabytes that the process's peak rises by when it meets the bomb, after an ordinary failure warmed it up."""
    from sa_auth import Retry, ServiceAccountCredentials
    from sa_auth.testing import new_key

    creds = ServiceAccountCredentials(new_key()[0], issuer="x", token_endpoint=endpoint, retry=Retry(attempts=1))
    cold = creds.replace(subject="warm-up")
    cold._source._exchange.endpoint = endpoint.replace("http://127.0.0.1", "http://127.0.0.2:1/x?")
    before = 0
    for one in (cold, creds):
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")  # the peak counts from here
        before = _status("VmRSS")
        try:
            one.token()
        except SaAuthError as error:
            assert one is cold or error.code == "too_large", error
    return (_status("VmHWM") - before) / 1024


def _status(name: str) -> int:
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name + ":"))


PARTS = (renewals, identities, worst_answer)

if __name__ == "__main__":
    print(_met(sys.argv[1]))
