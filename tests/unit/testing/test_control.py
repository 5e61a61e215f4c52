"""Steering an authority from another process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sa_auth.errors import ConfigError
from sa_auth.testing import Authority
from sa_auth.testing.control import Control
from sa_auth.wire import Request

if TYPE_CHECKING:
    from .conftest import Forger


@pytest.mark.parametrize(
    ("order", "name", "value"),
    [
        ({"delay": 2}, "delay", 2.0),
        ({"skew": -60}, "skew", -60.0),
        ({"drip": 0.5}, "drip", 0.5),
        ({"cut": 7}, "cut", 7),
        ({"cut": None}, "cut", None),
        ({"unreachable": True}, "unreachable", True),
        ({"token_lifetime": 30}, "token_lifetime", 30.0),
    ],
)
def test_settings_can_be_changed(order: dict[str, Any], name: str, value: object, authority: Authority) -> None:
    """Each setting is a field of the order, and the state shows it."""
    state = Control(authority).order(order)
    assert state[name] == getattr(authority, name) == value


def test_faults_can_be_played(authority: Authority, forger: Forger) -> None:
    """down, answer, hold and up act as their namesakes do."""
    control = Control(authority)
    control.order({"answer": {"status": 418, "body": {"a": 1}, "times": 1}, "down": {"retry_after": 3}})
    assert authority.handle(forger.request()).status == 418
    assert authority.handle(forger.request()).headers["retry-after"] == "3"
    control.order({"hold": True})
    assert not authority.faults.pass_gate(0)
    control.order({"up": True})
    assert authority.faults.pass_gate(0)
    assert authority.handle(forger.request()).status == 200
    control.order({"down": True})
    assert authority.handle(forger.request()).status == 503


def test_the_state_has_the_counters(authority: Authority, forger: Forger) -> None:
    """Exchanges, statuses, calls, refusals and the newest request's table are told."""
    token = json.loads(authority.handle(forger.request()).body)["access_token"]
    control = Control(authority)
    call = Request(authority.api_url, headers={"Authorization": f"Bearer {token}"})
    control.order({"refuse_next": 1})
    assert [authority.handle(call).status for _ in range(2)] == [401, 200]
    state = control.state()
    assert (state["exchanges"], state["statuses"], state["calls"], state["refused"]) == (1, {"200": 1}, 1, 1)
    assert list(state["calls_by_token"].values()) == [1]
    assert state["last"].startswith("Request 1: ")
    control.order({"refuse_all": True, "revoke": token})
    assert authority.api.refuse_all
    assert control.order({"clear": True, "revoke_all": True})["last"] == ""


def test_an_issuer_can_be_registered(forger: Forger, authority: Authority) -> None:
    """Register takes what its namesake takes."""
    order = {"issuer": "late", "public_key": forger.public_pem, "scopes": ["a"]}
    Control(authority).order({"register": order})
    assert authority.handle(forger.by_claims(iss="late", scope="a")).status == 200


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"fly": 1}, "No such order: fly"),
        ({"delay": "soon"}, "delay cannot be carried out"),
        ({"answer": {"colour": 1}}, "answer cannot be carried out"),
        ({"register": {"issuer": "x", "public_key": "y"}}, "register cannot be carried out"),
    ],
)
def test_a_wrong_order_is_refused_by_name(order: dict[str, Any], words: str, authority: Authority) -> None:
    """The error names the order."""
    with pytest.raises(ConfigError, match=words):
        Control(authority).order(order)


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [("GET", b"", 200), ("POST", b"{}", 200), ("POST", b"[]", 400), ("POST", b"{", 400), ("POST", b'{"x":1}', 400),
     ("DELETE", b"", 405)],
)  # fmt: skip
def test_it_speaks_json_over_http(method: str, body: bytes, status: int, authority: Authority) -> None:
    """POST takes one JSON object, GET reads the state, and anything else is refused in JSON."""
    response = Control(authority).handle(Request("/control/x", body, method=method))
    assert response.status == status
    assert ("exchanges" in json.loads(response.body)) == (status == 200)
