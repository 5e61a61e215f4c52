"""A shelf's table: names looked up late, and a missing package named."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sa_auth._registry import Registry
from sa_auth.errors import ConfigError, MissingExtra


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A table over modules made for the test."""
    (tmp_path / "shelf_good.py").write_text("class Good: ...\n")
    (tmp_path / "shelf_optional.py").write_text("import a_package_nobody_has\n")
    (tmp_path / "shelf_inside.py").write_text("import sa_auth.no_such_module\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield Registry(
        "signer",
        {
            "good": "shelf_good:Good",
            "optional": ("shelf_optional:Thing", "extra-x"),
            "needed": "shelf_optional:Thing",
            "inside": ("shelf_inside:Thing", "extra-x"),
        },
    )
    for name in ("shelf_good", "shelf_optional", "shelf_inside"):
        sys.modules.pop(name, None)


def test_rows_are_loaded_when_asked_for(shelf: Registry) -> None:
    """Making, listing and counting a table imports none of its rows."""
    assert list(shelf) == ["good", "optional", "needed", "inside"]
    assert len(shelf) == 4
    assert "shelf_good" not in sys.modules
    assert shelf["good"].__name__ == "Good"
    assert shelf.find("good") is shelf["good"]
    assert "shelf_good" in sys.modules


def test_a_row_whose_package_is_absent(shelf: Registry) -> None:
    """It says what to install, and leaves the other rows usable."""
    with pytest.raises(MissingExtra) as caught:
        shelf.find("optional")
    error = caught.value
    assert "a_package_nobody_has" in error.message
    assert 'pip install "sa_auth[extra-x]"' in error.hint
    assert (error.__cause__, error.__context__) == (None, None)
    assert shelf.find("good")


@pytest.mark.parametrize("name", ["needed", "inside"])
def test_a_fault_of_our_own_is_not_called_an_extra(name: str, shelf: Registry) -> None:
    """A module that is missing though no extra brings it is a bug, and shows as one."""
    with pytest.raises(ModuleNotFoundError):
        shelf[name]


@pytest.mark.parametrize("name", ["god", "", "Good", "x" * 1000, 5, None, ["good"], object()])
def test_unknown_name(name: object, shelf: Registry) -> None:
    """A mistyped name, or what is no name, is answered with what may be meant and those there are, and not repeated at length."""
    with pytest.raises(ConfigError) as caught:
        shelf.find(name)
    error = caught.value
    assert error.code == "unknown_name"
    meant = "Did you mean 'good'? " if name in ("god", "Good") else ""
    assert error.hint == f"{meant}Known: good, inside, needed, optional."
    assert "signer" in error.message
    assert len(error.message) < 100


def test_it_is_a_mapping(shelf: Registry) -> None:
    """As a mapping it raises what mappings raise."""
    with pytest.raises(KeyError):
        shelf["god"]
    assert "good" in shelf
