"""One token for many processes, by file and by Redis: exchanges, waiting, and what the loss of the cache or of a process costs."""

from __future__ import annotations

import itertools
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.local import Local
from benchmarks.measure import Figure, quantile
from sa_auth import RefreshPolicy
from sa_auth.testing import Authority, Server, new_key
from tests.servers import valkey

PROCESSES, WORKERS, THREADS = 16, 12, 8
LATENCY = 0.2  # seconds that the endpoint takes
LIFE, SPAN = 6, 60  # seconds: of a token, and of calling
OUTAGE = 20  # seconds
PRIVATE, PUBLIC = new_key("p256")


class Fleet:
    """An authority, a key file, and processes that share a cache.

    Args:
        folder: For the key and, with "file", the cache.
        cache: A folder's path, or a URL.
    """

    def __init__(self, folder: str, cache: str, authority: Authority, server: Server) -> None:
        self.cache, self.authority, self.server = cache, authority, server
        self.key = os.path.join(folder, "key.pem")
        with open(self.key, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(PRIVATE)

    @property
    def tier(self) -> str:
        """The kind of cache."""
        return "file" if self.cache.startswith("/") else "redis"

    def start(self, act: str, *arguments: object) -> subprocess.Popen:
        """Starts a process that does one of the acts below."""
        command = [
            sys.executable, "-m", "benchmarks.sharing", act, self.key, self.server.token_endpoint, self.cache, *map(str, arguments),
        ]  # fmt: skip
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)


@contextmanager
def fleet(kind: str, folder: str | None = None) -> Iterator[Fleet]:
    """A fleet by file or by Redis."""
    with ExitStack() as stack:
        folder = folder or stack.enter_context(tempfile.TemporaryDirectory())
        cache = os.path.join(folder, "cache")
        if kind == "redis":
            cache = f"redis://127.0.0.1:{stack.enter_context(valkey())}/0"
        authority = Authority()
        authority.register("robot", PUBLIC)
        yield Fleet(folder, cache, authority, stack.enter_context(authority.serve()))


def _said(processes: list[subprocess.Popen]) -> list[dict]:
    """What each process found, as it ends."""
    return [json.loads(process.communicate()[0]) for process in processes]


# Acts: what a process of the fleet does.


def _credentials(key: str, endpoint: str, cache: str, **changes):
    from sa_auth import ServiceAccountCredentials
    from sa_auth.caches import FileCache

    shared = FileCache(cache) if cache.startswith("/") else cache
    return ServiceAccountCredentials(key, issuer="robot", token_endpoint=endpoint, cache=shared, **changes)


def _once(key: str, endpoint: str, cache: str, at: str) -> dict:
    """One token at a set moment."""
    creds = _credentials(key, endpoint, cache)
    time.sleep(max(0.0, float(at) - time.time()))
    began = time.perf_counter()
    creds.token()
    return {"seconds": time.perf_counter() - began}


def _call(key: str, endpoint: str, cache: str, at: str, span: str) -> dict:
    """Calls from eight threads for so many seconds; how long a call took while a token lived, and what failed."""
    import threading

    from sa_auth import SaAuthError, events

    counts = events.Counts()
    creds = _credentials(key, endpoint, cache)
    time.sleep(max(0.0, float(at) - time.time()))
    creds.token()
    events.listen(counts)
    seconds: list[float] = []
    errors: list[str] = []
    until = time.monotonic() + float(span)

    def work() -> None:
        mine = []
        while time.monotonic() < until:
            began = time.perf_counter()
            try:
                creds.token()
            except SaAuthError as error:
                errors.append(str(error))
            mine.append(time.perf_counter() - began)
            time.sleep(0.01)
        seconds.extend(mine)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = {f"{name}": count for name, count in counts.as_dict().items() if isinstance(name, str)}
    return {"seconds": seconds, "errors": errors, "counts": told}


ACTS = {"once": _once, "call": _call}


# Figures.


def at_once(_local: Local) -> Iterator[Figure]:
    """Sixteen processes that start at once on an empty cache, and sixteen more."""
    for kind in ("file", "redis"):
        with fleet(kind) as one:
            one.authority.delay = LATENCY
            for wave, bound in (("first", 1), ("second", 0)):
                before = one.authority.exchanges
                at = time.time() + 4
                slowest = max(found["seconds"] for found in _said([one.start("once", at) for _ in range(PROCESSES)]))
                made = one.authority.exchanges - before
                note = f"slowest token {slowest * 1000:.0f} ms"
                yield Figure(f"{kind}: 16 processes at once, {wave} wave: exchanges", "", made, "", bound, note)


def many_renewals(_local: Local) -> Iterator[Figure]:
    """Twelve processes of eight threads, tokens of six seconds, for a minute."""
    earliest = RefreshPolicy().stale_after(LIFE)
    for kind in ("file", "redis"):
        with fleet(kind) as one:
            one.authority.delay, one.authority.token_lifetime = 0.1, LIFE
            at = time.time() + 4
            found = _said([one.start("call", at, SPAN) for _ in range(WORKERS)])
            seconds = [second for process in found for second in process["seconds"]]
            starts = sorted(record.at for record in one.authority.requests)
            gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
            told = {name: sum(process["counts"].get(name, 0) for process in found) for name in ("waited", "bypassed")}
            name = f"{kind}: 12 processes x 8 threads, tokens of 6 s, 60 s"
            note = f"{len(seconds):,} calls; {told['waited']} waited, {told['bypassed']} bypassed"
            yield Figure(f"{name}: exchanges", "", len(starts), "", int(SPAN / earliest) + 1, note)
            yield Figure(f"{name}: two in flight at once", "", sum(gap < 0.1 for gap in gaps), "", 0)
            yield Figure(f"{name}: errors", "", sum(len(process["errors"]) for process in found), "", 0)
            yield Figure(f"{name}: p99.9 of a call", "", quantile(seconds, 0.999) * 1000, "ms", 5)


def fresh_process(_local: Local) -> Iterator[Figure]:
    """A fresh process with a hit in the file cache, against `import requests` and one POST."""
    with fleet("file") as one:
        _said([one.start("once", 0)])
        given = (one.key, one.server.token_endpoint, one.cache)
        acts = {name: [sys.executable, "-c", act, *given] for name, act in (("floor", _FLOOR), ("ours", _HIT))}
        # Installed packages are compiled already; a checkout may not be, so both are compiled anew, into a place of their own.
        compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        compiled["PYTHONPYCACHEPREFIX"] = os.path.join(os.path.dirname(one.key), "compiled")
        taken: dict[str, list[float]] = {name: [] for name in acts}
        imported = ""
        for turn in range(27):
            for name, command in acts.items():
                began = time.perf_counter()
                done = subprocess.run(
                    command, check=True, stdin=subprocess.DEVNULL, env=compiled, capture_output=True, text=True
                )
                if turn > 1:
                    taken[name].append(time.perf_counter() - began)
                    imported = done.stdout.strip()
        ratio = statistics.median(taken["ours"]) / statistics.median(taken["floor"])
        milliseconds = {name: statistics.median(values) * 1000 for name, values in taken.items()}
        note = f"medians of 25: {milliseconds['ours']:.0f} of {milliseconds['floor']:.0f} ms"
        yield Figure("fresh process, hit in the file cache", "import requests, one POST", ratio, "x", 0.9, note)
        yield Figure("fresh process, hit in the file cache: requests, jwt imported", "", len(imported.split()), "", 0)
        yield Figure("fresh process, hit in the file cache: exchanges", "", one.authority.exchanges, "", 1)


_FLOOR = "import sys, requests; requests.post(sys.argv[2], data={'grant_type': 'x'}, timeout=5)"
_HIT = """
import sys
from sa_auth import ServiceAccountCredentials
from sa_auth.caches import FileCache
ServiceAccountCredentials(sys.argv[1], issuer="robot", token_endpoint=sys.argv[2], cache=FileCache(sys.argv[3])).token()
print(*(name for name in ("requests", "jwt") if name in sys.modules))
"""


def redis_gone(_local: Local) -> Iterator[Figure]:
    """Redis stopped for twenty seconds in the middle of calling."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as first:
        port = first.enter_context(valkey())
        authority = Authority(token_lifetime=LIFE)
        authority.register("robot", PUBLIC)
        with authority.serve() as server:
            one = Fleet(folder, f"redis://127.0.0.1:{port}/0", authority, server)
            at = time.time() + 4
            crowd = [one.start("call", at, OUTAGE + 40) for _ in range(4)]
            time.sleep(4 + 10)
            before = authority.exchanges
            first.close()
            time.sleep(OUTAGE)
            alone = authority.exchanges - before
            with valkey(port=port):
                back = time.time()
                found = _said(crowd)
                made = [record.at - back for record in authority.requests if record.at > back]
        # Shared again once no two exchanges are nearer to each other than renewals of one token.
        apart = RefreshPolicy().stale_after(LIFE) / 2
        resumed = max(
            (later for earlier, later in itertools.pairwise(sorted(made)) if later - earlier < apart), default=0.0
        )
        calls = sum(len(process["seconds"]) for process in found)
        errors = sum(len(process["errors"]) for process in found)
        yield Figure("redis stopped for 20 s: errors", "", errors, "", 0, f"{calls:,} calls")
        note = f"4 processes; {alone} exchanges while it was gone, {len(made)} in the 30 s after"
        yield Figure("redis stopped for 20 s: shared again after its return", "", resumed, "s", 5, note)


def killed(_local: Local) -> Iterator[Figure]:
    """The process that holds the lock is killed: until another asks."""
    for kind, bound in (("file", 0.2), ("redis", 5.0)):
        worst, errors = 0.0, 0
        for _ in range(3):
            with fleet(kind) as one:
                with one.authority.hold():
                    holder = one.start("once", 0)
                    _until(lambda: one.authority.exchanges == 1)
                    waiting = [one.start("once", 0) for _ in range(3)]
                    time.sleep(1.5)
                    holder.send_signal(signal.SIGKILL)
                    began = time.monotonic()
                    _until(lambda: one.authority.exchanges == 2)
                    worst = max(worst, time.monotonic() - began)
                    one.authority.up()
                holder.communicate()
                errors += sum(process.wait() != 0 for process in waiting)
                for process in waiting:
                    process.communicate()
        yield Figure(f"{kind}: holder killed, until the next exchange: worst of 3", "", worst, "s", bound)
        yield Figure(f"{kind}: holder killed: callers that failed", "", errors, "", 0)


def _until(condition) -> None:
    while not condition():
        time.sleep(0.001)


PARTS = (at_once, fresh_process, killed, redis_gone, many_renewals)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(ACTS[sys.argv[1]](*sys.argv[2:])))
    else:
        for part in PARTS:
            for figure in part(None):
                print(
                    figure.part, round(figure.value, 3), figure.unit, figure.bound, figure.held, figure.note, flush=True
                )
