"""PEM as people hand it over, made whole again.

Rule: knows the armour and not what is inside; linear in the input. Repaired are a BOM, UTF-16, CRLF, indentation,
quotes, line ends written as backslash-n, line ends lost to spaces, and a PEM that was base64-encoded as a whole.
Source: RFC 7468; RFC 1421 section 4.6 for the two header lines of traditional encryption.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import NamedTuple

from .faults import fault

_MARKER = re.compile(r"-----(BEGIN|END)\s([A-Z0-9][A-Z0-9\s]{0,40}?)-----")
_ENCRYPTION = re.compile(r"Proc-Type:\s*4\s*,\s*ENCRYPTED\s+DEK-Info:\s*([A-Z0-9-]+)\s*,\s*([0-9A-Fa-f]+)\s")
_ESCAPED_END = re.compile(r"(?<!\\)\\+[rn]")  # the look behind keeps a run of backslashes linear
_ESCAPED_CODE = re.compile(r"\\u00([0-9A-Fa-f]{2})")
_NOISE = re.compile(r"[\s\"'\\]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


class Block(NamedTuple):
    """One armoured thing.

    Attributes:
        label: What stands after BEGIN; "DER" for bytes that came without armour.
        data: The whole block as clean PEM, or the DER bytes.
    """

    label: str
    data: bytes

    def inside(self) -> bytes:
        """The bytes without armour and header lines."""
        if self.label == "DER":
            return self.data
        lines = self.data.splitlines()[1:-1]
        return base64.b64decode(b"".join(line for line in lines if b":" not in line))


def unwrap(content: bytes) -> list[Block]:
    """Finds the blocks in what was handed over.

    Args:
        content: PEM with anything before, between and after; or DER; or either as one base64 text.

    Returns:
        The blocks in their order; empty where there is none.

    Raises:
        KeyLoadError: `key_damaged`, a block has no end or holds what is not base64.
    """
    if content[:1] == b"\x30" and b"-----BEGIN" not in content:
        return [Block("DER", content)]
    text = _as_text(content)
    if "-----BEGIN" not in text:
        inner = _as_base64(text)
        if inner[:1] == b"\x30":
            return [Block("DER", inner)]
        text = _as_text(inner)
    return _blocks(_unescape(text))


def as_text(content: bytes) -> str:
    """The content as text, for a look at how it begins."""
    return _as_text(content).strip(" \t\r\n\"'")


def _as_text(content: bytes) -> str:
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:  # what PowerShell's > writes
        return content.decode("utf-16", "replace")
    return content.decode("utf-8", "replace").lstrip("\ufeff")


def _as_base64(text: str) -> bytes:
    body = _NOISE.sub("", _unescape(text))
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _unescape(text: str) -> str:
    """Turns what JSON and shells make of line ends and signs back; base64 itself has no backslash."""
    text = _ESCAPED_END.sub("\n", text)
    return _ESCAPED_CODE.sub(lambda match: chr(int(match[1], 16)), text).replace("\\/", "/")


def _blocks(text: str) -> list[Block]:
    found: list[Block] = []
    label, start = "", 0
    for marker in _MARKER.finditer(text):
        word, name = marker[1], " ".join(marker[2].split())
        if word == "BEGIN":
            if label:
                break
            label, start = name, marker.end()
        elif name == label:
            found.append(_block(label, text[start : marker.start()]))
            label = ""
    if label or (not found and "-----BEGIN" in text):
        raise fault("key_damaged", "A block in the PEM text is cut short.")
    return found


def _block(label: str, inside: str) -> Block:
    """Writes a block anew: its two header lines if it has them, then lines of 64 characters."""
    inside = inside.strip(" \t\r\n\"'") + " "
    head, encryption = "", _ENCRYPTION.match(inside)
    if encryption:
        head = f"Proc-Type: 4,ENCRYPTED\nDEK-Info: {encryption[1]},{encryption[2]}\n\n"
        inside = inside[encryption.end() :]
    body = _NOISE.sub("", inside)
    if not _BASE64.fullmatch(body):
        raise fault("key_damaged", "A block in the PEM text holds what is not base64.")
    lines = "\n".join(body[index : index + 64] for index in range(0, len(body), 64))
    return Block(label, f"-----BEGIN {label}-----\n{head}{lines}\n-----END {label}-----\n".encode("ascii"))
