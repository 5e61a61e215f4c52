"""Reads what a request is made of: a form, a JWS, base64url, JSON. Strictly, and one spelling of each.

Rule: what cannot be read raises `Unjudged`, so that a rule speaks of its own matter alone.

Source: RFC 6749 appendix B, RFC 7515 sections 2, 5.2 and 7.1.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from sa_auth._encoding import b64url, b64url_decode

_MOST_FIELDS = 100
_PARTS = 3
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


class Unjudged(Exception):  # noqa: N818 - not an error: a rule that has nothing to look at
    """What a rule looks at is missing; the text says why."""


def miss(reason: str) -> NoReturn:
    """Says that there is nothing to look at.

    Raises:
        Unjudged: always.
    """
    raise Unjudged(reason)


def read_form(body: bytes) -> list[tuple[str, str]]:
    """Reads a form, leaving nothing out that it does not understand."""
    if not body:
        return []
    try:
        return parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:
        reason = "The body is not a form of name=value pairs in percent-encoded UTF-8."
    raise Unjudged(reason)


def split_jws(text: str) -> tuple[bytes, bytes, bytes]:
    """Takes a JWS apart (RFC 7515 section 7.1)."""
    parts = text.split(".")
    if len(parts) != _PARTS:
        raise Unjudged(f"The assertion has {len(parts)} parts, not three.")
    header, claims, signature = (strict_b64url(part) for part in parts)
    return header, claims, signature


@dataclass(frozen=True)
class Jws:
    """A JWS with claims, as it was sent.

    Attributes:
        text: All of it.
    """

    text: str = field(repr=False)

    @cached_property
    def parts(self) -> tuple[bytes, bytes, bytes]:
        """Header, claims and signature, decoded."""
        return split_jws(self.text)

    @cached_property
    def header(self) -> dict[str, Any]:
        """The JOSE header."""
        return json_object(self.parts[0], "header")

    @cached_property
    def claims(self) -> dict[str, Any]:
        """The claims, before anything vouches for them."""
        return json_object(self.parts[1], "claims")


def strict_b64url(part: str) -> bytes:
    """Decodes base64url as RFC 7515 section 2 has it: no padding, no other characters, one spelling only."""
    if _BASE64URL.fullmatch(part):
        try:
            data = b64url_decode(part)
        except ValueError:
            data = None
        if data is not None and b64url(data) == part:
            return data
    raise Unjudged("A part of the assertion is not base64url without padding.")


def json_object(data: bytes, what: str) -> dict[str, Any]:
    """Reads one JSON object in UTF-8 whose names are unique."""
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Unjudged(f"The {what} cannot be read as one JSON object with unique names.")
    return value


def is_text(value: object) -> bool:
    """Whether a claim is text, and not empty."""
    return isinstance(value, str) and bool(value)


def is_whole(value: object) -> bool:
    """Whether a claim is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name is repeated")
    return fields


def _no_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")
