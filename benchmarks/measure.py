"""How figures are taken: interleaved with their floor, in one run, and told as ratios.

Rule: a ratio compares minima of many short runs (for what this process does alone) or medians of pairs (where a
network is in it); a single figure says nothing on a shared machine.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass


@dataclass
class Figure:
    """One row of the table."""

    part: str
    floor: str
    value: float
    unit: str
    bound: float | None
    note: str = ""
    least: bool = False  # the bound is a least, not a most

    @property
    def held(self) -> bool:
        """Whether the figure keeps to its bound."""
        if self.bound is None:
            return True
        return self.value >= self.bound if self.least else self.value <= self.bound

    def row(self) -> dict:
        """The figure as JSON has it."""
        return {**asdict(self), "held": self.held}


def minima(*acts: Callable[[], object], number: int, repeat: int = 25) -> list[float]:
    """Seconds per call of each act, the least of interleaved runs."""
    return [min(taken) for taken in samples(*((act, number) for act in acts), repeat=repeat)]


def samples(*acts: tuple[Callable[[], object], int], repeat: int) -> list[list[float]]:
    """Seconds per call of each act, which is called so many times in a row, of each interleaved run."""
    taken: list[list[float]] = [[] for _ in acts]
    gc.collect()
    gc.disable()
    try:
        for _ in range(repeat):
            for (act, number), kept in zip(acts, taken, strict=True):
                began = time.perf_counter()
                for _ in range(number):
                    act()
                kept.append((time.perf_counter() - began) / number)
    finally:
        gc.enable()
    return taken


def often(act: Callable[[], object], seconds: float = 0.02) -> int:
    """How many calls in a row take about so long."""
    act()
    began = time.perf_counter()
    act()
    return max(1, int(seconds / (time.perf_counter() - began)))


def paired(first: Callable[[], object], second: Callable[[], object], pairs: int) -> tuple[float, float]:
    """Seconds of each act, medians of alternating pairs."""
    one, two = [], []
    for index in range(pairs):
        order = ((first, one), (second, two)) if index % 2 else ((second, two), (first, one))
        for act, kept in order:
            began = time.perf_counter()
            act()
            kept.append(time.perf_counter() - began)
    return statistics.median(one), statistics.median(two)


def quantile(values: list[float], share: float) -> float:
    """The value below which that share lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
