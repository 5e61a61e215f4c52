"""`make soak`: ten minutes of calls and renewals on a server that breaks now and then; what they leave behind.

Rule: the server is a process of its own, so that what grows here is the library's. Measured at rest, after the same
pause, before and after: a thread that has just ended, or a connection that is about to be closed, is no leak.
"""

from __future__ import annotations

import collections
import gc
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time

from sa_auth import SaAuthError, ServiceAccountCredentials, events
from sa_auth._clock import SYSTEM, Instant
from sa_auth.caches import FileCache
from sa_auth.testing import new_key
from tests import faults

SECONDS = float(os.environ.get("SOAK_SECONDS", "600"))
WARM_UP, REST = 60.0, 5.0  # seconds
IDENTITIES, SHARED, THREADS = 50, 10, 4  # of the identities so many have a file cache below
LIFE = 2.4  # seconds of a token: it is renewed every 1.9 s
CALLS, RENEWALS = 1_000_000, 10_000  # at least, in ten minutes
MEMORY = 2.0  # MB
BROKEN = 0.04  # share of the connections that meet a fault
SEED = 7523


# The server.


def _plays() -> list[faults.Play]:
    return [
        faults.answers(503), faults.answers(429, b"", "Retry-After: 1"), faults.answers(400, {"error": "invalid_grant"}),
        faults.answers(200, "<html>Sign in to the wireless network</html>"), faults.answers(200, b'{"access_token": "x'),
        faults.answers(302, b"", "Location: http://127.0.0.1:1/"), faults.answers(200, {"access_token": "a\\nb"}),
        faults.answers(200, faults.token_fields(), length=10_000), faults.breaks(), faults.breaks(reset=True), faults.silent,
        faults.drips(b"HTTP/1.1 200 OK\\r\\n", itertools.repeat(65)),
    ]  # fmt: skip


def _serve() -> None:
    """Plays, until its standard input ends; then says how many connections there were."""
    chance, plays, good = random.Random(SEED), _plays(), faults.honest(expires_in=LIFE)

    def play(peer: faults.Peer) -> None:
        (chance.choice(plays) if chance.random() < BROKEN else good)(peer)

    with faults.FaultServer(play) as server:
        print(server.url(), flush=True)
        sys.stdin.read()
        print(server.connections, flush=True)


# The client.


class Load:
    """Calls from some threads for a while.

    Attributes:
        calls: How many.
        failed: Codes of the errors, of calls that found no living token.
        wrong: What must not be: another exception, or an error while a token lived.
    """

    def __init__(self, crowd: list[ServiceAccountCredentials]) -> None:
        self.crowd, self.calls = crowd, 0
        self.failed: collections.Counter[str] = collections.Counter()
        self.wrong: collections.Counter[str] = collections.Counter()
        self._good_until = [Instant(0.0, 0.0)] * len(crowd)

    def run(self, seconds: float, calls: int) -> None:
        """Goes on for so long, and until there were so many calls."""
        ends_at = time.monotonic() + seconds
        made = [0] * THREADS

        def work(number: int) -> None:
            turn = itertools.cycle(range(number, len(self.crowd)))
            while time.monotonic() < ends_at or sum(made) < calls:
                for _ in range(10):
                    self._call(next(turn))
                made[number] += 10
                time.sleep(0.01)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.calls = sum(made)

    def _call(self, number: int) -> None:
        good_until = self._good_until[number]
        try:
            token = self.crowd[number].token()
        except SaAuthError as error:
            self.failed[error.code] += 1
            now = SYSTEM.now()
            if now.wall < good_until.wall and now.boot < good_until.boot:
                self.wrong[f"{error.code} while a token lived"] += 1
        except BaseException as error:
            self.wrong[type(error).__name__] += 1
        else:
            # Its last tenth it is not handed out any more; a twentieth beside that is for whoever was not scheduled. By both
            # clocks, as the library has it: the system's may be set back in ten minutes.
            held = self.crowd[number]._source._slot.held
            if held is not None and held.token is token:
                self._good_until[number] = Instant(token.expires_at - 0.15 * LIFE, held.since + 0.85 * LIFE)


def _at_rest() -> tuple[float, int, int]:
    """Megabytes resident, descriptors, threads; once what is under way has ended."""
    time.sleep(REST)
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as file:
        pages = int(file.read().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6, len(os.listdir("/proc/self/fd")), threading.active_count()


def _soak(url: str, folder: str) -> dict:
    key = new_key("p256")[0]
    given = {"issuer": "robot", "token_endpoint": url, "timeout": 2.0}
    alone = ServiceAccountCredentials(key, **given)
    shared = ServiceAccountCredentials(key, **given, cache=FileCache(os.path.join(folder, "cache")))
    bases = [shared] * SHARED + [alone] * (IDENTITIES - SHARED)
    load = Load([base.replace(subject=f"user {number}") for number, base in enumerate(bases)])
    counts = events.Counts()
    events.listen(counts)
    load.run(min(WARM_UP, SECONDS), 0)
    memory, files, threads = _at_rest()
    renewals, share, before = counts["exchange"], min(SECONDS / 600, 1.0), SYSTEM.now()
    load.run(SECONDS, int(CALLS * share))
    more, open_files, running = _at_rest()
    after = SYSTEM.now()
    return {
        "seconds": SECONDS, "calls": load.calls, "renewals": counts["exchange"] - renewals, "failed": dict(load.failed),
        "wrong": dict(load.wrong), "memory gained, MB": round(more - memory, 2), "descriptors gained": open_files - files,
        "threads gained": running - threads,
        "wall clock was set, s": round((after.wall - before.wall) - (after.boot - before.boot), 3), "least calls": int(CALLS * share), "least renewals": int(RENEWALS * share),
    }  # fmt: skip


def main() -> int:
    """Soaks, and says what came of it."""
    if sys.argv[1:] == ["serve"]:
        _serve()
        return 0
    command = [sys.executable, "-m", "benchmarks.soak", "serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        with tempfile.TemporaryDirectory() as folder:
            found = _soak(server.stdout.readline().strip(), folder)
        server.stdin.close()
        found["connections"] = int(server.stdout.readline())
    print(json.dumps(found, indent=2))
    kept = (
        found["calls"] >= found["least calls"] and found["renewals"] >= found["least renewals"] and not found["wrong"]
        and found["memory gained, MB"] <= MEMORY and found["descriptors gained"] <= 0 and found["threads gained"] <= 0
    )  # fmt: skip
    print("held" if kept else "NOT HELD")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
