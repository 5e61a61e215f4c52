"""The documentation is whole: pages are found from the README in two clicks, links lead somewhere, public names are told."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
NAV = set(
    re.findall(r"^\s+- (?:[^:\n]+: )?([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
)
NAV |= set(re.findall(r"^  - [^:\n]+: ([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE))
SHELVES = (
    "", ".assertions", ".caches", ".client_auth", ".grants", ".keys", ".providers", ".signers", ".testing", ".transports",
)  # fmt: skip


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def links(page: Path) -> list[str]:
    """Where a page leads to, outside the web."""
    found = re.findall(r"\]\(([^()\s]+(?:\([^()\s]*\))?)\)", re.sub(r"(`+).*?\1", "", prose(page)))
    return [link for link in found if not re.match(r"https?://|mailto:", link)]


def headings(page: Path) -> set[str]:
    """The anchors of a page, as GitHub and the site name them."""
    found = re.findall(r"^#{1,6} (.+)$", prose(page), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text).lower()).strip().replace(" ", "-")
        for text in found
    }


def reached(page: Path) -> set[Path]:
    """The files that a page links to."""
    return {(page.parent / link.partition("#")[0]).resolve() for link in links(page) if not link.startswith("#")}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"], ids=str)
def test_links(page: Path) -> None:
    """Each link leads to a file that is there, and to a heading in it; a page of the site does not lead out of it."""
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not page.is_relative_to(DOCS) or target.is_relative_to(DOCS), f"{link} leads out of the site"
        if anchor and target.suffix == ".md":
            assert anchor in headings(target), link


def test_every_page_is_found() -> None:
    """Each page is in the navigation, or in the index of its folder, which is; and all that is named there exists."""
    assert len(NAV) > 40
    assert {name for name in NAV if not (DOCS / name).exists()} == set()
    named = {(DOCS / name).resolve() for name in NAV}
    by_index = {page for name in NAV if name.endswith("index.md") for page in reached(DOCS / name)}
    assert {str(page.relative_to(DOCS)) for page in PAGES} - {
        str(page.relative_to(DOCS)) for page in PAGES if page.resolve() in named | by_index
    } == set()


def test_two_clicks_from_the_readme() -> None:
    """Each page is linked from the README, or from a page that is."""
    first = reached(ROOT / "README.md")
    second = {page for one in first if one.suffix == ".md" and one.exists() for page in reached(one)}
    assert {str(page.relative_to(DOCS)) for page in PAGES if page.resolve() not in first | second} == set()


@pytest.mark.parametrize("shelf", SHELVES)
def test_every_public_name_is_told(shelf: str) -> None:
    """What a public shelf hands out is in the reference, with its table."""
    told = "\n".join(page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md"))
    for name in import_module(f"sa_auth{shelf}").__all__:
        assert re.search(rf"^::: sa_auth[\w.]*\.{name}$|`sa_auth{shelf}\.{name}`", told, re.MULTILINE), name


def test_every_name_of_the_reference_exists() -> None:
    """What the reference tells of is there."""
    for page in (DOCS / "reference").glob("*.md"):
        for path in re.findall(r"^::: (\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE):
            module, _, name = path.rpartition(".")
            assert hasattr(import_module(module), name), path


def test_pictures() -> None:
    """A picture fetches nothing, says what it shows, and has colours for the dark."""
    for picture in (DOCS / "model").glob("*.svg"):
        text = picture.read_text(encoding="utf-8")
        assert "prefers-color-scheme: dark" in text
        assert "<title>" in text
        assert set(re.findall(r"https?://[^\"\s]+", text)) == {"http://www.w3.org/2000/svg"}
