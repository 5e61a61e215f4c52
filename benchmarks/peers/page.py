"""Writes the tables of docs/reliability.md from the raw results.

Rule: between its markers the page holds nothing that is not in the JSON files; what stands around them is kept.
"""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

_HERE = Path(__file__).parents[1]
RESULTS = _HERE / "faults.json"
FIGURES = _HERE / "results.json"
PAGE = _HERE.parent / "docs" / "reliability.md"

BACKGROUND = "google-auth-background"
FOR_EVER = "keeps it for ever"
NOTICED = 16  # megabytes from which a cell tells of them


def write_page() -> None:
    """Fills both parts of the page."""
    page = PAGE.read_text(encoding="utf-8")
    page = filled(page, "compare-faults", comparison(json.loads(RESULTS.read_text(encoding="utf-8"))))
    told = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else None
    PAGE.write_text(filled(page, "figures", figures(told)), encoding="utf-8")


def filled(page: str, name: str, content: str) -> str:
    """The page with this content between two markers."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, _, rest = page.partition(begin)
    return f"{before}{begin}\n\n{content.strip()}\n\n{end}{rest.partition(end)[2]}"


def comparison(found: dict) -> str:
    """The tables of all clients on all faults."""
    keys, peers, within = list(found["peers"]), found["peers"], found["seconds"]["within"]
    with_first = [key for key in keys if key != BACKGROUND]
    machine = found["machine"]
    parts = [
        tally(found, keys),
        "### Without a token",
        "The first call, while the fault lasts.",
        table(found, with_first, "cold"),
        "### With a token that lives and is due for renewal",
        "The worse of two calls, a second apart, while the fault lasts.",
        table(found, keys, "living"),
        "### When the fault is gone",
        f"The clients of the first table go on: seconds from the fault's end to a token, for {within:g} s at most.",
        table(found, with_first, "gone"),
        "### Who was compared",
        lines(["client", "release", "what is unfair to it, or odd about it"],
              [[peers[key]["name"], peers[key]["version"], peers[key]["caveat"]] for key in keys]),
        f"Python {machine['python']}, {machine['system']}, {machine['cores']} cores.",
    ]  # fmt: skip
    return "\n\n".join(parts)


def tally(found: dict, keys: list[str]) -> str:
    """How often each client did what is to be hoped for."""
    rows, count = [], len(found["rows"])
    for key in keys:
        cells = {name: [row["cells"][key][name] for row in found["rows"]] for name in found["rows"][0]["cells"][key]}
        during = [answer["outcome"] for name in ("cold", "living") for answer in cells.get(name, ())]
        most = max((answer["mb"] for answer in cells.get("cold", ())), default=None)
        rows.append([
            found["peers"][key]["name"],
            share(cells.get("cold"), {"token", "own"}, count),
            share(cells["living"], {"token"}, count),
            share(cells.get("gone"), {"token"}, count),
            str(during.count("hang") + during.count("dies")),
            str(during.count("wrong")),
            "" if most is None else f"{most:,.0f} MB",
        ])  # fmt: skip
    heads = ["", "without a token: a token, or an error of its own", "with a living token: a token",
             "fault gone: a token", "hangs", "wrong", "most memory"]  # fmt: skip
    return lines(heads, rows, right=range(1, len(heads)))


def share(answers: list[dict] | None, good: set[str], count: int) -> str:
    """So many of all; nothing where it was not asked."""
    return "" if answers is None else f"{sum(answer['outcome'] in good for answer in answers)} of {count}"


def table(found: dict, keys: list[str], situation: str) -> str:
    """One situation."""
    rows = []
    for part, group in groupby(found["rows"], key=lambda row: row["part"]):
        rows.append([f"**{part}**", *[""] * len(keys)])
        rows += [
            [row["fault"], *(cell(row["cells"][key][situation], situation, found) for key in keys)] for row in group
        ]
    return lines(["", *(found["peers"][key]["name"] for key in keys)], rows)


def cell(answer: dict, situation: str, found: dict) -> str:
    """What happened, in a few words."""
    kind, took = answer["outcome"], f"{answer['seconds']:.1f} s"
    took = "" if took == "0.0 s" else f" {took}"
    if kind == "hang":
        return f"**hangs** > {found['seconds']['limit']:g} s"
    if kind == "dies":
        return "**its process dies**"
    if kind == "wrong":
        # What was handed out in the fault's time is what is handed out still.
        gone = situation == "gone" and answer["error"] != FOR_EVER
        return "**keeps that token**" if gone else f"**{answer['error']}**"
    if situation == "gone" and kind != "token":
        return "**errors go on**"
    text = {"token": "token", "own": "error"}.get(kind, f"`{answer.get('error')}`") + took
    if situation == "cold" and "kept" in answer:
        text += f", kept {answer['kept']} s"
    return f"{text}, {answer['mb']:,.0f} MB" if answer["mb"] >= NOTICED else text


def figures(told: dict | None) -> str:
    """Our own figures, each against its bound."""
    if told is None:
        return "None yet: run `make bench`, then `make compare-faults`."
    rows = []
    for figure in told["figures"]:
        sign = "at least" if figure["least"] else "at most"
        bound = "" if figure["bound"] is None else f"{sign} {figure['bound']:,g} {figure['unit']}".strip()
        value = f"{figure['value']:,.3g} {figure['unit']}".strip()
        rows.append([figure["part"], figure["floor"], value, bound, "" if figure["held"] else "**missed**"])
    machine = told["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in told["versions"].items())
    return "\n\n".join([
        lines(["what", "against", "figure", "bound", ""], rows, right=(2,)),
        f"Python {machine['python']}, {machine['system']}, {machine['cores']} cores; {versions}.",
    ])  # fmt: skip


def lines(heads: list[str], rows: list[list[str]], right=()) -> str:
    """A table in Markdown."""
    rule = ["--:" if index in right else "---" for index in range(len(heads))]
    return "\n".join(f"| {' | '.join(one)} |" for one in [heads, rule, *rows])
