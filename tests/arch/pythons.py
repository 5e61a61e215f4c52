"""Runs the fast suites on every CPython from 3.10 that is found: `python3.N` on the PATH, and pyenv's.

Rule: of each minor version the newest; a Python that was asked for and is not there is a failure. `make test-pythons`, or
`make test-pythons ARGS="3.12 3.13"`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.arch.venvs import ROOT, make, server, tell, test

_ASK = "import sys, venv, ensurepip; print(sys.implementation.name, *sys.version_info[:3], sys.base_prefix)"


def found() -> dict[tuple[int, int], tuple[int, str]]:
    """By minor version: the newest patch, and the program."""
    pyenv = sorted((Path.home() / ".pyenv" / "versions").glob("3.*/bin/python3"))
    path = [Path(folder) / name for folder in os.get_exec_path() for name in _names(folder)]
    best: dict[tuple[int, int], tuple[int, str]] = {}
    for program in (*path, *pyenv):
        asked = subprocess.run(
            [str(program), "-c", _ASK], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False
        )
        said = asked.stdout.split()
        if asked.returncode or said[0] != "cpython":
            continue  # a shim of pyenv's for a version that is not in use, a Python without venv or pip, or another kind of one
        major, minor, patch = (int(part) for part in said[1:4])
        if (major, minor) >= (3, 10) and patch > best.get((major, minor), (-1, ""))[0]:
            best[major, minor] = patch, str(program)
    return best


def _names(folder: str) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if re.fullmatch(r"python3\.\d+", name)]
    except OSError:
        return []


def main(wanted: list[str]) -> int:
    """Makes an environment for each, runs the suites in each, and says how it went."""
    here = found()
    chosen = [tuple(int(part) for part in word.split(".")[:2]) for word in wanted] or sorted(here)
    missing = [f"{major}.{minor}" for major, minor in chosen if (major, minor) not in here]
    if missing:
        print(f"Not found: {', '.join(missing)}")
        return 1
    made = {}
    for major, minor in chosen:
        patch, program = here[major, minor]
        made[f"python-{major}.{minor}.{patch}"] = make(program, ROOT / "build" / "pythons" / f"{major}.{minor}")
    searched = server(list(made.values()))
    return tell([test(name, python, searched) for name, python in made.items()])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
