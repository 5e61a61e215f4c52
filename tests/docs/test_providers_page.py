"""The page of the providers and the README's table are what the data give."""

from __future__ import annotations

from tests.docs.providers import PAGE, README, page, readme


def test_the_page() -> None:
    """`python -m tests.docs.providers` would change nothing."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_the_table_in_the_readme() -> None:
    """The README's table is the same data."""
    text = README.read_text(encoding="utf-8")
    assert readme(text) == text
