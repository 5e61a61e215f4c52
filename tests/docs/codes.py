"""Which codes and causes an error may have, and with what words: read from the source, so that each has its page.

Rule: nothing is imported but the tables; a text with something put in is a pattern.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sa_auth import errors
from sa_auth.caches import redis_faults
from sa_auth.grants import GRANTS
from sa_auth.keys import faults
from sa_auth.providers import PROVIDERS
from sa_auth.refusal import _TELLING

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "errors"
ANY = ".*"
KINDS = ("key_file", "assertion")  # which `_secretfile` puts before a word
CAUSES_ELSEWHERE = {"server_busy", "wrong_endpoint", "no_client_proof"}  # which `refusal` finds without a table


class Said(NamedTuple):
    """A place that makes an error, with its words as regular expressions; an empty hint is none."""

    code: str
    message: str
    hint: str
    where: str


def said() -> list[Said]:
    """All that the source says, and the codes of the classes."""
    found = [one for path in sorted((ROOT / "sa_auth").rglob("*.py")) for one in _in(path)]
    found += [Said(code, re.escape(words), re.escape(hint), "faults") for code, (words, hint) in faults._WORDS.items()]
    found += [Said(code, _redis(reason), "", "redis_faults") for *_, code, reason in redis_faults._REFUSALS]
    found += [Said(code, ANY, ANY, "errors") for code in default_codes() | errors._SERVERS_WORDS]
    return found


def default_codes() -> set[str]:
    """Of the classes."""
    classes = [getattr(errors, name) for name in errors.__all__]
    return {cls.default_code for cls in classes if issubclass(cls, errors.SaAuthError)}


def causes() -> set[str]:
    """What names a page before the code does."""
    known = {one.cause for name in PROVIDERS for one in PROVIDERS[name].known}
    grants = {getattr(GRANTS[name], "cause", "") for name in GRANTS}
    return ({cause for _, cause, _ in _TELLING} | known | grants | CAUSES_ELSEWHERE) - {""}


def _in(path: Path) -> Iterator[Said]:
    where = str(path.relative_to(ROOT))
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield from _call(node, f"{where}:{node.lineno}")
    if path.name == "redis_faults.py":
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
                *_, last = node.value.elts
                if isinstance(last, ast.Constant) and isinstance(last.value, str):
                    yield Said(last.value, ANY, "", where)


def _call(call: ast.Call, where: str) -> Iterator[Said]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    given = {word.arg: word.value for word in call.keywords}
    code, texts = given.get("code"), call.args
    if name == "fault" and texts and isinstance(texts[0], ast.Constant):
        code, texts = texts[0], texts[1:]
        if not texts:
            return  # the table's own words
        table = faults._WORDS[str(code.value)]
        yield Said(str(code.value), _pattern(texts[0]), _hint(given) or re.escape(table[1]), where)
        return
    if name == "_refused" and len(texts) == 2 and "shape" in where:
        yield from (Said(f"assertion_{one}", _pattern(texts[1]), _hint(given), where) for one in _words(texts[0]))
        return
    if name == "Event" or code is None or not texts:
        return
    for word in _words(code):
        yield Said(word, _pattern(texts[0]), _hint(given), where)


def _words(code: ast.expr) -> list[str]:
    """The codes that an expression may come to; none where they are somebody else's."""
    if isinstance(code, ast.Constant):
        return [code.value] if isinstance(code.value, str) else []
    if isinstance(code, ast.IfExp):
        return _words(code.body) + _words(code.orelse)
    if isinstance(code, ast.JoinedStr) and "kind.code" in ast.unparse(code):
        end = code.values[1]
        return [f"{kind}{end.value}" for kind in KINDS] if isinstance(end, ast.Constant) else []
    return ["password", "bad_argument"] if ast.unparse(code) == "code" else []


def _hint(given: dict[str | None, ast.expr]) -> str:
    return _pattern(given["hint"]) if "hint" in given else ""


def _pattern(text: ast.expr) -> str:
    if isinstance(text, ast.Constant):
        return re.escape(str(text.value))
    if isinstance(text, ast.JoinedStr):
        return "".join(_pattern(part) if isinstance(part, ast.Constant) else ANY for part in text.values)
    if isinstance(text, ast.IfExp):
        return f"(?:{_pattern(text.body)}|{_pattern(text.orelse)})"
    if isinstance(text, ast.BinOp) and isinstance(text.op, ast.Add):
        return _pattern(text.left) + _pattern(text.right)
    return ANY


def _redis(reason: str) -> str:
    return re.escape(reason).replace(re.escape("{redis}"), ANY)
