"""Every rule for resources has a request that keeps it and one that breaks it alone."""

from __future__ import annotations

from urllib.parse import urlencode

from sa_auth.testing.rules import resource
from sa_auth.wire import Request
from tests.unit.testing.kit import Forge, Judged, Kit, Pair, rules_of

ONE, TWO = "https://one.test/", "https://two.test/api?v=1"


def asked(*resources: str) -> Forge:
    """A request for a token for these resources."""

    def make(kit: Kit) -> Request:
        request = kit.credentials(**kit.client())
        return request._replace(
            body=request.body + b"&" + urlencode([("resource", each) for each in resources]).encode()
        )

    return make


def known(kit: Kit) -> None:
    """Lets the authority issue tokens for these alone."""
    kit.authority.resources = {ONE, TWO}


BAD = "invalid_target"
PAIRS: dict[str, list[Pair]] = {
    "resource_absolute": [
        Pair(asked(ONE, TWO), asked(ONE, "/files"), BAD),
        Pair(asked("urn:example:files"), asked("files"), BAD),
        Pair(asked(ONE), asked("https://[bad"), BAD),
    ],
    "resource_without_fragment": [Pair(asked(ONE), asked(ONE, TWO + "#top"), BAD)],
    "resource_known": [Pair(asked(ONE, TWO), asked(ONE, "https://three.test/"), BAD, prepare=known)],
}


def test_every_rule_has_such_a_pair() -> None:
    """No rule of the family is left out."""
    assert set(PAIRS) == rules_of(resource)


class TestPairs(Judged):
    """Each request of the table is judged by its rule."""

    pairs = PAIRS


def test_the_record_shows_all_of_them(kit: Kit) -> None:
    """Several resources are all in the record."""
    kit.send(asked(ONE, TWO)(kit))
    pairs = kit.authority.requests[-1].form.pairs
    assert [value for name, value in pairs if name == "resource"] == [ONE, TWO]
