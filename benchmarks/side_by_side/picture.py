"""Draws the plot: each row that is a ratio, on one logarithmic axis, with a mark per library.

Rule: pure; the same figures give the same bytes. It brings its own background, and another one for dark screens, since a
page that shows a picture does not hand on its colours.
"""

from __future__ import annotations

import math
from html import escape
from typing import Any

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 960, 330, 30, 62, 58
HEIGHT = 34  # of a row
LANE = 4  # between the marks of one row

# By library: a shape that tells it apart without colour, and a colour that is seen on light and on dark.
MARKS = {
    "sa_auth": ("circle", "#e8590c"),
    "google-auth": ("square", "#4c8dd6"),
    "msal": ("triangle", "#2f9e6e"),
    "Authlib": ("diamond", "#b07ad9"),
    "requests-oauth2client": ("cross", "#c79a00"),
    "azure-identity": ("turned", "#2aa5b5"),
    "requests-oauthlib": ("plus", "#d6648f"),
}
_STYLE = """
.paper{fill:#fff}.ink{fill:#24292f}.dim{fill:#626a73}.line{stroke:#d5dae0}.floor{stroke:#626a73}.band{fill:#f4f6f8}
@media (prefers-color-scheme:dark){.paper{fill:#15191e}.ink{fill:#e6e9ed}.dim{fill:#9aa3ad}.line{stroke:#343b44}
.floor{stroke:#9aa3ad}.band{fill:#1c2229}}
"""


def draw(rows: list[dict[str, Any]], libraries: dict[str, dict[str, str]]) -> str:
    """The picture as SVG.

    Args:
        rows: As the file has them; those that are no ratio are left out.
        libraries: Their names.
    """
    ratios = [row for row in rows if row["unit"] == "x"]
    places = {row["part"]: {name: _value(row, name) for name in MARKS if "value" in row["cells"].get(name, {})}
              for row in ratios}  # fmt: skip
    values = [value for marks in places.values() for value in marks.values()] + [1.0]
    low, high = math.log10(min(0.5, *values) * 0.9), math.log10(max(10.0, *values) * 1.3)
    height = TOP + HEIGHT * len(ratios) + BOTTOM

    def across(value: float) -> float:
        return LEFT + (math.log10(value) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"',
        f'  width="{WIDTH}" height="{height}" font-family="system-ui,sans-serif" font-size="13">',
        "<title>Time of each part as a multiple of the least that it can take, by library</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{height}" rx="8"/>',
        *_legend(libraries),
        *_grid(across, low, high, height),
    ]
    for number, row in enumerate(ratios):
        parts += _row(row, places[row["part"]], TOP + HEIGHT * number, across, banded=number % 2 == 0)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _value(row: dict[str, Any], name: str) -> float:
    value = row["cells"][name]["value"]
    return 1 / value if row["least"] else value


def _legend(libraries: dict[str, dict[str, str]]) -> list[str]:
    parts, x, y = [], 24, 28
    for name, (shape, colour) in MARKS.items():
        label = libraries.get(name, {}).get("name", name)
        width = 30 + 7.4 * len(label)
        if x + width > WIDTH - 20:
            x, y = 24, y + 24
        parts.append(_mark(shape, colour, x, y, 6 if name == "sa_auth" else 4.5))
        weight = ' font-weight="600"' if name == "sa_auth" else ""
        parts.append(f'<text class="ink" x="{x + 11:.0f}" y="{y + 4}"{weight}>{escape(label)}</text>')
        x += width
    goal = f'<path d="M{x:.0f} {y - 8}v16" stroke="{MARKS["sa_auth"][1]}" stroke-width="2" stroke-dasharray="3 2"/>'
    return [*parts, goal, f'<text class="ink" x="{x + 8:.0f}" y="{y + 4}">goal for sa_auth</text>']


def _grid(across, low: float, high: float, height: int) -> list[str]:
    middle, foot = (LEFT + WIDTH - RIGHT) / 2, height - BOTTOM
    said = "times the floor, on a logarithmic scale: further left is better"
    parts = [f'<text class="dim" x="{middle:.0f}" y="{foot + 40}" text-anchor="middle">{said}</text>']
    for power in range(math.ceil(low), math.floor(high) + 1):
        x = across(10.0**power)
        kind = "floor" if power == 0 else "line"
        label = f"{10**power:,}" if power > 0 else ("1 (floor)" if power == 0 else f"{10.0**power:g}")
        parts.append(f'<path class="{kind}" d="M{x:.1f} {TOP - 6}V{foot + 4}"/>')
        parts.append(f'<text class="dim" x="{x:.1f}" y="{foot + 20}" text-anchor="middle">{label}</text>')
    return parts


def _row(row: dict[str, Any], marks: dict[str, float], y: int, across, *, banded: bool) -> list[str]:
    name = "8 threads, time of a header" if row["least"] else row["part"]
    parts = []
    if banded:
        parts.append(f'<rect class="band" x="12" y="{y}" width="{WIDTH - 24}" height="{HEIGHT}" opacity=".7"/>')
    parts.append(f'<text class="ink" x="24" y="{y + 15}">{escape(name)}</text>')
    parts.append(f'<text class="dim" x="24" y="{y + 28}" font-size="11">against: {escape(row["floor"])}</text>')
    x = across(1.0)
    parts.append(f'<path class="floor" d="M{x:.1f} {y}v{HEIGHT}"/>')
    if row["goal"] is not None:
        x = across(1 / row["goal"] if row["least"] else row["goal"])
        colour = MARKS["sa_auth"][1]
        parts.append(
            f'<path d="M{x:.1f} {y + 2}v{HEIGHT - 4}" stroke="{colour}" stroke-width="2" stroke-dasharray="3 2"/>'
        )
    lanes = list(MARKS)
    for library in reversed(lanes):  # ours last, so that it lies on top
        if library in marks:
            shape, colour = MARKS[library]
            lane = y + HEIGHT / 2 + (lanes.index(library) - (len(lanes) - 1) / 2) * LANE
            parts.append(_mark(shape, colour, across(marks[library]), lane, 6 if library == "sa_auth" else 4.5))
    return parts


def _mark(shape: str, colour: str, x: float, y: float, size: float) -> str:
    s = size
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{s}" fill="{colour}"/>'
    paths = {
        "square": f"M{x - s:.1f} {y - s:.1f}h{2 * s}v{2 * s}h{-2 * s}z",
        "triangle": f"M{x:.1f} {y - s:.1f}l{s} {2 * s}h{-2 * s}z",
        "turned": f"M{x:.1f} {y + s:.1f}l{s} {-2 * s}h{-2 * s}z",
        "diamond": f"M{x:.1f} {y - s - 1:.1f}l{s + 1} {s + 1}l{-s - 1} {s + 1}l{-s - 1} {-s - 1}z",
        "cross": f"M{x - s:.1f} {y - s:.1f}l{2 * s} {2 * s}m0 {-2 * s}l{-2 * s} {2 * s}",
        "plus": f"M{x - s - 1:.1f} {y:.1f}h{2 * s + 2}m{-s - 1} {-s - 1}v{2 * s + 2}",
    }
    drawn = f'stroke="{colour}" stroke-width="2.5" fill="none"' if shape in {"cross", "plus"} else f'fill="{colour}"'
    return f'<path d="{paths[shape]}" {drawn}/>'
