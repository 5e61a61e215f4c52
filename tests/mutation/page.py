"""Writes docs/mutation.md from docs/mutation.json, and that from what mutmut has found.

Rule: the page holds nothing that is not in the data; of the data the reasons alone are written by hand, and stay with the
change they were written for. `python -m tests.mutation.page` rewrites the page; `--collect` reads the last run first, and
`--forget` has what survived it, or was found by time alone, tried again.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DATA, PAGE = ROOT / "docs" / "mutation.json", ROOT / "docs" / "mutation.md"
_FOUND = {1, 2, 3}  # what pytest says of a change that was found
# In mutmut's words; its last is pytest's answer where a change keeps the tests from being collected at all.
_KILLED, _LATE = ("killed", "check was interrupted by user"), "timeout"
LEAST = 90.0  # per cent that are to be found, of each part

# What the requirement names, and the files that it is made of.
PARTS: dict[str, tuple[str, ...]] = {
    "policy": ("policy.py",),
    "source": ("source.py", "slot.py"),
    "flight": ("flight.py", "sharing.py", "place.py"),
    "exchange": ("exchange.py",),
    "answer": ("answer.py",),
    "caches": ("caches/*.py",),
    "requests": ("integrations/requests.py", "integrations/where.py"),
}
# Functions that keep a token from where it must not be, or a caller from one that is not to be trusted: in these no
# change may survive, not even one that does no harm.
CHECKS: dict[str, tuple[str, ...]] = {
    "policy.py": ("judge", "left", "RefreshPolicy.life"),
    "answer.py": ("read_answer", "_token", "_token_type"),
    "sharing.py": ("check_sealable",),
    "place.py": ("Place._is_still_ours",),
    "caches/record.py": ("Seal.__init__", "Seal._told", "Seal._beside", "Seal.open", "newer"),
    "caches/own_key.py": ("checked_key", "opened_key", "travelling"),
    "caches/own_folder.py": ("judge_folder", "open_there", "open_or_make", "_make", "_judge", "_judge_owner"),
    "caches/named.py": ("travels",),
    "caches/redis_client.py": ("Engine.recipe", "_judged_url", "_judge"),
    "integrations/requests.py": ("RequestsAuth._check", "_no_auth"),
    "integrations/where.py": ("check", "_matches", "is_at", "sendable"),
}
HEAD = f"""# Mutation testing

Each change below was made to the code alone, one at a time: a comparison turned round, a number one higher, an argument
left out, a text in capitals. A change is found where one of the tests that were chosen for its module fails, or runs out of
time. What nobody finds is tried once more in a process of its own, for what a module keeps from the tests before can hide a
change, unless its reason is known by then; what survives is listed with the reason why it does no harm. At least {LEAST:g} % are
to be found of each part, all of them in the functions listed below as security checks, and none may be left untried.

`make mutate` runs it (some hours; what a test found before, in a function that has not changed since, is not tried again) and writes
[mutation.json](mutation.json), from which this page is made by `python -m tests.mutation.page`; a test compares them.
Which tests are tried for which module stands in `tests/mutation/choice.py`. mutmut changes nothing outside of functions,
and leaves properties and other decorated functions alone.
"""


def load() -> dict[str, Any]:
    """What is known of the last run."""
    data: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return data


def collect() -> dict[str, Any]:
    """Reads what mutmut left in mutants/, and takes the reasons over from the run before."""
    from mutmut.stats import status_by_exit_code

    reasons = known_reasons()
    files, survivors = {}, []
    for path in sorted((ROOT / "mutants" / "sa_auth").rglob("*.meta")):
        name = str(path.relative_to(ROOT / "mutants" / "sa_auth")).removesuffix(".meta")
        outcomes = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
        states = {key: status_by_exit_code[code] for key, code in outcomes.items()}
        left = [key for key, state in states.items() if state not in {*_KILLED, _LATE, "not checked"}]
        checks = [state for key, state in states.items() if _function(key) in CHECKS.get(name, ())]
        kinds = Counter(states.values())
        functions = set(map(_function, outcomes))
        files[name] = {
            "killed": sum(kinds[kind] for kind in _KILLED), "timed out": kinds[_LATE], "survived": len(left), "not tried": kinds["not checked"],
            "in checks": len(checks), "in checks not tried": checks.count("not checked"),
        }  # fmt: skip
        missing = set(CHECKS.get(name, ())) - functions
        if missing - {"_no_auth"}:
            raise SystemExit(f"Of {sorted(missing)} in {name} there is no change: is the name right?")
        survivors += [
            {**one, "why": reasons.get(tuple(one.values()), "")} for one in (described(key, name) for key in left)
        ]
    return {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "versions": f"Python {platform.python_version()}, mutmut {version('mutmut')}, pytest {version('pytest')}",
        "files": files,
        "survivors": survivors,
    }


def known_reasons() -> dict[tuple[str, ...], str]:
    """Why changes do no harm, as far as that was written down, by what `described` says of them."""
    before = load() if DATA.exists() else {"survivors": []}
    return {
        tuple(one[key] for key in ("file", "function", "was", "becomes")): one["why"] for one in before["survivors"]
    }


def described(key: str, name: str) -> dict[str, str]:
    """What a change is, by mutmut's name for it and the file it is in."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    was, becomes = _lines(get_diff_for_mutant(key, path=Path("sa_auth") / name))
    return {"file": name, "function": _function(key), "was": was, "becomes": becomes}


def _function(key: str) -> str:
    """`judge`, or `Seal.open`, of mutmut's name for one of its changes."""
    name = key.rpartition(".")[2].rpartition("__mutmut_")[0]
    return ".".join(name.split("\u01c1")[1:]) if "\u01c1" in name else name.removeprefix("x_")


def _lines(diff: str) -> tuple[str, str]:
    """What stood there, and what stands there instead."""
    was, becomes = (
        "\n".join(line[1:].strip() for line in diff.splitlines() if re.match(rf"[{sign}](?![{sign}])", line))
        for sign in ("-", "+")
    )
    return was, becomes


def page(data: dict[str, Any]) -> str:
    """The whole page."""
    rows = []
    for part, patterns in PARTS.items():
        names = [name for name in data["files"] if any(Path(name).match(pattern) for pattern in patterns)]
        mine = [data["files"][name] for name in names]
        if len(names) > 1:
            rows += [_row(f"`{name}`", [data["files"][name]]) for name in names]
        rows.append(_row(f"**{part}**" if len(names) > 1 else f"**{part}** (`{names[0]}`)", mine))
    rows.append(_row("**together**", list(data["files"].values())))
    head = "| | tried | found | by time | survived | share found | not tried |\n|---|---:|---:|---:|---:|---:|---:|"
    checks = [f"- `{name}`: {', '.join(f'`{check}`' for check in CHECKS[name])}" for name in CHECKS]
    files = data["files"].values()
    waiting, count = (sum(one[key] for one in files) for key in ("in checks not tried", "in checks"))
    bad = sum(one["function"] in CHECKS.get(one["file"], ()) for one in data["survivors"])
    return "\n".join([
        HEAD, f"The last run: {data['versions']}; {data['machine']}.\n", head, *rows, "",
        "## Security checks\n", f"Of {count} changes in these functions {count - waiting} were tried, and {bad} survived:\n", *checks, "",
        "## What survived\n", *_survivors(data),
    ])  # fmt: skip


def share(files: list[dict[str, int]]) -> float:
    """Per cent that were found."""
    found = sum(one["killed"] + one["timed out"] for one in files)
    return 100 * found / max(1, found + sum(one["survived"] for one in files))


def _row(name: str, files: list[dict[str, int]]) -> str:
    keys = ("killed", "timed out", "survived", "not tried")
    killed, timed, survived, waiting = (sum(one[key] for one in files) for key in keys)
    found = killed + timed
    return f"| {name} | {found + survived} | {found} | {timed} | {survived} | {share(files):.1f} % | {waiting} |"


def _survivors(data: dict[str, Any]) -> list[str]:
    lines = []
    for name in data["files"]:
        mine = [one for one in data["survivors"] if one["file"] == name]
        if mine:
            lines += [f"### {name}\n", "| function | was | becomes | why it does no harm |", "|---|---|---|---|"]
            lines += [
                f"| `{one['function']}` | {_code(one['was'])} | {_code(one['becomes'])} | {one['why']} |"
                for one in mine
            ]
            lines.append("")
    return lines


def _code(text: str) -> str:
    return "<br>".join(f"`` {line} ``".replace("|", "\\|") for line in text.splitlines()) or "(nothing)"


def faults(data: dict[str, Any]) -> list[str]:
    """What the requirement would not have."""
    files, said = data["files"], []
    for part, patterns in PARTS.items():
        mine = [files[name] for name in files if any(Path(name).match(pattern) for pattern in patterns)]
        if share(mine) < LEAST:
            said.append(f"{part}: {share(mine):.1f} % were found, {LEAST:g} are demanded")
    said += [f"{name}: {one['not tried']} were not tried" for name, one in files.items() if one["not tried"]]
    for one in data["survivors"]:
        where = f"{one['file']}, {one['function']}: {one['was']} -> {one['becomes']}"
        if one["function"] in CHECKS.get(one["file"], ()):
            said.append(f"in a security check: {where}")
        if not one["why"]:
            said.append(f"without a reason: {where}")
    return said


def forget() -> None:
    """Has what survived the last run tried again: there may be a test for it by now.

    And what was found by time alone, which a busy machine may have said. That the tests pass is seen anew as well, twice in
    one process: one that passes there but once would find every change.
    """
    (ROOT / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)
    for path in (ROOT / "mutants").rglob("*.meta"):
        known = json.loads(path.read_text(encoding="utf-8"))
        codes = known["exit_code_by_key"]
        known["exit_code_by_key"] = {key: code if code in _FOUND else None for key, code in codes.items()}
        path.write_text(json.dumps(known, indent=4), encoding="utf-8")


def main() -> int:
    """Writes the page; one where the requirement is not met."""
    if "--forget" in sys.argv:
        forget()
        return 0
    if "--collect" in sys.argv:
        DATA.write_text(json.dumps(collect(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    data = load()
    PAGE.write_text(page(data), encoding="utf-8")
    said = faults(data)
    print("\n".join([*said, f"{share(list(data['files'].values())):.1f} % were found; see {PAGE.relative_to(ROOT)}"]))
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
