"""The wheel is made twice to the same bytes, and holds the package and nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.arch.wheel import committed_at, differences, tracked, twice

OLD = int(version("setuptools").split(".")[0]) < 77
pytestmark = pytest.mark.skipif(OLD, reason="setuptools is too old to build this: pip install --group test")


@pytest.fixture(scope="module")
def wheels() -> Iterator[tuple[Path, Path]]:
    """Two of them."""
    with twice() as made:
        yield made


def test_the_same_bytes(wheels: tuple[Path, Path]):
    """Folder, zone, locale and hash seed are not seen in it."""
    assert differences(*wheels) == []


def test_what_is_in_it(wheels: tuple[Path, Path]):
    """All of the package, `py.typed` included, the licence, and what installers need; no tests, no samples."""
    with ZipFile(wheels[0]) as wheel:
        names = set(wheel.namelist())
    about = {name for name in names if ".dist-info/" in name}
    assert names - about == set(tracked("sa_auth"))
    assert "sa_auth/py.typed" in names
    inside = {name.split("/", 1)[1] for name in about}
    assert inside == {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "top_level.txt", "licenses/LICENSE"}


def test_when_it_was_made(wheels: tuple[Path, Path]):
    """Every file in it has the time of the last commit, to the two seconds that an archive can tell."""
    when = time.gmtime(committed_at())[:6]
    with ZipFile(wheels[0]) as wheel:
        assert {each.date_time for each in wheel.infolist()} == {(*when[:5], when[5] // 2 * 2)}
