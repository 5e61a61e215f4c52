"""`make bench`: our own figures, each against its bound; ends with status 1 where one is missed."""

from __future__ import annotations

import json
import os
import platform
import sys
from importlib.metadata import version

from rich.console import Console
from rich.table import Table

from benchmarks import endurance, flights, sharing, speed
from benchmarks.local import served
from benchmarks.measure import Figure

_RESULTS = os.path.join(os.path.dirname(__file__), "results.json")
_LIBRARIES = ("requests", "urllib3", "PyJWT", "cryptography", "cachetools", "filelock", "redis")


def main() -> int:
    """Measures, shows, writes."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    figures: list[Figure] = []
    with served() as local:
        for part in (*speed.PARTS, *flights.PARTS, *endurance.PARTS, *sharing.PARTS):
            console.print(f"[dim]{part.__doc__.splitlines()[0]}[/dim]")
            figures.extend(part(local))
    table = Table(title="sa_auth", show_edge=False)
    for heading, side in (("part", "left"), ("floor", "left"), ("figure", "right"), ("bound", "right"), ("", "left")):
        table.add_column(heading, justify=side)
    for figure in figures:
        sign = "at least" if figure.least else "at most"
        bound = "" if figure.bound is None else f"{sign} {figure.bound:,g}"
        mark = "[green]held[/green]" if figure.held else "[red]MISSED[/red]"
        table.add_row(figure.part, figure.floor, f"{figure.value:,.3g} {figure.unit}", bound, mark)
    console.print(table)
    machine = {"python": platform.python_version(), "system": platform.platform(), "cores": os.cpu_count()}
    found = {"machine": machine, "versions": {name: version(name) for name in _LIBRARIES}}
    with open(_RESULTS, "w", encoding="utf-8") as file:
        json.dump({**found, "figures": [figure.row() for figure in figures]}, file, indent=1)
        file.write("\n")
    return 0 if all(figure.held for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
