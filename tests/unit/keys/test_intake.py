"""Tests of `sa_auth.keys.intake`: bounds on what is handed over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sa_auth.errors import ConfigError, KeyLoadError
from sa_auth.keys.intake import LIMIT_BYTES, bounded, read_file


def test_limit() -> None:
    """One mebibyte passes, a byte more does not; text counts in UTF-8."""
    assert LIMIT_BYTES == 1024 * 1024
    assert len(bounded("a" * LIMIT_BYTES)) == LIMIT_BYTES
    for large in ("a" * (LIMIT_BYTES + 1), b"a" * (LIMIT_BYTES + 1), "\u00e4" * (LIMIT_BYTES // 2 + 1)):
        with pytest.raises(KeyLoadError) as caught:
            bounded(large)
        assert caught.value.code == "too_large"


def test_kinds() -> None:
    """Text and bytes become bytes, lone surrogates included; anything else is a ConfigError that names its type."""
    assert bounded("\u00e4") == b"\xc3\xa4"
    assert bounded(bytearray(b"a")) == b"a"
    assert bounded("\udc80") == b"?"
    for wrong in (None, 7, ["a"], Path("a")):
        with pytest.raises(ConfigError, match=type(wrong).__name__):
            bounded(wrong)


def test_file(tmp_path: Path) -> None:
    """A regular file is read whole, also through a symbolic link."""
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert read_file(tmp_path / "file") == read_file(str(tmp_path / "link")) == b"content"


def test_unreadable(tmp_path: Path) -> None:
    """An absent file, a folder, a FIFO and an impossible path are told apart from damage, without the path."""
    os.mkfifo(tmp_path / "canary-fifo")
    (tmp_path / "canary").mkdir()
    for wrong in (tmp_path / "canary-none", tmp_path / "canary", tmp_path / "canary-fifo", "canary\0", "canary" * 9999):
        with pytest.raises(KeyLoadError, match="cannot be read") as caught:
            read_file(wrong)
        assert caught.value.code == "unreadable"
        assert "canary" not in str(caught.value)
        assert caught.value.__context__ is None
