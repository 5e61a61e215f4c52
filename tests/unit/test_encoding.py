"""Bytes on their way to text and back."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sa_auth._encoding import b64url, b64url_decode, compact_json, digest, form

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def test_example_of_rfc_7515() -> None:
    """Appendix C of RFC 7515 has these bytes and this text."""
    assert b64url(bytes([3, 236, 255, 224, 193])) == "A-z_4ME"
    assert b64url_decode("A-z_4ME") == bytes([3, 236, 255, 224, 193])


@given(st.binary())
def test_round_trip(data: bytes) -> None:
    """What is encoded is decoded again, with or without padding, and no character needs escaping."""
    text = b64url(data)
    assert b64url_decode(text) == data
    assert b64url_decode(base64.urlsafe_b64encode(data).decode()) == data
    assert not set(text) & set("=+/")


@pytest.mark.parametrize("text", ["A", "AAAAA", "AA AA", "AA\nAA", "ÄÄÄÄ", "A-z_4ME!", "AA.AA"])
def test_what_is_no_base64url(text: str) -> None:
    """Foreign characters, white space and an impossible length are refused."""
    with pytest.raises(ValueError):
        b64url_decode(text)


def test_compact_json() -> None:
    """JSON as a JOSE part wants it: in order, without spaces, UTF-8 unescaped, no NaN."""
    assert compact_json({"b": 1, "a": ["ä", None, True]}) == '{"b":1,"a":["ä",null,true]}'.encode()
    with pytest.raises(ValueError):
        compact_json({"a": float("nan")})


@given(st.lists(st.tuples(ANY_TEXT, ANY_TEXT)))
def test_form(fields: list[tuple[str, str]]) -> None:
    """A form reads back as it was written: order, repeats and empty values included."""
    written = form(fields)
    assert written.isascii()
    assert parse_qsl(written.decode(), keep_blank_values=True) == fields


def test_form_is_form_encoded() -> None:
    """A space is a plus sign, and a plus sign is not (RFC 6749 appendix B)."""
    assert form([("scope", "a b"), ("x", "+&=%£")]) == b"scope=a+b&x=%2B%26%3D%25%C2%A3"


@given(st.lists(st.binary(max_size=6), max_size=5), st.lists(st.binary(max_size=6), max_size=5))
def test_digest_tells_lists_apart(left: list[bytes], right: list[bytes]) -> None:
    """Two lists of fields have one digest only if they are the same, wherever their boundaries lie."""
    assert (digest(*left) == digest(*right)) == (left == right)


def test_digest() -> None:
    """It is SHA-256 over fields with their lengths in front, and takes any text, lone surrogates included."""
    assert digest("ab", b"c") == hashlib.sha256(b"\0\0\0\0\0\0\0\2ab" + b"\0\0\0\0\0\0\0\1c").digest()
    assert digest("\ud800") != digest("\ud801")
    assert digest() != digest("")
