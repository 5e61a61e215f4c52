"""One library in a process of its own: `python -m benchmarks.side_by_side.worker`, orders in and answers out.

The first line says who: {"library", "url" (of the endpoint), "keys": {"rsa2048": PEM, "rsa4096": ..., "p256": ...}}. An
order is {"act": name, "arguments": {}}; its answer is {figure: [values]} or {figure: {"taken": [seconds], "floor": [...]}}.
"""

from __future__ import annotations

import json
import logging
import os
import sys

from benchmarks.peers import Client, load

from .place import Place

TIMEOUT = 10.0  # seconds


class Subject:
    """The library that is measured, and what it is given."""

    def __init__(self, library: str, url: str, keys: dict[str, str]) -> None:
        self.library, self.peer, self.url = library, load(library), url
        prepared = getattr(self.peer, "prepared", str)
        self.keys, self.prepared = keys, {name: prepared(pem) for name, pem in keys.items()}
        self.due = getattr(self.peer, "due_longer", self.peer.due)
        self.held: list[tuple[Place, Client]] = []

    def place(self) -> Place:
        """A new corner of the endpoint."""
        return Place(self.url)

    def open(self, place: Place, key: str = "rsa2048", *, ready: bool = False) -> Client:
        """A new client; `ready`: with a key that was loaded before, where the library can take one."""
        given = self.prepared[key]
        if ready and hasattr(self.peer, "ready"):
            given = self.peer.ready(given)
        return self.peer.open(place.token_endpoint, given, timeout=TIMEOUT)


def main() -> None:
    """Does what it is told."""
    from . import alone, together

    acts = {**alone.ACTS, **together.ACTS}
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    logging.lastResort = None  # nor is each of a thousand failures that are asked for
    subject = Subject(**json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(acts[order["act"]](subject, **order["arguments"])), file=answers, flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
