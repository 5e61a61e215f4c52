"""SECURITY.md names tests that exist, and says who for each row."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_every_named_test_exists():
    """Each test that the page names is there."""
    named = re.findall(r"`((?:unit|flow|arch)/[\w/]+\.py)(?:::(\w+))?`", PAGE)
    assert len(named) > 50
    for path, name in named:
        text = (ROOT / "tests" / path).read_text(encoding="utf-8")
        assert not name or re.search(rf"^(async )?def {name}\(", text, re.MULTILINE), f"{path}::{name}"


def test_every_threat_is_shown():
    """Each row of the threat model names a test."""
    table = PAGE.split("## Who could do what")[1].split("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 15
    assert all("test_" in row.rsplit("| ", 1)[1] for row in rows)
