"""What is measured from outside: what a process's start costs, and many processes at once.

Rule: what is installed is compiled already and a checkout may not be; so all is compiled anew, into a place of its own, and
the first turn counts for nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.peers import load

from .place import Place

PROCESSES = 16
LATENCY = 0.2  # seconds that the endpoint takes
SOON = 4.0  # seconds in which sixteen processes have started


@dataclass
class Outside:
    """What all these need: the endpoint, keys in files, and where what is compiled lies."""

    url: str
    keys: dict[str, str]
    folder: str
    redis: str
    tokens: dict[str, Place] = field(default_factory=dict)

    def key(self, library: str) -> str:
        """A file with the RSA-2048 key as the library's users have it."""
        path = os.path.join(self.folder, f"{library}.pem")
        if not os.path.exists(path):
            text = getattr(load(library), "prepared", str)(self.keys["rsa2048"])
            with open(path, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(text)
        return path

    def run(self, code: str, *arguments: str) -> tuple[float, str]:
        """Seconds that a process takes to do that, and what it says."""
        began = time.perf_counter()
        done = self.start(code, *arguments)
        said = done.communicate()[0]
        taken = time.perf_counter() - began
        if done.returncode:
            raise RuntimeError(f"A process that was to be timed ended with {done.returncode}: {code}")
        return taken, said

    def start(self, code: str, *arguments: str) -> subprocess.Popen:
        """Starts a process that does that."""
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return subprocess.Popen(
            [sys.executable, "-c", code, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            env={**kept, "PYTHONPYCACHEPREFIX": os.path.join(self.folder, "compiled")},
        )  # fmt: skip


@contextmanager
def outside(url: str, keys: dict[str, str]) -> Iterator[Outside]:
    """What is needed, and a Redis server."""
    from tests.servers import valkey

    with tempfile.TemporaryDirectory() as folder, valkey() as port:
        yield Outside(url, keys, folder, f"redis://127.0.0.1:{port}/0")


_IMPORT = """
import sys, time
def rss():
    with open("/proc/self/statm") as file: return int(file.read().split()[1]) * 4096
began = time.perf_counter(); import requests; middle = time.perf_counter(); before = rss()
{imports}
ended = time.perf_counter(); print(middle - began, ended - began, (rss() - before) / 1e6)
"""


def imports(outer: Outside, library: str) -> dict:
    """The import on top of requests, in a fresh process."""
    _, said = outer.run(_IMPORT.format(imports=load(library).imports))
    floor, taken, more = map(float, said.split())
    return {"import": {"floor": [floor], "taken": [taken]}, "import: memory": [more]}


_FLOOR = "import sys, requests; requests.post(sys.argv[2], data={'grant_type': 'x', 'assertion': 'x' * 900}, timeout=5)"
_TOKEN = "import sys; from benchmarks.peers import {module} as p; p.open(sys.argv[2], open(sys.argv[1]).read(), timeout=5).token()"
_FAST = """
import sys
from sa_auth import ServiceAccountCredentials as C
C.from_file(sys.argv[1], issuer="robot", token_endpoint=sys.argv[2], validate_key="fast").token()
"""
_SHARED = """
import sys, time
from sa_auth import ServiceAccountCredentials as C
from sa_auth.caches import FileCache
where = sys.argv[3]
c = C(sys.argv[1], issuer="robot", token_endpoint=sys.argv[2], cache=FileCache(where) if where.startswith("/") else where)
time.sleep(max(0.0, float(sys.argv[4]) - time.time()))
c.token()
"""


def first_token(outer: Outside, library: str) -> dict:
    """A whole process that gets one token."""
    from benchmarks.peers import PEERS

    def timed(code: str, *more: str) -> float:
        return outer.run(code, outer.key(library), Place(outer.url).token_endpoint, *more)[0]

    floor = timed(_FLOOR)
    full = timed(_TOKEN.format(module=PEERS[library]))
    found = {"fresh process": full}
    if library == "sa_auth":
        found["fresh process, without the full check"] = timed(_FAST)
        place = outer.tokens.setdefault("hit", Place(outer.url))
        cache = os.path.join(outer.folder, "cache")
        hit = outer.run(_SHARED, outer.key(library), place.token_endpoint, cache, "0")[0]
        found["fresh process, a hit in the file cache"] = hit
    else:
        found["fresh process, without the full check"] = full
    return {name: {"floor": [floor], "taken": [taken]} for name, taken in found.items()}


def at_once(outer: Outside, library: str) -> dict:
    """Sixteen processes that want a token in the same moment, and sixteen more; by file and by Redis where that is offered."""
    from benchmarks.peers import PEERS

    if library != "sa_auth":
        made = _wave(outer, Place(outer.url), library, _SLEEPY.format(module=PEERS[library]))
        return {f"16 processes at once, {kind}: exchanges": [made] for kind in ("file", "Redis")}
    found = {}
    for kind, cache in (("file", os.path.join(outer.folder, "shared")), ("Redis", outer.redis)):
        outer.run(
            _SHARED, outer.key(library), Place(outer.url).token_endpoint, cache, "0"
        )  # compiles what that imports
        place = Place(outer.url)
        for name in (f"16 processes at once, {kind}: exchanges", f"16 more, {kind}: exchanges"):
            found[name] = [_wave(outer, place, library, _SHARED, cache)]
    return found


_SLEEPY = """
import sys, time
from benchmarks.peers import {module} as p
c = p.open(sys.argv[2], open(sys.argv[1]).read(), timeout=10)
time.sleep(max(0.0, float(sys.argv[4]) - time.time()))
c.token()
"""


def _wave(outer: Outside, place: Place, library: str, code: str, cache: str = "-") -> int:
    """Exchanges of sixteen processes; one that failed counts as one."""
    place.set(delay=LATENCY)
    before, at = place.exchanges(), time.time() + SOON
    crowd = [
        outer.start(code, outer.key(library), place.token_endpoint, cache, json.dumps(at)) for _ in range(PROCESSES)
    ]
    failed = sum(process.wait() != 0 for process in crowd)
    for process in crowd:
        process.stdout.close()
    return place.exchanges() - before + failed


ACTS = {act.__name__: act for act in (imports, first_token, at_once)}
