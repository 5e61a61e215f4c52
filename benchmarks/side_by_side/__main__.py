"""`make bench-peers`: all libraries side by side; writes their part of results.json, the page, and the picture.

With words, only the parts with such a word in a row's name are played, printed and not kept; with `--page` nothing is
measured, and page and picture are written from the file.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from rich.console import Console

from benchmarks.peers import PEERS, load, version

from . import page, results
from .parts import PARTS, Part
from .run import BACKGROUND, Answers, bench

_LIBRARIES = ("requests", "urllib3", "PyJWT", "cryptography", "cachetools", "pyperf")
_SAMPLES = Path("build") / "side-by-side.json"


def main(arguments: list[str]) -> int:
    """Measures, writes, shows."""
    if arguments == ["--page"]:
        page.write()
        return 0
    console = Console(width=None if sys.stdout.isatty() else 160)
    wanted = [
        part for part in PARTS if not arguments or any(word in row.name for row in part.rows for word in arguments)
    ]
    rows, answers, began = [], {}, time.monotonic()
    with bench() as stand:
        for part in wanted:
            since = time.monotonic()
            found = stand.play(part, [name for name in PEERS if name != BACKGROUND or part.background])
            console.print(f"[dim]{part.rows[0].name}: {time.monotonic() - since:.0f} s[/dim]")
            rows += told(part, found)
            answers |= found
    found = {
        "machine": results.machine(),
        "versions": results.versions(*_LIBRARIES),
        "libraries": {
            key: {"name": (peer := load(key)).name, "version": version(peer), "caveat": peer.caveat} for key in PEERS
        },
        "rows": rows,
    }
    console.print(page.comparison(found), highlight=False, markup=False, soft_wrap=True)
    console.print(f"{time.monotonic() - began:.0f} s")
    if arguments:
        return 0
    keep(answers)
    results.write({"peers": found})
    page.write()
    return 0


def told(part: Part, found: Answers) -> list[dict]:
    """The rows of a part as the file has them."""
    rows = []
    for row in part.rows:
        cells = {}
        for library in PEERS:
            if library == BACKGROUND and not part.background:
                continue
            if library in found[row.name]:
                cells[library] = row.told(found[row.name][library])
            else:
                cells[library] = {"reason": load(library).cannot.get(part.act, _nothing(row.name))}
        rows.append({"part": row.name, "floor": row.floor, "unit": row.unit, "goal": row.goal, "least": row.least,
                     "cells": cells})  # fmt: skip
    return rows


def _nothing(name: str) -> str:
    """Why a library that plays a part has no figure in one of its rows."""
    return "it shares no token between processes" if "16 more" in name or "file cache" in name else "it has none"


def keep(answers: Answers) -> None:
    """Leaves the single measurements in pyperf's format, for its commands (`pyperf stats`, `pyperf hist`)."""
    import pyperf

    suite = []
    for name, libraries in answers.items():
        for library, turns in libraries.items():
            if isinstance(turns[0], dict):
                for which in ("floor", "taken"):
                    about = {"name": f"{name} / {library} / {which}", "unit": "second"}
                    runs = [pyperf.Run(turn[which], metadata=about, collect_metadata=False)
                            for turn in turns if min(turn[which]) > 0]  # fmt: skip
                    suite += [pyperf.Benchmark(runs)] if runs else []
    _SAMPLES.parent.mkdir(exist_ok=True)
    pyperf.BenchmarkSuite(suite).dump(str(_SAMPLES), replace=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
