"""`make bench`: our own figures, each against its bound and against the last commit's.

It ends with status 1 where a ratio is worse than in the last commit by more than noise explains, or where something is missed
that is no ratio: a count, an error, memory. A ratio's goal that is missed is shown, and docs/performance.md says why.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial

from rich.console import Console
from rich.table import Table

from benchmarks import endurance, flights, sharing, speed
from benchmarks.local import served
from benchmarks.measure import Figure
from benchmarks.side_by_side import results
from benchmarks.side_by_side.parts import PARTS
from benchmarks.side_by_side.run import bench, ours

_LIBRARIES = ("requests", "urllib3", "PyJWT", "cryptography", "cachetools", "filelock", "redis")


def main() -> int:
    """Measures, shows, writes."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    stored = {figure["part"]: figure["value"] for figure in results.committed().get("figures", ())}
    figures: list[Figure] = []
    worse: list[str] = []
    with served() as local, bench() as stand:
        for told, part in _parts(local, stand):
            console.print(f"[dim]{told}[/dim]")
            found, regressions = results.judged(part, stored)
            figures.extend(found)
            worse.extend(regressions)
    console.print(_table(figures))
    for name in worse:
        before, now = stored[name], next(figure.value for figure in figures if figure.part == name)
        console.print(f"[red]WORSE[/red] {name}: {now:.3g}, where the last commit has {before:.3g}", highlight=False)
    if worse:
        return 1  # the file keeps what it has, to compare with
    found = {"machine": results.machine(), "versions": results.versions(*_LIBRARIES)}
    results.write({**found, "figures": [figure.row() for figure in figures]})
    return 0 if all(figure.held or figure.unit == "x" for figure in figures) else 1


def _parts(local, stand) -> Iterator[tuple[str, Callable[[], list[Figure]]]]:
    """What each part is, and what measures it."""
    own = [(part, local) for part in (*speed.PARTS, *flights.PARTS, *endurance.PARTS, *sharing.PARTS)]
    for part, place in [*own, *((ours(part), stand) for part in PARTS if part.ours)]:
        yield part.__doc__.splitlines()[0], partial(_listed, part, place)


def _listed(part, place) -> list[Figure]:
    return list(part(place))


def _table(figures: list[Figure]) -> Table:
    table = Table(title="sa_auth", show_edge=False)
    for heading, side in (("part", "left"), ("floor", "left"), ("figure", "right"), ("bound", "right"), ("", "left")):
        table.add_column(heading, justify=side)
    for figure in figures:
        sign = "at least" if figure.least else "at most"
        bound = "" if figure.bound is None else f"{sign} {figure.bound:,g}"
        mark = "[green]held[/green]" if figure.held else "[red]MISSED[/red]"
        table.add_row(figure.part, figure.floor, f"{figure.value:,.3g} {figure.unit}", bound, mark)
    return table


if __name__ == "__main__":
    sys.exit(main())
