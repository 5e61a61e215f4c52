"""Values that must not be seen."""

from __future__ import annotations

import copy
import hashlib
import pickle
from typing import Any

import pytest

from sa_auth._secret import Secret, fingerprint, open_password
from sa_auth.errors import ConfigError


@pytest.mark.parametrize(("value", "revealed"), [("cänary", "cänary".encode()), (b"\x00\xff", b"\x00\xff"), ("", b"")])
def test_reveal(value: str | bytes, revealed: bytes) -> None:
    """A secret comes out as bytes where it is used."""
    assert Secret(value).reveal() == revealed


def test_silence() -> None:
    """It shows in no repr, str, format, container or dict of attributes."""
    secret = Secret("canary")
    for shown in (repr(secret), str(secret), f"{secret}", f"{[secret]}", repr({"a": secret})):
        assert "canary" not in shown
    assert not hasattr(secret, "__dict__")


@pytest.mark.parametrize("way", [pickle.dumps, copy.copy, copy.deepcopy])
def test_not_pickled(way: Any) -> None:
    """It is not pickled, with a hint, and the refusal does not repeat it."""
    with pytest.raises(ConfigError) as caught:
        way(Secret("canary"))
    assert (caught.value.code, bool(caught.value.hint)) == ("not_picklable", True)
    assert "canary" not in str(caught.value)


def test_fingerprint() -> None:
    """Two secrets are told apart in a log by eight hex digits of a hash, for any text."""
    assert fingerprint("abc") == fingerprint(b"abc") == hashlib.sha256(b"abc").hexdigest()[:8]
    assert len(fingerprint("\ud800")) == 8


@pytest.mark.parametrize(
    ("password", "opened"),
    [(None, None), ("pä", "pä".encode()), (b"p", b"p"), (bytearray(b"p"), b"p"), (lambda: "p", b"p"), (lambda: b"p", b"p"),
     (lambda: None, None), ("", b"")],
)  # fmt: skip
def test_open_password(password: Any, opened: bytes | None) -> None:
    """A password is text, bytes, or a callable that gives one of them or nothing."""
    assert open_password(password) == opened


def boom() -> str:
    """A callable that fails, with the secret in its words."""
    raise KeyError("canary")


@pytest.mark.parametrize("password", [5, ["canary"], lambda: 5, lambda: ["canary"], boom])
def test_no_password(password: Any) -> None:
    """Everything else is refused by its type; what a callable raised is named by its class, without its words."""
    with pytest.raises(ConfigError) as caught:
        open_password(password)
    error = caught.value
    assert error.code == "password"
    assert "canary" not in f"{error}{error!r}{vars(error)}"
    assert (error.__cause__, error.__context__) == (None, None)


def test_asked_for_each_time() -> None:
    """A callable is asked when the key is opened, and nothing of it kept."""
    asked = []
    for _ in range(2):
        open_password(lambda: asked.append(1) or "p")  # type: ignore[func-returns-value]
    assert asked == [1, 1]
