"""The token as a value: frozen, whole, and silent about its secret."""

from __future__ import annotations

import copy
import pickle
from types import MappingProxyType
from typing import Any

import pytest

from sa_auth import Token
from sa_auth.errors import ConfigError
from sa_auth.token import NOTHING


def make(**changes: Any) -> Token:
    """A token with anything changed."""
    given = {"access_token": "canary", "expires_at": 1600.0, "refresh_at": 1450.0, "issued_at": 1000.0}
    return Token(**{**given, **changes})


def test_what_it_says() -> None:
    """It knows how it is sent and how long it lives; the rest of the answer is in `extra`."""
    token = make(scope="read", extra=MappingProxyType({"instance_url": "https://x.example"}))
    assert token.authorization == "Bearer canary"
    assert make(token_type="DPoP").authorization == "DPoP canary"
    assert (token.remaining(1000.0), token.remaining(1700.0)) == (600.0, -100.0)
    assert token.extra["instance_url"] == "https://x.example"
    assert make().extra is NOTHING
    assert make().scope is None


@pytest.mark.parametrize("name", ["access_token", "token_type", "expires_at", "extra", "scope", "anything"])
def test_frozen(name: str) -> None:
    """Nothing can be set or deleted: a token is shared by all who hold it."""
    token = make()
    with pytest.raises((AttributeError, TypeError)):
        setattr(token, name, "x")
    with pytest.raises((AttributeError, TypeError)):
        delattr(token, name)


def test_extra_is_read_only() -> None:
    """Nor can the empty `extra`, which all tokens share, be written to."""
    extra: Any = make().extra
    with pytest.raises(TypeError):
        extra["a"] = 1


def test_value() -> None:
    """Two tokens with the same fields are equal and hash alike."""
    assert make() == make()
    assert hash(make()) == hash(make(extra=MappingProxyType({"a": [1]})))
    assert make() != make(access_token="other")


def test_silence() -> None:
    """Neither repr nor str nor format shows the token, nor what else the answer held."""
    token = make(extra=MappingProxyType({"refresh_token": "canary"}))
    for shown in (repr(token), str(token), f"{token}", f"{[token]}", f"{token}"):
        assert "canary" not in shown
        assert "1600.0" in shown


def test_not_pickled_but_copied() -> None:
    """It is not pickled, since whoever reads the pickle could use it; a copy is the token itself."""
    token = make()
    with pytest.raises(ConfigError) as caught:
        pickle.dumps(token)
    assert (caught.value.code, bool(caught.value.hint)) == ("not_picklable", True)
    assert copy.copy(token) is token
    assert copy.deepcopy({"a": token})["a"] is token


@pytest.mark.parametrize("missing", ["expires_at", "refresh_at", "issued_at"])
def test_always_with_times(missing: str) -> None:
    """The three times are always there: no token lives for ever."""
    given = {"expires_at": 1.0, "refresh_at": 1.0, "issued_at": 1.0}
    del given[missing]
    with pytest.raises(TypeError):
        Token("abc", **given)  # type: ignore[arg-type]
