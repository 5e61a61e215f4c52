"""Writes what was found into docs/performance.md and README.md, and the picture.

Rule: between its markers a page holds nothing that is not in results.json; what stands around them is kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.peers.page import filled, lines

from . import picture, results

ROOT = Path(__file__).parents[2]
PAGE, README, PICTURE = ROOT / "docs" / "performance.md", ROOT / "README.md", ROOT / "docs" / "performance.svg"
NONE_YET = "None yet: run `make bench-peers`."
BACKGROUND = "google-auth-background"

# What the README tells: the row, in words for whoever has not read the page.
CLAIMS = {
    "import": "importing it, on top of `import requests`",
    "fresh process": "a first token in a fresh process, against `import requests` and one POST",
    "renewal": "a renewal on a kept connection, against one POST",
    "one warm header": "a header from a held token, against setting a constant one",
    "whole Session.get": "a whole `Session.get` on loopback, against one with a static header",
    "64 threads, expired: exchanges": "64 threads meet an expired token: exchanges",
    "64 threads, in the renewal window: calls that waited": "64 threads make 20 calls each with a token in its renewal window: calls that waited",
    "endpoint down, token alive: errors": "the endpoint down for 8 s while the token lives: failed calls",
    "16 processes at once, file: exchanges": "16 processes start at once, with a shared cache where there is one: exchanges",
    "another thread stalled by a renewal, RSA-2048": "an unrelated thread stalled by a renewal",
}


def write() -> None:
    """Writes all three."""
    found = results.read().get("peers")
    for file, name, content in ((PAGE, "side-by-side", comparison), (README, "performance", claims)):
        file.write_text(filled(file.read_text(encoding="utf-8"), name, content(found)), encoding="utf-8")
    if found is not None:
        PICTURE.write_text(picture.draw(found["rows"], found["libraries"]), encoding="utf-8")


def comparison(found: dict[str, Any] | None) -> str:
    """The tables of the page."""
    if found is None:
        return NONE_YET
    libraries = found["libraries"]
    keys = [key for key in libraries if key != BACKGROUND]
    times = [row for row in found["rows"] if row["unit"] == "x"]
    counts = [row for row in found["rows"] if row["unit"] != "x"]
    heads = ["", "against", "goal", *(libraries[key]["name"] for key in keys)]
    right = range(2, len(heads))
    return "\n\n".join([
        _where(found),
        "### Ratios",
        "How many times the floor it takes; for headers per second, what share of the floor it reaches.",
        lines(heads, [[row["part"], row["floor"], goal(row), *(cell(row, key) for key in keys)] for row in times], right),
        "### Counts, waiting and memory",
        lines(heads, [[row["part"], row["floor"], goal(row), *(cell(row, key) for key in keys)] for row in counts], right),
        "google-auth with `with_non_blocking_refresh()`, an option that is off unless asked for:",
        lines(["", libraries[BACKGROUND]["name"]],
              [[row["part"], cell(row, BACKGROUND)] for row in counts if BACKGROUND in row["cells"]], (1,)),
        "### Goals that are missed",
        missed(found["rows"]),
        "### What has no figure",
        lines(["", "library", "why"], reasons(found)),
        "### Who was compared",
        lines(["library", "release", "what is unfair to it, or odd about it"],
              [[libraries[key]["name"], libraries[key]["version"], libraries[key]["caveat"]] for key in keys]),
    ])  # fmt: skip


def claims(found: dict[str, Any] | None) -> str:
    """The README's table: ours, and the best and the worst of the others."""
    if found is None:
        return NONE_YET
    rows = []
    for row in found["rows"]:
        if row["part"] in CLAIMS:
            others = [key for key, one in row["cells"].items() if key not in {"sa_auth", BACKGROUND} and "value" in one]
            # Whoever would be named twice is named once.
            ends = sorted(others, key=lambda key, row=row: row["cells"][key]["value"])
            told = " to ".join(dict.fromkeys(shown(row, key) for key in (ends[0], ends[-1])))
            rows.append([CLAIMS[row["part"]], f"**{shown(row, 'sa_auth')}**", told])
    return "\n\n".join([
        lines(["", "sa_auth", "six others, best to worst"], rows, (1, 2)),
        "![Each part as a multiple of its floor, by library](docs/performance.svg)",
        _where(found),
    ])  # fmt: skip


def _where(found: dict[str, Any]) -> str:
    machine = found["machine"]
    libraries = ", ".join(
        f"{one['name']} {one['version']}" for key, one in found["libraries"].items() if key != BACKGROUND
    )
    under = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    return f"""\
Measured on Python {machine["python"]}, {machine["system"]}, {machine["processor"]}, {machine["cores"]} cores, with {libraries}; under them
{under}."""


def goal(row: dict[str, Any]) -> str:
    """What `sa_auth` is to keep to."""
    if row["goal"] is None:
        return ""
    return f"{'at least' if row['least'] else 'at most'} {row['goal']:,g}{' ' if row['unit'] not in {'', 'x'} else ''}{row['unit'].replace('x', '')}"


def cell(row: dict[str, Any], key: str) -> str:
    """One figure in the table; ours in bold where it misses its goal."""
    text = shown(row, key)
    return f"**{text}**" if key == "sa_auth" and not held(row) else text


def shown(row: dict[str, Any], key: str) -> str:
    """A figure and its unit, with three digits at most; a dash where there is none."""
    one = row["cells"].get(key, {})
    if "value" not in one:
        return "-"
    value, unit = one["value"], row["unit"]
    if unit == "x":
        return f"{value:,.2f}" if value < 10 else f"{value:,.0f}"
    if unit == "":
        return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
    return f"{max(value, 0.0):,.{1 if value < 100 else 0}f} {unit}"  # below 0 is noise around it


def held(row: dict[str, Any]) -> bool:
    """Whether ours keeps to its goal."""
    value, bound = row["cells"].get("sa_auth", {}).get("value"), row["goal"]
    return value is None or bound is None or (value >= bound if row["least"] else value <= bound)


def missed(rows: list[dict[str, Any]]) -> str:
    """Those of ours."""
    found = [[row["part"], goal(row), shown(row, "sa_auth")] for row in rows if not held(row)]
    return lines(["", "goal", "sa_auth"], found, (1, 2)) if found else "None."


def reasons(found: dict[str, Any]) -> list[list[str]]:
    """Why a cell is empty: once for all rows and libraries of one reason."""
    told: dict[tuple[str, str], list[str]] = {}
    for row in found["rows"]:
        for key, one in row["cells"].items():
            if "reason" in one:
                told.setdefault((found["libraries"][key]["name"], one["reason"]), []).append(row["part"])
    return [["; ".join(parts), name, reason] for (name, reason), parts in told.items()]
