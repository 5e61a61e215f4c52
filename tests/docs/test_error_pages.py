"""Each code and each cause has a page, and a page shows what is really said."""

from __future__ import annotations

import re

import pytest

from sa_auth.refusal import _CLOCK, _TELLING
from tests.docs.codes import PAGES, causes, said

SAID = [one for one in said() if one.code != "old_cipher"]  # which never leaves `keys`
CODES = {one.code for one in SAID}
CAUSES = causes()
NAMES = sorted(path.stem for path in PAGES.glob("*.md") if path.stem != "index")
HINTS = {cause: hint for _, cause, hint in _TELLING if hint != _CLOCK}  # for which the page shows the clocks apart


def text_of(name: str) -> str:
    """A page."""
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def example_of(name: str) -> str:
    """The error that the page shows, without the breaks of its lines."""
    found = re.search(r"```text\n(.*?)```", text_of(name), re.DOTALL)
    assert found, name
    return " ".join(found.group(1).split())


def test_one_page_each() -> None:
    """There is a page for each code that the source makes and for each cause of a refusal, and no other."""
    assert len(CODES | CAUSES) > 150
    assert set(NAMES) == CODES | CAUSES


def test_the_index_lists_all() -> None:
    """The list of errors has each page once."""
    listed = re.findall(r"^\| \[`(\w+)`\]\((\w+)\.md\) \| ", text_of("index"), re.MULTILINE)
    assert sorted(name for name, _ in listed) == NAMES
    assert all(name == page for name, page in listed)


@pytest.mark.parametrize("name", NAMES)
def test_form(name: str) -> None:
    """A page begins with its name and a title, and says what it means, what to do, and how it looks."""
    text = text_of(name)
    assert re.match(rf"# `{name}`: .{{10,80}}\n\n\S", text)
    assert "**What to do.** " in text
    assert "\nMore: [" in text
    assert ("**How to see it.** " in text) == ("As it is printed:" in text)
    assert len(text) > 300


@pytest.mark.parametrize("name", NAMES)
def test_it_shows_what_is_said(name: str) -> None:
    """What a page shows has the words of the source, and names this very page."""
    shown = example_of(name)
    if "As it is logged:" in text_of(name):
        assert any(re.fullmatch(one.message, shown) for one in SAID if one.code == name), shown
        return
    end = f" More: docs/errors/{name}.md."
    assert shown.endswith(end)
    code, _, words = shown.removesuffix(end).partition(": ")
    if name in CAUSES:
        assert HINTS.get(name, "") in words or "Google" in words or name == "account"
        assert words.startswith("The token endpoint answered ")
        return
    message, _, hint = words.partition(" Hint: ")
    fits = [one for one in SAID if one.code == code and re.fullmatch(one.message, message)]
    assert any(re.fullmatch(one.hint, hint) for one in fits) or name in {"response", "token_endpoint"}, shown
