"""Builds the wheel twice, in two folders, and compares the bytes.

Rule: from what git has, under the time of the last commit and one umask, which an archive shows; neither folder, zone, locale
nor hash seed may be seen in it. The same setuptools makes the same bytes; its version stands in the wheel. `make wheel` leaves it in dist/.
Source: SOURCE_DATE_EPOCH as reproducible-builds.org specifies it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).parents[2]
ODD = {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PYTHONHASHSEED": "7"}


@contextlib.contextmanager
def twice() -> Iterator[tuple[Path, Path]]:
    """Builds it in two folders, by the setuptools that is installed and asking no index; gives both wheels."""
    with tempfile.TemporaryDirectory(prefix="wheel-") as folder:
        yield _build(Path(folder, "one"), {}), _build(Path(folder, "and", "another"), ODD)


def committed_at() -> int:
    """When the last commit was made, in Unix seconds."""
    return int(_git("log", "-1", "--format=%ct"))


def tracked(under: str = ".") -> list[str]:
    """The files that git has, under a folder."""
    return [name for name in _git("ls-files", "-z", under).split("\0") if name and (ROOT / name).is_file()]


def differences(one: Path, another: Path) -> list[str]:
    """The files in two wheels that are not the same; "the archive" where only that is not."""
    with ZipFile(one) as first, ZipFile(another) as second:
        held = [{name: wheel.read(name) for name in wheel.namelist()} for wheel in (first, second)]
    names = sorted(name for name in held[0].keys() | held[1].keys() if held[0].get(name) != held[1].get(name))
    return names or (["the archive"] if one.read_bytes() != another.read_bytes() else [])


def _build(place: Path, odd: dict[str, str]) -> Path:
    for name in tracked():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, place / name)
        (place / name).chmod(0o644)  # a checkout's modes are its umask's, and a wheel keeps them
    command = [
        "-m", "pip", "--disable-pip-version-check", "-qq", "wheel", "--no-deps", "--no-index", "--no-build-isolation",
        "--wheel-dir", str(place), str(place),
    ]  # fmt: skip
    around = {**os.environ, "SOURCE_DATE_EPOCH": str(committed_at()), "PYTHONWARNINGS": "ignore", **odd}
    subprocess.run([sys.executable, *command], check=True, env=around, cwd=place, umask=0o022)
    return next(place.glob("*.whl"))


def _git(*command: str) -> str:
    return subprocess.run(
        ["git", "-C", str(ROOT), *command], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.rstrip("\n")


if __name__ == "__main__":
    with twice() as made:
        if apart := differences(*made):
            sys.exit(f"The two wheels differ in {', '.join(apart)}.")
        (ROOT / "dist").mkdir(exist_ok=True)
        kept = Path(shutil.copy(made[0], ROOT / "dist"))
    print(f"{hashlib.sha256(kept.read_bytes()).hexdigest()}  {kept.relative_to(ROOT)}, twice")
