"""An assertion in an environment variable."""

from __future__ import annotations

from typing import Any

import pytest

from sa_auth.assertions import FromEnvironment
from sa_auth.errors import ConfigError

from .texts import NOW, assertion, everything_of, token


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> FromEnvironment:
    """A source of a variable that is not set."""
    monkeypatch.delenv("SA_AUTH_ID_TOKEN", raising=False)
    return FromEnvironment("SA_AUTH_ID_TOKEN")


@pytest.mark.parametrize("text", [token(), assertion(), "opaque"])
def test_read_each_time(text: str, source: FromEnvironment, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is read for every exchange, and the source is known by its name."""
    for value in (text, "other"):
        monkeypatch.setenv("SA_AUTH_ID_TOKEN", value)
        assert source.mint(NOW) == value
    assert source.fingerprint() == ("from_environment", "SA_AUTH_ID_TOKEN")
    assert repr(source) == "FromEnvironment('SA_AUTH_ID_TOKEN')"


@pytest.mark.parametrize(
    ("value", "code", "retryable"),
    [(None, "assertion_missing", False), ("", "assertion_empty", True), (token()[:50], "assertion_truncated", True),
     (token(exp=1), "assertion_expired", True), ("a b", "assertion_not_text", False), ("\udcff\udcfe", "assertion_not_text", False)],
)  # fmt: skip
def test_refused(
    value: str | None, code: str, retryable: bool, source: FromEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that is not set, or holds no assertion, is named with what to do; its value is not."""
    if value is not None:
        monkeypatch.setenv("SA_AUTH_ID_TOKEN", value)
    with pytest.raises(
        ConfigError, match="the environment variable SA_AUTH_ID_TOKEN|The environment variable"
    ) as caught:
        source.mint(NOW)
    assert (caught.value.code, caught.value.retryable) == (code, retryable)
    assert caught.value.hint
    shown = everything_of(caught.value)
    assert not value or len(value) < 20 or value not in shown


@pytest.mark.parametrize("name", [None, 5, "", " ", "a b", "a=b", token(), "x" * 101, b"NAME"])
def test_no_name(name: Any) -> None:
    """What is no variable's name, an assertion's text for example, is refused at once and not repeated."""
    with pytest.raises(ConfigError) as caught:
        FromEnvironment(name)
    assert caught.value.code == "bad_argument"
    assert token()[:20] not in str(caught.value)
