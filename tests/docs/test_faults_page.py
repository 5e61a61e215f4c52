"""The fault table names tests that exist, for every line from 1 to 37."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")


def test_every_named_test_exists():
    """Each test that the page names is there."""
    named = re.findall(r"`((?:unit|flow)/[\w/]+\.py)(?:::(\w+))?`", PAGE)
    assert len(named) > 100
    functions = {path: _functions(path) for path, _ in named}
    for path, name in named:
        assert not name or name in functions[path], f"{path}::{name}"


def _functions(path: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_line_is_there():
    """Lines 1 to 37 stand on the page, each with its tests."""
    rows = re.findall(r"^\| (\d+)(?: to (\d+))? \| .+? \| (.+?) \|$", PAGE, re.MULTILINE)
    lines = [number for first, last, _ in rows for number in range(int(first), int(last or first) + 1)]
    assert lines == list(range(1, 38))
    assert all("test_" in shown for _, _, shown in rows)
