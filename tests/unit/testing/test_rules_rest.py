"""Every rule for the REST exchange has a request that keeps it and one that breaks it alone."""

from __future__ import annotations

import json
from typing import Any

from sa_auth.testing.rules import rest
from sa_auth.wire import Request
from tests.unit.testing.kit import Forge, Judged, Kit, Pair, rules_of


def bearing(method: str = "POST", **changes: Any) -> Forge:
    """A request with the JWT as bearer."""
    return lambda kit: Request(
        f"{kit.authority.issuer}/exchange", b"", {"Authorization": f"Bearer {kit.grant(**changes)}"}, method
    )


def telling(make: Any, kind: str = "application/json; charset=utf-8", **headers: str) -> Forge:
    """A request with a JSON body that is made of a JWT."""

    def forge(kit: Kit) -> Request:
        body = make(kit.grant())
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Request(f"{kit.authority.issuer}/exchange", data, {"Content-Type": kind, **headers})

    return forge


def flat(text: str) -> dict[str, Any]:
    """The JWT as a field."""
    return {"jwt": text}


def nested(text: str) -> dict[str, Any]:
    """The JWT as a field of a field."""
    return {"login": {"jwt": text}}


def both(kit: Kit) -> Request:
    """A JWT as bearer and in the body."""
    return telling(flat, Authorization=f"Bearer {kit.grant()}")(kit)


PAIRS: dict[str, list[Pair]] = {
    "rest_post": [Pair(bearing(), bearing("GET"), "invalid_request", 405)],
    "rest_json": [
        Pair(telling(flat), telling(flat, "text/plain")),
    ],
    "rest_jwt_one": [
        Pair(bearing(), both),
        Pair(bearing(), telling(lambda text: {"token": text})),
        Pair(bearing(), telling(lambda text: {**flat(text), **nested(text)})),
    ],
    "aud_names_server": [Pair(bearing(), bearing(aud="https://other.test"), "invalid_grant")],
    "exp_ahead": [Pair(bearing(), bearing(exp=1), "invalid_grant")],
}


def test_every_rule_has_such_a_pair() -> None:
    """No rule of the family is left out."""
    assert set(PAIRS) >= rules_of(rest)


class TestPairs(Judged):
    """Each request of the table is judged by its rule."""

    pairs = PAIRS


def test_json_that_cannot_be_read_is_said_to_be_so(kit: Kit) -> None:
    """A body with a name twice breaks the rule for JSON, and nothing is taken out of it."""
    request = telling(lambda text: json.dumps(flat(text)).encode()[:-1] + b',"jwt":"x"}')(kit)
    assert kit.send(request)["error"] == "invalid_request"
    assert kit.authority.requests[-1].broken[0].rule == "rest_json"


def test_it_answers_by_names_of_its_own(kit: Kit) -> None:
    """The answer is 201 with the token, which the API takes, and the end of its life in UTC."""
    response = kit.authority.handle(bearing()(kit))
    fields = json.loads(response.body)
    assert response.status == 201
    assert fields == {"token": fields["token"], "expires_at": "2023-11-14T23:13:20Z"}
    assert kit.authority.handle(kit.call(fields["token"])).status == 200
    record = kit.authority.requests[-1]
    assert (record.endpoint, record.claims["iss"], kit.authority.exchanges) == ("exchange", "robot", 1)


def test_the_names_can_be_changed(kit: Kit) -> None:
    """A service may nest its fields, and tell the life in seconds."""
    kit.authority.rest_answer = {"token": "auth.client_token", "expires_in": "auth.lease_duration"}
    fields = kit.send(telling(nested)(kit))
    assert fields == {"auth": {"client_token": fields["auth"]["client_token"], "lease_duration": 3600}}


def test_faults_of_the_token_endpoint_hit_it(kit: Kit) -> None:
    """It is where tokens are asked for, so what is planned for that holds here."""
    with kit.authority.down(502):
        assert kit.authority.handle(bearing()(kit)).status == 502
