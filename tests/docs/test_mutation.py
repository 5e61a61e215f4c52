"""The page about mutation testing is what its data give, and the data are what is demanded."""

from __future__ import annotations

import ast

import pytest

from tests.mutation import choice, page

DATA = page.load()


def functions(file: str) -> set[str]:
    """The functions and methods of a file of the library."""
    tree = ast.parse((page.ROOT / "sa_auth" / file).read_text(encoding="utf-8"))
    found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for kind in tree.body:
        if isinstance(kind, ast.ClassDef):
            found |= {f"{kind.name}.{node.name}" for node in kind.body if isinstance(node, ast.FunctionDef)}
    return found


def test_the_page_is_what_the_data_give() -> None:
    """Nobody has written on the page by hand."""
    assert page.PAGE.read_text(encoding="utf-8") == page.page(DATA), "run python -m tests.mutation.page"


def test_what_is_demanded_of_what_was_tried() -> None:
    """Of what was tried of each part nine in ten are found, in a security check all, and what survived has its reason."""
    assert page.faults(DATA) == []


@pytest.mark.parametrize("file", page.CHECKS)
def test_the_checks_are_there(file: str) -> None:
    """A function that is named as a security check is one of the library's: a new name takes its mark along."""
    assert set(page.CHECKS[file]) <= functions(file)
    assert file in DATA["files"]


def test_survivors_are_there() -> None:
    """What is said to survive is said of a function that is there."""
    assert not [one for one in DATA["survivors"] if one["function"] not in functions(one["file"])]


@pytest.mark.parametrize("module", choice.TESTS)
def test_the_chosen_tests_are_there(module: str) -> None:
    """Each file or folder of tests that is to find a change exists."""
    assert [name for name in choice.tests_of(module) if not (page.ROOT / name).exists()] == []
