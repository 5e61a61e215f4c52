"""Reads of a SAML 2.0 assertion what matters before it is sent: its kind, its end, and whom it names.

Rule: pure and without errors of its own; no document type, so no entity is expanded and nothing is fetched; no signature
is judged. Stands under `shape`, which says what is wrong in words.
Source: SAML 2.0 core (saml-core-2.0-os) sections 1.3.3, 2.3.3 and 2.5.1.
"""

from __future__ import annotations

import base64
import re
from typing import Any

from .._loading import load

ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion Assertion"
RESPONSE = "urn:oasis:names:tc:SAML:2.0:protocol Response"
_NAMESPACE = ASSERTION.partition(" ")[0]
_TOLD = (["Issuer"], ["Conditions", "AudienceRestriction", "Audience"])
_LONGEST_TEXT = 1000
_TO_BASE64 = str.maketrans("-_", "+/")
# What XML begins with: far enough that no opaque token, decoded, begins like it by chance.
_BEGINNING = re.compile(rb"(?:\xef\xbb\xbf)?\s*<[?!A-Za-z_][\t\r\n\x20-\x7e]{6,}")
_NAMED = re.compile(rb"(?:\xef\xbb\xbf)?\s*<.*urn:oasis:names:tc:SAML", re.DOTALL)
_DATE = re.compile(r"\s*(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:Z|([+-])(\d\d):(\d\d))?\s*")


class Document:
    """What an XML document says.

    Attributes:
        root: Namespace, a space and the name of the outermost element; empty where there is none.
        told: Name to text, of the first Issuer and Audience of the assertion itself. Not its NameID, which may be a
            person's name or number.
        ends_at: `Conditions/@NotOnOrAfter` as Unix seconds; None: not there, or no date.
        fault: "" where it is well-formed; else "cut", "document_type" or "malformed".
    """

    def __init__(self) -> None:
        self.root, self.fault = "", ""
        self.told: dict[str, str] = {}
        self.ends_at: float | None = None
        self._path: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        self.root = self.root or name
        self._path.append(name.removeprefix(f"{_NAMESPACE} "))
        if self._path[1:] == ["Conditions"] and "NotOnOrAfter" in attributes:
            self.ends_at = unix_seconds(attributes["NotOnOrAfter"])

    def end(self, _name: str) -> None:
        """An element ends."""
        self._path.pop()

    def text(self, data: str) -> None:
        """Text of the innermost element that is open; it may come in pieces."""
        if self._path[1:] in _TOLD:
            before = self.told.get(self._path[-1], "")
            self.told[self._path[-1]] = (before + data.strip())[:_LONGEST_TEXT]

    def refuse(self, *_: object) -> None:
        """A document type begins."""
        self.fault = "document_type"
        raise ValueError


def read(data: bytes) -> Document:
    """Reads XML; what is wrong with it stands in the document's `fault`."""
    expat = load("xml.parsers.expat")
    document, parser = Document(), expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = document.start, document.end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = document.text, document.refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        document.fault = "cut" if error.code in _cut(expat) else "malformed"
    except (ValueError, LookupError):  # a document type; an encoding that Python does not know
        document.fault = document.fault or "malformed"
    return document


def _cut(expat: Any) -> set[int]:
    errors = expat.errors
    names = ("NO_ELEMENTS", "UNCLOSED_TOKEN", "PARTIAL_CHAR", "UNCLOSED_CDATA_SECTION")
    return {errors.codes[getattr(errors, f"XML_ERROR_{name}")] for name in names}


def begins(text: str) -> bool:
    """Whether a text is base64 or base64url of something that begins like XML."""
    bare = "".join(text[:8000].split())[:4096].translate(_TO_BASE64).rstrip("=")
    # A comment may come first, in letters of any language; the namespace then says what it is.
    return _BEGINNING.fullmatch(_decoded(bare[:24])) is not None or _NAMED.match(_decoded(bare)) is not None


def _decoded(head: str) -> bytes:
    try:
        return base64.b64decode(head[: len(head) // 4 * 4], validate=True)
    except ValueError:
        return b""


def unfolded(text: str) -> bytes | None:
    """The bytes of base64 or base64url, folded or not, padded or not; None where it is damaged."""
    bare = "".join(text.split()).translate(_TO_BASE64).rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except ValueError:
        return None


def unix_seconds(text: str) -> float | None:
    """Unix seconds of an xs:dateTime, UTC where it names no zone; None where it is none.

    Example:
        >>> unix_seconds("2026-01-01T00:00:00.5Z"), unix_seconds("tomorrow")
        (1767225600.0, None)
    """
    from datetime import datetime, timedelta, timezone

    found = _DATE.fullmatch(text)
    if found is None:
        return None
    *fields, sign, hours, minutes = found.groups()
    try:
        date = datetime(*map(int, fields), tzinfo=timezone.utc)  # type: ignore[arg-type,misc]  # six of them
        ahead = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        return (date + ahead if sign == "-" else date - ahead).timestamp()
    except (ValueError, OverflowError):
        return None
