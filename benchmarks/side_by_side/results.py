"""The file of all figures, which `make bench` and `make bench-peers` write a part of each; and what has become worse.

Rule: who writes one part of the file leaves the other as it is.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure

FILE = Path(__file__).parents[1] / "results.json"
WORSE = 1.2  # a ratio that is worse by more than this factor
REPEATS = 3  # and is so in as many measurements of its part, has become worse


def read(file: Path = FILE) -> dict[str, Any]:
    """What was found last; nothing where nothing was."""
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def write(new: dict[str, Any], file: Path = FILE) -> None:
    """Puts new parts in place of those of the same name."""
    file.write_text(json.dumps({**read(file), **new}, indent=1) + "\n", encoding="utf-8")


def committed(file: Path = FILE) -> dict[str, Any]:
    """What the last commit has; outside a repository, what lies there."""
    command = ["git", "show", f"HEAD:./{file.name}"]
    try:
        done = subprocess.run(command, cwd=file.parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return read(file)
    return json.loads(done.stdout)


def machine() -> dict[str, Any]:
    """Where it was measured."""
    return {"python": platform.python_version(), "system": platform.platform(), "processor": _processor(),
            "cores": os.cpu_count()}  # fmt: skip


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "")
    except OSError:
        return platform.processor()


def versions(*names: str) -> dict[str, str]:
    """The releases that were measured."""
    return {name: version(name) for name in names}


def factor(figure: Figure, before: float) -> float:
    """How much worse a ratio is than it was; below 1: better."""
    if figure.least:
        return before / figure.value if figure.value else float("inf")
    return figure.value / before if before else 1.0


def worse(figures: list[Figure], stored: dict[str, float]) -> list[Figure]:
    """The ratios that are worse than the stored ones by more than noise explains; what has none is judged by nobody."""
    return [
        figure
        for figure in figures
        if figure.unit == "x" and figure.part in stored and factor(figure, stored[figure.part]) > WORSE
    ]


def judged(measure: Callable[[], list[Figure]], stored: dict[str, float]) -> tuple[list[Figure], list[str]]:
    """Measures a part, again where a ratio has become worse; gives the figures, and the names of those that stayed so.

    Of a ratio that was worse once, the best measurement counts.
    """
    figures = measure()
    suspects = {figure.part for figure in worse(figures, stored)}
    for _ in range(REPEATS - 1):
        if not suspects:
            break
        again = {figure.part: figure for figure in measure()}
        figures = [_better(figure, again.get(figure.part)) if figure.part in suspects else figure for figure in figures]
        suspects &= {figure.part for figure in worse(list(again.values()), stored)}
    return figures, sorted(suspects)


def _better(one: Figure, other: Figure | None) -> Figure:
    if other is None:
        return one
    return max(one, other, key=lambda figure: figure.value if figure.least else -figure.value)
