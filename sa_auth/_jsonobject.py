"""Reads one JSON object from a server that is not trusted.

Rule: bounded, and strict where two readers could read two things. Stands under everything that reads a reply.
Source: RFC 8259; FAULTS line 13 in docs/faults.md.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

from ._encoding import utf8
from .errors import ResponseError

_MOST_PARTS = 10_000  # objects and arrays in one answer
_DEEPEST = 100  # within one another: what Python reads and writes depends on how deep its own stack is just then


class _Doubled(dict[str, Any]):
    """A JSON object of which a deciding name stood twice."""


def json_object(body: bytes, deciding: Collection[str], *, status: int | None = None) -> dict[str, Any] | None:
    """Reads a body as one JSON object.

    Args:
        body: UTF-8, with or without a byte order mark.
        deciding: Names that may stand in it once; a dot leads into an object: "auth.client_token".
        status: Of the reply, for the error.

    Returns:
        The object; None where the body is not one.

    Raises:
        ResponseError: a deciding name stands in it twice: two readers would read two different tokens.
    """
    parts = body.count(b"{") + body.count(b"[")
    if parts > _MOST_PARTS:
        return None  # 256 KiB of brackets become 8 MB of objects

    names = {name for path in deciding for name in (path, *path.split("."))}  # a name may have a dot in it

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            named = [name for name, _ in pairs if name in names]
            if len(named) > len(set(named)):
                return _Doubled(found)
        return found

    try:
        fields = json.loads(utf8(body), object_pairs_hook=unique, parse_constant=_refuse, parse_int=_integer)
    except (ValueError, RecursionError):
        return None
    if any(isinstance(node, _Doubled) for path in ("", *deciding) for node in _on_the_way(fields, path)):
        raise ResponseError(
            "A field stands twice in the answer.", code="duplicate_field", status=status,
            hint="Two readers would read two different tokens, so it is not used: tell the server's operator.",
        )  # fmt: skip
    return fields if isinstance(fields, dict) and (parts <= _DEEPEST or not _too_deep(fields)) else None


def _on_the_way(fields: Any, path: str) -> Iterator[Any]:
    """The objects that a path leads through, the outermost first."""
    for name in path.split("."):
        yield fields
        fields = fields.get(name) if isinstance(fields, dict) else None


def _too_deep(fields: dict[str, Any]) -> bool:
    level: list[Any] = [fields]
    for _ in range(_DEEPEST):
        inner = (part for node in level for part in (node.values() if isinstance(node, dict) else node))
        level = [part for part in inner if isinstance(part, dict | list)]
        if not level:
            return False
    return True


def _refuse(constant: str) -> Any:
    raise ValueError(constant)  # NaN and Infinity are no JSON


def _integer(digits: str) -> int | float:
    # Python refuses to read more than 4,300 digits with a ValueError of its own; nobody means such a number.
    return int(digits) if len(digits) <= 100 else float("inf")
