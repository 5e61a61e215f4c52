"""The floors of the dependencies are those that SECURITY.md gives reasons for."""

from __future__ import annotations

import re

from tests.arch.floors import ROOT, floors

PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| ([\w-]+) \| ([\d.]+) \| (.+?) \| (.*?) ?\|$", re.MULTILINE)


def rows() -> dict[str, tuple[str, str, str]]:
    """The table's rows, by dependency: floor, advisories, what else is said."""
    table = PAGE.split("## Floors of the dependencies")[1].split("\n## ")[0]
    return {name: (floor, because, also) for name, floor, because, also in ROW.findall(table)}


def test_the_table_is_true():
    """Each run-time dependency has its row, in the order and with the floor of setup.cfg."""
    assert [(name, row[0]) for name, row in rows().items()] == list(floors().items())


def test_each_floor_has_its_reason():
    """A floor names an advisory, or says why it stands there without one."""
    for name, (_, because, also) in rows().items():
        advisory = re.search(r"\bCVE-\d{4}-\d{4,}|\bGHSA(-\w{4}){3}", because)
        assert advisory or (because == "none is known" and also), name
