"""What bridges share says what will not do."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sa_auth import ConfigError, ServiceAccountCredentials
from sa_auth.integrations import aiohttp, function, grpc, httpx, urllib3
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


@pytest.mark.parametrize("bridge", [httpx.Auth, aiohttp.Auth, urllib3.Pool, grpc.call_credentials, grpc.Renewal, function.token_of,
                                    function.header_of, function.awaited_token_of, bearing])  # fmt: skip
@pytest.mark.parametrize("source", ["key.json", None, lambda: "token", ServiceAccountCredentials])
def test_no_bridge_takes_what_is_no_source(bridge: Any, source: Any) -> None:
    """A bridge says at once, and not at its first call, that it was given no credentials."""
    with pytest.raises(ConfigError, match="This bridge was given") as caught:
        bridge(source)
    assert caught.value.code == "bad_argument"


def test_a_function_gives_no_token_that_takes_a_proof() -> None:
    """A token that is of no use without a proof is not given as a text."""
    acts = {"token": print, "poll": print, "discard": print, "proofs": object()}
    for act in (function.token_of, function.header_of, function.awaited_token_of):
        with pytest.raises(ConfigError, match="not_bearer"):
            act(SimpleNamespace(**acts))  # type: ignore[arg-type]


def test_replaced() -> None:
    """Another source is made by `replace`, where there is one."""
    assert replaced(SimpleNamespace(replace=dict), scope="a") == {"scope": "a"}
    with pytest.raises(ConfigError) as caught:
        replaced(SimpleNamespace(), scope="a")
    assert caught.value.code == "no_replace"
