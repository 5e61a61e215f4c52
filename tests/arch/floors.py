"""The oldest release of each dependency that setup.cfg allows, as pins for pip.

Rule: setup.cfg alone says what they are; `python -m tests.arch.floors` prints them.
"""

from __future__ import annotations

import configparser
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FORM = re.compile(r"([A-Za-z0-9._-]+)>=([0-9][0-9.]*)")


def floors() -> dict[str, str]:
    """The floors of all run-time dependencies, those of the extras included, by name.

    Raises:
        ValueError: a dependency has another form than `name>=1.2.3`, or two floors.
    """
    found: dict[str, str] = {}
    for line in _lines():
        form = _FORM.fullmatch(line)
        if form is None or form[1] in found:
            raise ValueError(f"setup.cfg: {line!r} is not of the form name>=1.2.3, or is there twice.")
        found[form[1]] = form[2]
    return found


def _lines() -> list[str]:
    read = configparser.ConfigParser()
    read.read(ROOT / "setup.cfg", encoding="utf-8")
    said = [read["options"]["install_requires"], *read["options.extras_require"].values()]
    lines = [line.strip() for text in said for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("sa_auth[")]


if __name__ == "__main__":
    for name, version in floors().items():
        print(f"{name}=={version}")
