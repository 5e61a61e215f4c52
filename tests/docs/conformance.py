"""Writes docs/conformance.md from docs/conformance.json.

Rule: the page holds nothing that is not in the data; `python -m tests.docs.conformance` rewrites it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DATA = ROOT / "docs" / "conformance.json"
PAGE = ROOT / "docs" / "conformance.md"

KEYWORD = re.compile(r"\b(MUST NOT|MUST|SHALL NOT|SHALL|SHOULD NOT|SHOULD|NOT RECOMMENDED|RECOMMENDED|REQUIRED)\b")
OURS = ("client", "both")  # a duty that is both sides' is the client's too
NOT_YET = "Not kept yet:"  # how such a reason begins
WHOSE = {
    "client": "the client's",
    "both": "both sides'",
    "server": "the server's",
    "other": "somebody else's",
}

HEAD = """# Conformance

What the RFCs demand, clause by clause: every MUST, MUST NOT, SHALL, SHALL NOT, SHOULD, SHOULD NOT, REQUIRED,
RECOMMENDED and NOT RECOMMENDED, whose duty it is, and, where it is the client's, the function that does it and the test
that shows it. MAY and OPTIONAL are not counted.

The keywords of each text are counted, outside its title, abstract, lists of references, and the paragraph that explains
the keywords; the clauses add up to that number, section by section. A clause is a sentence, and may hold several
keywords. "Server" is the authorization server or the protected resource, whichever the sentence means. Three dots are
words left out.

This page is made from [conformance.json](conformance.json) by `python -m tests.docs.conformance`; a test compares them,
and looks up every function and test that is named.
"""


def load() -> list[dict[str, Any]]:
    """The documents with their clauses."""
    documents: list[dict[str, Any]] = json.loads(DATA.read_text(encoding="utf-8"))["documents"]
    return documents


def page(documents: list[dict[str, Any]]) -> str:
    """The whole page."""
    return "\n".join([HEAD, *_summary(documents), *(part for one in documents for part in _section(one))])


def _summary(documents: list[dict[str, Any]]) -> list[str]:
    rows = [[f"[{document['name']}](#{anchor(document)})", *map(str, _numbers(document))] for document in documents]
    totals = [str(sum(column)) for column in zip(*map(_numbers, documents), strict=True)]
    head = [
        "document", "keywords", "clauses", "the client's, alone or too", "with function and test", "with a reason",
        "not kept yet",
    ]  # fmt: skip
    return [*_table(head, [*rows, ["together", *totals]]), ""]


def _numbers(document: dict[str, Any]) -> tuple[int, ...]:
    clauses = document["clauses"]
    ours = [clause for clause in clauses if clause["whose"] in OURS]
    shown = sum(1 for clause in ours if "shown" in clause)
    missing = sum(1 for clause in ours if clause.get("why", "").startswith(NOT_YET))
    return document["count"], len(clauses), len(ours), shown, len(ours) - shown - missing, missing


def anchor(document: dict[str, Any]) -> str:
    """Where the document's section is on the page."""
    heading = f"{document['name']}: {document['title']}".lower()
    return re.sub(r"[^a-z0-9 -]", "", heading).replace(" ", "-")


def _section(document: dict[str, Any]) -> list[str]:
    clauses = document["clauses"]
    tally = {word: sum(1 for clause in clauses if clause["whose"] == who) for who, word in WHOSE.items()}
    parts = [f"{number} {word}" for word, number in tally.items() if number]
    covered = sum(len(clause["keywords"]) for clause in clauses)
    count = (
        f"{document['name']}: {document['count']} keywords in its text, {covered} covered by {len(clauses)} clauses: "
        f"{', '.join(parts)}."
    )
    told = [f"Read from [{document['text']}]({document['url']})."]
    if "left_out" in document:
        told.append(f"Left out: {document['left_out']}")
    return [
        f"## {document['name']}: {document['title']}",
        "",
        count,
        " ".join(told),
        "",
        *_table(["section", "words", "whose", "done by", "shown by"], [_row(clause) for clause in clauses]),
        "",
    ]


def _row(clause: dict[str, Any]) -> list[str]:
    done = [f"`{name}`" for name in clause.get("done", ())]
    why = clause.get("why", "")
    return [
        clause["section"],
        KEYWORD.sub(r"**\1**", _plain(clause["words"])),
        clause["whose"],
        ". ".join(part for part in (", ".join(done), why) if part),
        ", ".join(f"`{name.removeprefix('tests/')}`" for name in clause.get("shown", ())),
    ]


def _plain(words: str) -> str:
    """Quoted words as Markdown that shows them as they are."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").replace("*", "\\*")


def _table(head: list[str], rows: Iterable[list[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


if __name__ == "__main__":
    PAGE.write_text(page(load()), encoding="utf-8")
