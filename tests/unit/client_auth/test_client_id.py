"""A client that names itself and proves nothing."""

from __future__ import annotations

from typing import Any

import pytest

from sa_auth.client_auth import CLIENT_AUTH, ClientAuth, ClientId, TokenRequest
from sa_auth.errors import ConfigError


def test_client_id() -> None:
    """client_id is one more field of the form, and nothing else."""
    before = TokenRequest((("grant_type", "x"),), {"Accept": "a"})
    after = ClientId("app").apply(before, 0)
    assert after.fields == (("grant_type", "x"), ("client_id", "app"))
    assert after.headers == before.headers
    assert before.fields == (("grant_type", "x"),)


@pytest.mark.parametrize("value", ["", 5, b"app", ["app"]])
def test_no_text(value: Any) -> None:
    """It is a non-empty str."""
    with pytest.raises(ConfigError) as caught:
        ClientId(value)
    assert (caught.value.code, bool(caught.value.hint)) == ("bad_argument", True)


def test_fingerprint() -> None:
    """The fingerprint is the method and the id."""
    assert ClientId("app").fingerprint() == ("client_id", "app")
    assert isinstance(ClientId("app"), ClientAuth)
    assert CLIENT_AUTH["client_id"] is ClientId
