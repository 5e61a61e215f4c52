"""Tries what survived once more, each change in a process of its own: `python -m tests.mutation.alone`.

Rule: mutmut tries a change in a copy of a process that has run all tests already, and what a module keeps from then, a
table of what was made before say, can hide it. A change counts as found where the tests chosen for its module pass without
it and fail twice with it, so that a busy machine speaks for none. One whose reason is written down already is left out,
except with `--all`. Stands between `mutmut run` and `page --collect`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutation.choice import tests_of
from tests.mutation.page import ROOT, described, known_reasons

_MUTANTS = ROOT / "mutants"
_LONGEST = 600.0  # seconds that the tests of one module may take
_SURVIVED, _KILLED = 0, 1  # in mutmut's words
_PASSED, _FAILED = 0, {1, 2}  # in pytest's; 2: with the change not even the tests can be collected


def tried(module: str, change: str = "") -> int | None:
    """What pytest says of a module's tests, with that change or with none; None: they did not end in time."""
    from mutmut.configuration import config

    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-pno:randomly",
        "-pno:cacheprovider",
        *config().pytest_add_cli_args,
    ]
    try:
        ended = subprocess.run(
            [*command, *tests_of(module)], cwd=_MUTANTS, env={**os.environ, "MUTANT_UNDER_TEST": change},
            capture_output=True, timeout=_LONGEST, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None
    return ended.returncode


def is_found(change: str) -> bool:
    """Whether the tests notice it."""
    return all(tried(_module(change), change) in _FAILED for _ in range(2))


def left(*, every: bool) -> dict[Path, list[str]]:
    """The changes that survived, by the file in which mutmut notes it: those without a reason, or all."""
    reasons, found = known_reasons(), {}
    for path in sorted(_MUTANTS.rglob("*.meta")):
        name = str(path.relative_to(_MUTANTS / "sa_auth")).removesuffix(".meta")
        codes = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
        changes = [key for key, code in codes.items() if code == _SURVIVED]
        found[path] = [key for key in changes if every or not reasons.get(tuple(described(key, name).values()))]
    return found


def note(path: Path, found: list[str]) -> None:
    """Writes down beside mutmut's outcomes what was found."""
    known = json.loads(path.read_text(encoding="utf-8"))
    known["exit_code_by_key"] |= dict.fromkeys(found, _KILLED)
    path.write_text(json.dumps(known, indent=4), encoding="utf-8")


def main() -> int:
    """Tries them, so many at once as an argument says; one where a module's tests fail without any change."""
    numbers, unfit = [int(text) for text in sys.argv[1:] if text.isdecimal()], set[str]()
    with ThreadPoolExecutor(numbers[0] if numbers else 2) as pool:
        for path, changes in left(every="--all" in sys.argv).items():
            modules = {module for module in set(map(_module, changes)) if tried(module) != _PASSED}
            unfit |= modules
            fit = [change for change in changes if _module(change) not in modules]
            found = [change for change, yes in zip(fit, pool.map(is_found, fit), strict=True) if yes]
            note(path, found)
            print(f"{path.relative_to(_MUTANTS)}: {len(changes)} tried alone", *found, sep="\n  ", flush=True)
    print(*(f"{module}: its tests fail without any change, and judge none" for module in sorted(unfit)), sep="\n")
    return 1 if unfit else 0


def _module(change: str) -> str:
    return change.rpartition(".")[0]


if __name__ == "__main__":
    sys.exit(main())
