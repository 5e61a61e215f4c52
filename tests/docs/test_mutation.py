"""The page about mutation testing is what its data give, and the data are what is demanded."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from tests.mutation import alone, choice, page

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


def test_what_is_demanded() -> None:
    """All is tried, of each part nine in ten are found, in a security check all, and what survived has its reason."""
    assert page.faults(DATA) == []
    assert {one["not tried"] for one in DATA["files"].values()} == {0}


def test_what_is_no_good() -> None:
    """A change that was not tried, one that survives in a security check, and one without a reason are each told."""
    survivor = {"file": "policy.py", "function": "judge", "was": "a", "becomes": "b", "why": ""}
    poor = {"files": {name: {**one, "not tried": 0} for name, one in DATA["files"].items()}, "survivors": [survivor]}
    poor["files"]["policy.py"]["not tried"] = 1
    assert page.faults(poor) == [
        "policy.py: 1 were not tried", "in a security check: policy.py, judge: a -> b", "without a reason: policy.py, judge: a -> b",
    ]  # fmt: skip
    poor["files"]["policy.py"]["survived"] = 1000
    assert page.faults(poor)[0].startswith("policy: ")


@pytest.fixture
def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a run left: changes that were found, survived, timed out, were reached by nothing and not tried."""
    place = tmp_path / "mutants" / "sa_auth" / "policy.py.meta"
    place.parent.mkdir(parents=True)
    codes = {f"sa_auth.policy.x_judge__mutmut_{number}": code for number, code in enumerate([1, 0, -24, 33, None])}
    place.write_text(json.dumps({"exit_code_by_key": codes, "more": 5}))
    monkeypatch.setattr(page, "ROOT", tmp_path)
    monkeypatch.setattr(alone, "_MUTANTS", tmp_path / "mutants")
    return place


def codes(place: Path) -> list[int | None]:
    """What is noted of the changes."""
    return list(json.loads(place.read_text())["exit_code_by_key"].values())


def test_what_is_tried_again(left: Path) -> None:
    """What a test found stays found; all else is tried again, after the tests have passed twice without a change."""
    stats = left.parents[1] / "mutmut-stats.json"
    stats.write_text("{}")
    page.forget()
    assert codes(left) == [1, None, None, None, None]
    assert not stats.exists()


@pytest.mark.parametrize(
    ("says", "code", "ended"),
    [([0, 1, 1], 1, 0), ([0, 2, 2], 1, 0), ([0, 0], 0, 0), ([0, 1, 0], 0, 0), ([0, None], 0, 0), ([0, 4], 0, 0), ([1], 0, 1)],
)  # fmt: skip
def test_what_is_tried_alone(
    says: list[int | None], code: int, ended: int, left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change that survived is found by itself where the tests pass without it and fail twice with it, and only then."""
    asked: list[str] = []

    def tried(module: str, change: str = "") -> int | None:
        assert module == "sa_auth.policy"
        asked.append(change)
        return says[len(asked) - 1]

    monkeypatch.setattr(alone, "tried", tried)
    monkeypatch.setattr("sys.argv", ["alone", "--all"])
    assert alone.main() == ended
    assert codes(left) == [1, code, -24, 33, None]
    assert asked == ["", *["sa_auth.policy.x_judge__mutmut_1"] * (len(says) - 1)]


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
