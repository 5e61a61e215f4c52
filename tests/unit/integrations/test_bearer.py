"""What bridges share says what will not do."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from sa_auth import ConfigError
from sa_auth.integrations.bearer import bearing, replaced


def test_no_source() -> None:
    """What lacks an act of a source is refused with the act's name; so is one whose tokens take a proof."""
    acts = {"token": print, "poll": print, "discard": print}
    assert bearing(SimpleNamespace(**acts)).token is print  # type: ignore[arg-type]
    for changes, code in (
        ({"poll": None}, "bad_argument"),
        ({"proofs": object()}, "not_bearer"),
        ({"per_call": True}, "not_bearer"),
    ):
        with pytest.raises(ConfigError) as caught:
            bearing(SimpleNamespace(**{**acts, **changes}))  # type: ignore[arg-type]
        assert caught.value.code == code


def test_replaced() -> None:
    """Another source is made by `replace`, where there is one."""
    assert replaced(SimpleNamespace(replace=dict), scope="a") == {"scope": "a"}
    with pytest.raises(ConfigError) as caught:
        replaced(SimpleNamespace(), scope="a")
    assert caught.value.code == "no_replace"
