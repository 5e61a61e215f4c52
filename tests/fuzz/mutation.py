"""Changes bytes in one place and keeps the form around it: a value in JSON, a block in PEM, a thing in DER.

Rule: how the innermost bytes change is the caller's: atheris's own way, or a simple one here. So a change gets past the
parser, to what stands behind it.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from random import Random
from typing import Any

from .material import tlv

Raw = Callable[[bytes], bytes]
_BLOCK = re.compile(rb"(-----BEGIN [A-Z0-9 ]+-----\n)([A-Za-z0-9+/=\n]+)(-----END)")
_ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 1e300, 10**30, float("inf"), "", " ", "\x00", "\n", "\x1b[2J", "\u202e", "\ud800", "é", "x" * 20_000,
    "eyJhbGciOiJub25lIn0.eyJleHAiOjFlMzAwfQ.c2ln", "https://elsewhere.example/", "http://127.0.0.1/", [], {}, [[]], {"": ""}, [None],
)  # fmt: skip


def changed(data: bytes, random: Random, raw: Raw | None = None) -> bytes:
    """The data changed in one place, in most cases inside the form that it has."""
    change = raw or (lambda part: plain(part, random))
    return change(data) if random.random() < 0.15 else _inside(data, random, change)


def plain(data: bytes, random: Random) -> bytes:
    """A byte changed, some taken out, put in, or doubled."""
    at, act = random.randrange(len(data) + 1), random.randrange(4)
    if act == 0 and data:
        at = min(at, len(data) - 1)
        return data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]
    if act == 1:
        return data[:at] + data[at + random.randrange(1, 9) :]
    if act == 2:
        return data[:at] + random.randbytes(random.randrange(1, 9)) + data[at:]
    return data[:at] + data[max(0, at - random.randrange(1, 40)) :]


def _inside(data: bytes, random: Random, raw: Raw) -> bytes:
    brace, block = data.find(b"{"), _BLOCK.search(data)
    if brace >= 0 and (block is None or brace < block.start()):
        found = _json(data[brace:], random, raw)
        return raw(data) if found is None else data[:brace] + found
    if block is not None:
        blocks = list(_BLOCK.finditer(data))
        block = random.choice(blocks)
        inner = _decoded(block[2])
        lines = raw(block[2]) if inner is None else base64.encodebytes(_der(inner, random, raw))
        return data[: block.start(2)] + lines + data[block.end(2) :]
    at = data.find(b"\x30", 0, 2)
    if at >= 0:
        return data[:at] + _der(data[at:], random, raw)
    return raw(data)


def _json(text: bytes, random: Random, raw: Raw) -> bytes | None:
    try:
        top = json.loads(text)
    except (ValueError, RecursionError):
        return None
    places: list[tuple[Any, Any]] = []
    todo = [top]
    while todo and len(places) < 1000:
        node = todo.pop()
        names = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        places += ((node, name) for name in names)
        todo += (node[name] for name in names)
    if not places:
        return None
    node, name = random.choice(places)
    act = random.randrange(6)
    if act == 0:
        del node[name]
    elif act == 1:
        node[name] = random.choice(_ODD)
    elif act == 2:
        other, there = random.choice(places)
        node[name] = json.loads(json.dumps(other[there]))
    elif act == 3 and isinstance(node, dict):
        node[plain(str(name).encode("utf-8", "replace"), random).decode("latin-1")] = node.pop(name)
    elif isinstance(node[name], str):
        node[name] = _text(node[name], random, raw)
    else:
        node[name] = random.choice(_ODD)
    written = json.dumps(top, ensure_ascii=random.random() < 0.5).encode("utf-8", "replace")
    if random.random() < 0.05:  # a name twice, for readers that take the first or the last
        at = random.choice([found.end() for found in re.finditer(rb"\{", written)] or [0])
        double = json.dumps({str(name): random.choice(_ODD)}).encode()[1:-1]
        written = written[:at] + double + b"," + written[at:]
    return written


def _text(text: str, random: Random, raw: Raw) -> str:
    """A text changed by its characters, or, where it is base64, by its bytes."""
    data = text.encode("utf-8", "replace")
    if b"-----BEGIN" in data:
        return _inside(data, random, raw).decode("utf-8", "replace")
    form = re.fullmatch(rb"[A-Za-z0-9+/_=-]{16,}", data)
    if form and random.random() < 0.7:
        inner = _decoded(data)
        if inner is None:
            return raw(data).decode("utf-8", "replace")
        written = base64.b64encode(_der(inner, random, raw) if inner[:1] == b"\x30" else raw(inner))
        if b"+" in data or b"/" in data:
            return written.decode()
        return written.translate(bytes.maketrans(b"+/", b"-_")).rstrip(b"=").decode()
    return raw(data).decode("utf-8", "replace")


def _decoded(text: bytes) -> bytes | None:
    try:
        return base64.b64decode(text.translate(bytes.maketrans(b"-_", b"+/")) + b"==")
    except binascii.Error:
        return None


def _der(data: bytes, random: Random, raw: Raw, depth: int = 0) -> bytes:
    """DER changed somewhere inside, with the lengths around it made to fit."""
    parts = _parts(data)
    if not parts or depth > 12 or random.random() < 0.1:
        return raw(data)
    at = random.randrange(len(parts))
    tag, content = parts[at]
    act = random.randrange(12)
    if act == 0:
        parts.pop(at)
    elif act == 1:
        parts.insert(at, random.choice(parts))
    elif tag == 0x02 and act < 6:
        parts[at] = (tag, random.choice((b"", b"\0", b"\1", b"\xff", b"\x7f" * 3, b"\x0f\xff\xff", b"\x01" * 300)))
    else:
        parts[at] = (tag, _der(content, random, raw, depth + 1))
    return b"".join(tlv(tag, content) for tag, content in parts)


def _parts(data: bytes) -> list[tuple[int, bytes]]:
    """The things in DER, one after the other; none where it is not DER to the end."""
    found, at = [], 0
    while at + 2 <= len(data):
        tag, size, at = data[at], data[at + 1], at + 2
        if size >= 0x80:
            octets = size & 0x7F
            size, at = int.from_bytes(data[at : at + octets], "big"), at + octets
        if at + size > len(data):
            return []
        found.append((tag, data[at : at + size]))
        at += size
    return found if at == len(data) else []
