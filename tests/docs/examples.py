"""Has the site show the examples of docstrings as code: they stand under "Example:", which griffe knows as "Examples:".

Rule: nothing else of a docstring is changed. `mkdocs.yml` names this file.
"""

from __future__ import annotations

import re
from typing import Any

import griffe


class Examples(griffe.Extension):
    """Renames the section while docstrings are collected."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Looks at each module, class, function and attribute."""
        if obj.docstring is not None:
            obj.docstring.value = re.sub(r"^(\s*)Example:$", r"\1Examples:", obj.docstring.value, flags=re.MULTILINE)
