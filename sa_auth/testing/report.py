"""Writes a page that holds the timeline and a table, and needs nothing else: no server, no network.

Rule: what is not known beforehand is escaped, as text in HTML or as JSON within a script element.

Source: HTML, "Restrictions for contents of script elements"; CSP Level 3 for the hashes of what it runs.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any


def write_report(path: str | Path, data: Mapping[str, Any], title: str, table: Sequence[Sequence[str]]) -> None:
    """Writes the page.

    Args:
        path: Where to; what is there is replaced.
        data: What `timeline` gives.
        title: What it is about.
        table: Rows of cells, the first of them its headings.

    Raises:
        OSError: it cannot be written there.
    """
    Path(path).write_text(report(data, title, table), encoding="utf-8", newline="\n")


def report(data: Mapping[str, Any], title: str, table: Sequence[Sequence[str]]) -> str:
    """Makes the page; as `write_report`."""
    style = _part("timeline.css") + _part("report.css")
    script = _part("timeline.js") + _part("report.js")
    return Template(_part("report.html")).substitute(
        title=escape(title),
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        table=_table(table),
        data=_json(data),
    )


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = [[escape(cell) for cell in row] for row in rows]
    lines = [f'<th scope="row">{row[0]}</th>' + "".join(f"<td>{cell}</td>" for cell in row[1:]) for row in body]
    heading = "".join(f'<th scope="col">{cell}</th>' if cell else "<td></td>" for cell in head)
    inner = "".join(f"<tr>{line}</tr>\n" for line in lines)
    return f"<table><thead><tr>{heading}</tr></thead>\n<tbody>{inner}</tbody></table>"


def _json(data: Mapping[str, Any]) -> str:
    """JSON that ends no script element and begins no comment in one."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"


def _part(name: str) -> str:
    return (files("sa_auth.testing") / "page" / name).read_text(encoding="utf-8")
