"""Client secrets: Basic and form, as RFC 6749 section 2.3.1 writes them, and seen nowhere else."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sa_auth.client_auth import CLIENT_AUTH, ClientAuth, ClientSecretBasic, ClientSecretPost, TokenRequest
from sa_auth.errors import ConfigError

BEFORE = TokenRequest((("grant_type", "x"),), {"Accept": "application/json"})
PLAIN = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def test_basic() -> None:
    """Each half is form-encoded before the two are joined, so a colon or a space in one is no boundary."""
    after = ClientSecretBasic("a:p p", "s+c:r%t").apply(BEFORE, 0)
    scheme, _, coded = after.headers["Authorization"].partition(" ")
    assert (scheme, base64.b64decode(coded)) == ("Basic", b"a%3Ap+p:s%2Bc%3Ar%25t")
    assert after.headers["Accept"] == "application/json"
    assert after.fields == BEFORE.fields


@given(PLAIN, PLAIN)
def test_basic_of_anything(client_id: str, secret: str) -> None:
    """Whatever they hold, the server reads back what was registered, and no header is broken."""
    value = ClientSecretBasic(client_id, secret).apply(TokenRequest(), 0).headers["Authorization"]
    assert value.isascii()
    assert value.isprintable()
    halves = base64.b64decode(value.removeprefix("Basic ")).decode("ascii").split(":")
    assert [unquote_plus(half) for half in halves] == [client_id, secret]


def test_post() -> None:
    """In the form, both are fields after the grant's own; no header is added."""
    after = ClientSecretPost("app", "s:t").apply(BEFORE, 0)
    assert after.fields == (("grant_type", "x"), ("client_id", "app"), ("client_secret", "s:t"))
    assert after.headers == BEFORE.headers


def test_nothing_is_changed() -> None:
    """Applying gives a new request and leaves the old one as it was."""
    for method in (ClientSecretBasic("app", "s"), ClientSecretPost("app", "s")):
        assert method.apply(BEFORE, 0) is not BEFORE
    assert TokenRequest((("grant_type", "x"),), {"Accept": "application/json"}) == BEFORE


@pytest.mark.parametrize("method", [ClientSecretBasic, ClientSecretPost])
@pytest.mark.parametrize("pair", [("", "s"), ("app", ""), (5, "s"), ("app", b"s"), (None, "s"), ("app", None)])
def test_no_text(method: Any, pair: tuple[Any, Any]) -> None:
    """Both are non-empty str; what was given is not repeated."""
    with pytest.raises(ConfigError) as caught:
        method(*pair)
    assert (caught.value.code, bool(caught.value.hint)) == ("bad_argument", True)


def test_fingerprint() -> None:
    """The fingerprint changes with method, client and secret, and holds no secret."""
    base = ClientSecretBasic("app", "canary").fingerprint()
    others = [
        ClientSecretBasic("app", "canarz"), ClientSecretBasic("apq", "canary"), ClientSecretPost("app", "canary"),
        ClientSecretBasic("appc", "anary"),
    ]  # fmt: skip
    assert len({base, *(other.fingerprint() for other in others)}) == 5
    assert base == ClientSecretBasic("app", "canary").fingerprint()
    assert "canary" not in "".join(base)


def test_silence() -> None:
    """Neither a method's repr nor a request's shows the secret."""
    for method in (ClientSecretBasic("app", "canary"), ClientSecretPost("app", "canary")):
        assert "canary" not in repr(method)
        assert "'app'" in repr(method)
        assert "canary" not in repr(method.apply(BEFORE, 0))
        assert "Y2FuYXJ5" not in repr(method.apply(BEFORE, 0))
        assert isinstance(method, ClientAuth)


def test_rows() -> None:
    """Both stand in the table under the names of RFC 7591."""
    assert CLIENT_AUTH["client_secret_basic"] is ClientSecretBasic
    assert CLIENT_AUTH["client_secret_post"] is ClientSecretPost
