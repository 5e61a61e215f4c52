"""Tests of `sa_auth.keys.armor`: PEM made whole again."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sa_auth.errors import KeyLoadError
from sa_auth.keys.armor import Block, as_text, unwrap

BODY = bytes(range(100))


def armoured(label: str = "PRIVATE KEY", body: bytes = BODY, end: str = "\n") -> str:
    """A block as it should be."""
    lines = base64.encodebytes(body).decode().replace("\n", "") if end == "" else base64.b64encode(body).decode()
    wrapped = end.join(lines[index : index + 64] for index in range(0, len(lines), 64))
    return f"-----BEGIN {label}-----{end}{wrapped}{end}-----END {label}-----{end}"


WHOLE = Block("PRIVATE KEY", armoured().encode())


@pytest.mark.parametrize(
    "end", ["\n", "\r\n", "\r", " ", "\\n", "\\r\\n", "\\\\n", "", "\n\n", "\n   ", "\\\n", '"\n"']
)
def test_line_ends(end: str) -> None:
    """Whatever became of its line ends, the block comes out the same."""
    assert unwrap(armoured(end=end).encode()) == [WHOLE]


def test_labels_in_order() -> None:
    """All blocks come out in their order, with what stands between them left out."""
    text = "before\n" + armoured("CERTIFICATE") + "between\n" + armoured("RSA PRIVATE KEY") + "after"
    assert [block.label for block in unwrap(text.encode())] == ["CERTIFICATE", "RSA PRIVATE KEY"]


def test_header_lines() -> None:
    """The two header lines of traditional encryption survive, folded as well; other text in front does not."""
    head = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF\n\n"
    whole = armoured("RSA PRIVATE KEY").replace("-----\n", "-----\n" + head, 1)
    for text in (whole, " ".join(whole.split()), whole.replace("\n", "\\n"), whole.replace("\n", "\r\n")):
        (block,) = unwrap(text.encode())
        assert block.data.decode() == whole


def test_base64_around_it() -> None:
    """A block or DER that was base64-encoded as a whole is unwrapped, once."""
    once = base64.b64encode(armoured().encode())
    assert unwrap(once) == [WHOLE]
    assert unwrap(base64.b64encode(once)) == []
    assert unwrap(base64.b64encode(b"\x30\x03abc")) == [Block("DER", b"\x30\x03abc")]


def test_der() -> None:
    """Bytes that begin a DER sequence are handed on as they are."""
    assert unwrap(b"\x30\x00\xff") == [Block("DER", b"\x30\x00\xff")]


@pytest.mark.parametrize("text", ["", "hello", "-----", "-----END PRIVATE KEY-----", "\ufeff", "\x00"])
def test_nothing(text: str) -> None:
    """Where there is no block there is none."""
    assert unwrap(text.encode()) == []


@pytest.mark.parametrize("text", [
    armoured()[:80],
    armoured() + "-----BEGIN CERTIFICATE-----\nAAAA",
    "-----BEGIN CERTIFICATE-----\n" + armoured(),
    "-----BEGIN private key-----",
    armoured().replace("END PRIVATE", "END PUBLIC"),
    armoured().replace("AAEC", "AA\u00e4C"),
    "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\nAA=A\n-----END PRIVATE KEY-----",
])  # fmt: skip
def test_cut_short(text: str) -> None:
    """A block without its end, or with what is not base64 in it, is damaged."""
    with pytest.raises(KeyLoadError) as caught:
        unwrap(text.encode())
    assert caught.value.code == "key_damaged"


def test_beginning_as_text() -> None:
    """The content as text has neither mark nor quotes in front."""
    assert as_text('\ufeff  "ssh-rsa AAAA"'.encode()) == "ssh-rsa AAAA"


@pytest.mark.parametrize(
    "piece", ["-----BEGIN A-----", "-----BEGIN ", "\\", "\\u0041", '"', " ", "Proc-Type: 4,", "-----"]
)
def test_linear(piece: str) -> None:
    """A mebibyte of anything is answered in moments."""
    content = (piece * ((1 << 20) // len(piece))).encode()
    begun = time.perf_counter()
    try:
        unwrap(content)
        unwrap(b"-----BEGIN A-----" + content + b"-----END A-----")
    except KeyLoadError:
        pass
    assert time.perf_counter() - begun < 5


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=200))
def test_junk(content: bytes) -> None:
    """Any bytes give blocks or a KeyLoadError."""
    for given_content in (content, b"-----BEGIN A-----" + content + b"-----END A-----"):
        try:
            blocks = unwrap(given_content)
        except KeyLoadError:
            continue
        assert all(isinstance(block, Block) for block in blocks)
