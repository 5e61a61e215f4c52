"""The conformance page is what its data give, and the data name what is there."""

from __future__ import annotations

import ast
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.docs import conformance

ROOT = Path(__file__).parents[2]
DOCUMENTS = conformance.load()
CLAUSES = [(document["name"], clause) for document in DOCUMENTS for clause in document["clauses"]]


def each(documents: list[dict[str, Any]]) -> list[Any]:
    """The documents as parameters, by their names."""
    return [pytest.param(document, id=document["name"]) for document in documents]


def test_the_documents() -> None:
    """All nine documents are there, once each, and their clauses are some 230 keywords."""
    names = [document["name"] for document in DOCUMENTS]
    numbers = ("7521", "7522", "7523", "8693", "8705", "8707", "9449", "8414")
    wanted = {f"RFC {number}" for number in numbers}
    assert wanted <= set(names)
    assert len(names) == len(set(names)) == 9
    assert any(name.startswith("draft-ietf-oauth-rfc7523bis-") for name in names)
    assert sum(document["count"] for document in DOCUMENTS) > 200


def test_the_page_is_what_the_data_give() -> None:
    """Nobody has written on the page by hand."""
    assert conformance.PAGE.read_text(encoding="utf-8") == conformance.page(DOCUMENTS), (
        "run python -m tests.docs.conformance"
    )


@pytest.mark.parametrize("document", each(DOCUMENTS))
def test_counts_add_up(document: dict[str, Any]) -> None:
    """The clauses cover as many keywords as each section of the text has, and as the text has."""
    found: Counter[str] = Counter()
    for clause in document["clauses"]:
        found[clause["section"]] += len(clause["keywords"])
    assert found == document["sections"]
    assert sum(found.values()) == document["count"]


@pytest.mark.parametrize("document", each(DOCUMENTS))
def test_quotations(document: dict[str, Any]) -> None:
    """A clause's words hold its keywords, in their order, and are short enough to be read."""
    for clause in document["clauses"]:
        assert conformance.KEYWORD.findall(clause["words"]) == clause["keywords"] != [], clause["words"]
        assert 20 <= len(clause["words"]) <= 330, clause["words"]


def test_no_clause_twice() -> None:
    """A clause stands once: document, section and words."""
    counted = Counter((name, clause["section"], clause["words"]) for name, clause in CLAUSES)
    assert max(counted.values()) == 1, counted.most_common(1)


def test_every_duty_of_the_client_is_answered() -> None:
    """What is the client's has a function and a test, or a reason; what is somebody else's says whose."""
    for name, clause in CLAUSES:
        told = (name, clause["section"], clause["words"])
        assert clause["whose"] in conformance.WHOSE, told
        assert clause.keys() <= {"section", "keywords", "words", "whose", "done", "shown", "why"}, told
        assert ("done" in clause) == ("shown" in clause), told
        if clause["whose"] in (*conformance.OURS, "other"):
            assert clause.get("done") or clause.get("why"), told
        if "done" in clause:
            assert clause["done"], told
            assert clause["shown"], told
            assert not clause.get("why", "").startswith(conformance.NOT_YET), told


def test_every_named_function_exists() -> None:
    """Each function is where the data say."""
    for named in sorted({named for _, clause in CLAUSES for named in clause.get("done", ())}):
        path, name = named.split(": ")
        assert path.startswith("sa_auth/"), named
        assert _found(path, name.split(".")) is not None, named


def test_every_named_test_exists() -> None:
    """Each test is where the data say, and is meant to pass."""
    for named in sorted({named for _, clause in CLAUSES for named in clause.get("shown", ())}):
        path, *names = named.split("::")
        assert path.startswith("tests/"), named
        assert names[-1].startswith("test_"), named
        found = _found(path, names)
        assert found is not None, named
        assert not any("xfail" in ast.unparse(mark) for mark in getattr(found, "decorator_list", ())), named


def _found(path: str, names: list[str]) -> ast.stmt | None:
    """Where a file defines a name, or a class in it the next one; None: nowhere."""
    body, found = _body(path), None
    for name in names:
        found = next((node for node in body if name in _defines(node)), None)
        if found is None:
            return None
        body = found.body if isinstance(found, ast.ClassDef) else []
    return found


@cache
def _body(path: str) -> list[ast.stmt]:
    if not (ROOT / path).is_file():
        return []
    return ast.parse((ROOT / path).read_text(encoding="utf-8")).body


def _defines(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    return {node.target.id} if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) else set()
