"""The turns: each library in a process of its own, one after the other, again and again."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from benchmarks.measure import Figure
from benchmarks.peers import load
from sa_auth.testing import new_key

from . import processes
from .parts import Part
from .place import endpoint

BACKGROUND = "google-auth-background"
PATIENCE = 120.0  # seconds for one order
LONG = 30.0  # seconds of a wait in which others have their turn

Answers = dict[str, dict[str, list]]
"""By figure and library, what each turn found."""


class Worker:
    """A library's process."""

    def __init__(self, library: str, url: str, keys: dict[str, str]) -> None:
        self.due = getattr(load(library), "due_longer", load(library).due)
        self._library = library
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.side_by_side.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._say({"library": library, "url": url, "keys": keys})

    def _say(self, what: dict) -> None:
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()

    def ask(self, act: str, **arguments) -> dict:
        """Has it do an act."""
        timer = threading.Timer(PATIENCE, self._process.kill)
        timer.start()
        try:
            self._say({"act": act, "arguments": arguments})
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        if not line:
            raise RuntimeError(f"{self._library} died in {act}.")
        return json.loads(line)

    def close(self) -> None:
        """Ends it."""
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


class Bench:
    """The endpoint, keys, and what the libraries answer."""

    def __init__(self, url: str, keys: dict[str, str], outer: processes.Outside) -> None:
        self.url, self.keys, self.outer = url, keys, outer

    def play(self, part: Part, libraries: Sequence[str]) -> Answers:
        """One part, with all libraries that have something for it."""
        found: Answers = {row.name: {} for row in part.rows}

        def keep(library: str, answer: dict) -> None:
            for name, values in answer.items():
                found[name].setdefault(library, []).append(values)

        able = [library for library in libraries if part.act not in load(library).cannot]
        if part.act in processes.ACTS:
            act = processes.ACTS[part.act]
            for turn in range(part.turns + (part.turns > 1)):
                for library in able:
                    answer = act(self.outer, library)
                    if turn or part.turns == 1:  # in the first one all was compiled
                        keep(library, answer)
            return found
        with ExitStack() as stack:
            workers = {library: Worker(library, self.url, self.keys) for library in able}
            for worker in workers.values():
                stack.callback(worker.close)
            if part.due:
                for library, answer in _due(part, workers):
                    keep(library, answer)
                return found
            for _ in range(part.turns):
                for library, worker in workers.items():
                    keep(library, worker.ask(part.act, **part.arguments))
        return found


def _due(part: Part, workers: dict[str, Worker]) -> Iterator[tuple[str, dict]]:
    """Each when its token is due; who waits long begins first and has its turn last."""
    patient = [library for library, worker in workers.items() if worker.due[1] > LONG]
    since = {}
    for library in patient:
        workers[library].ask("hold")
        since[library] = time.monotonic()
    for library, worker in workers.items():
        if library not in patient:
            worker.ask("hold")
            time.sleep(worker.due[1])
            yield library, worker.ask(part.act)
    for library in patient:
        time.sleep(max(0.0, since[library] + workers[library].due[1] - time.monotonic()))
        yield library, workers[library].ask(part.act)


@contextmanager
def bench() -> Iterator[Bench]:
    """All that is needed, while it is needed."""
    keys = {kind: new_key(kind)[0] for kind in ("rsa2048", "rsa4096", "p256")}
    with endpoint() as url, processes.outside(url, keys) as outer:
        yield Bench(url, keys, outer)


def ours(part: Part) -> Callable[[Bench], Iterator[Figure]]:
    """A part as `make bench` has it: `sa_auth` alone."""

    def figures(stand: Bench) -> Iterator[Figure]:
        found = stand.play(part, ["sa_auth"])
        for row in part.rows:
            told = row.told(found[row.name]["sa_auth"])
            yield Figure(row.name, row.floor, told["value"], row.unit, row.goal, "", row.least)

    figures.__doc__ = f"{part.rows[0].name}, {part.turns} turns."
    return figures
