"""Every rule for tokens that take more than themselves has a call that keeps it and one that breaks it alone."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sa_auth.testing.rules import api
from sa_auth.wire import Request
from tests.unit.testing.kit import Forge, Judged, Kit, Pair, rules_of, shown


def by_dpop(key: str = "dpop", scheme: str = "DPoP", token: str | None = None) -> Forge:
    """A call with a token that is bound to the DPoP key, and a proof by this key."""

    def make(kit: Kit) -> Request:
        given = kit.bound_token() if token is None else token
        return kit.call(given, kit.proof(key, token=given), scheme)

    return make


def unbound(kit: Kit) -> Request:
    """A call that brings a plain token as if it were bound."""
    token = kit.authority.issue()
    return kit.call(token, kit.proof(token=token), "DPoP")


def certified(name: str | None) -> Forge:
    """A call with a token that is bound to the certificate of "box", over a connection with this one."""
    return lambda kit: kit.call(kit.certified_token(), {} if name is None else shown(name))


BAD = "invalid_token"
PAIRS: dict[str, list[Pair]] = {
    "token_live": [Pair(by_dpop(), by_dpop(token="made-up"), BAD, 401)],
    "token_not_downgraded": [
        Pair(by_dpop(), lambda kit: kit.call(kit.bound_token()), BAD, 401),
        Pair(by_dpop(), by_dpop(scheme="Bearer"), BAD, 401),
    ],
    "dpop_present": [
        Pair(by_dpop(), lambda kit: kit.call(kit.bound_token(), scheme="DPoP"), "invalid_dpop_proof", 401)
    ],
    "dpop_key_bound": [Pair(by_dpop(), by_dpop("stranger"), BAD, 401), Pair(by_dpop(), unbound, BAD, 401)],
    "certificate_bound": [
        Pair(certified("box"), certified("app"), BAD, 401),
        Pair(certified("box"), certified(None), BAD, 401),
    ],
}


def test_every_rule_has_such_a_pair() -> None:
    """No rule of the family is left out."""
    assert set(PAIRS) == rules_of(api)


class TestPairs(Judged):
    """Each request of the table is judged by its rule."""

    pairs = PAIRS


def challenge(kit: Kit, request: Request) -> str:
    """The challenge that a refused call is answered with."""
    response = kit.authority.handle(request)
    assert response.status == 401
    return response.headers["www-authenticate"]


def test_a_refusal_is_told_in_the_scheme_that_was_tried(kit: Kit) -> None:
    """DPoP is answered by DPoP with its algorithms; Bearer by Bearer, and by DPoP where that is wanted (section 7)."""
    tried = challenge(kit, by_dpop("stranger")(kit))
    assert re.match(r'DPoP error="invalid_token", error_description="[^"]+", algs="[A-Za-z0-9 ]+"$', tried)
    assert "ES256" in tried
    downgraded = challenge(kit, kit.call(kit.bound_token()))
    assert downgraded.startswith('Bearer error="invalid_token"')
    assert ", DPoP algs=" in downgraded
    assert challenge(kit, certified(None)(kit)).startswith('Bearer error="invalid_token"')


def test_the_api_can_demand_a_nonce_of_its_own(kit: Kit) -> None:
    """It answers 401 use_dpop_nonce with its nonce, which is not that of the token endpoint (RFC 9449 section 9)."""
    kit.authority.api.dpop_nonce = True
    kit.authority.api.dpop_nonce_uses = 1
    token = kit.bound_token()
    response = kit.authority.handle(kit.call(token, kit.proof(token=token), "DPoP"))
    assert response.status == 401
    assert response.headers["www-authenticate"].startswith('DPoP error="use_dpop_nonce"')
    nonce = response.headers["dpop-nonce"]
    good = kit.authority.handle(kit.call(token, kit.proof(token=token, nonce=nonce), "DPoP"))
    assert good.status == 200
    assert good.headers["dpop-nonce"] not in {"", nonce}
    assert kit.authority.handle(kit.call(token, kit.proof(token=token, nonce=nonce), "DPoP")).status == 401


def test_one_proof_opens_one_call(kit: Kit) -> None:
    """A proof is not good for a second call."""
    request = by_dpop()(kit)
    assert [kit.authority.handle(request).status for _ in range(2)] == [200, 401]
    assert [verdict.rule for verdict in kit.authority.requests[-1].broken] == ["dpop_jti_fresh"]
    assert kit.authority.requests[-1].endpoint == "api"


def test_plain_calls_are_not_recorded(kit: Kit) -> None:
    """A plain bearer token is looked up and no more."""
    kit.authority.handle(kit.call(kit.authority.issue()))
    assert kit.authority.requests == ()


@pytest.mark.parametrize("planned", ["refuse_next", "refuse_all"])
def test_a_bound_token_can_be_refused_at_will(planned: str, kit: Kit) -> None:
    """What is planned for the API holds for calls with a proof as well."""
    request = by_dpop()(kit)
    if planned == "refuse_all":
        kit.authority.api.refuse_all = True
    else:
        kit.authority.api.refuse_next(1)
    assert challenge(kit, request).startswith('DPoP error="invalid_token", algs=')
    assert kit.authority.api.refused == 1


def self_signed(kit: Kit, **changes: Any) -> Request:
    """A call whose token is a JWT that "robot" signed for the API."""
    return kit.call(kit.jwt("robot", {"iss": "robot", "sub": "robot", "aud": "https://api.test/", **changes}))


def test_a_self_signed_jwt_is_a_token_where_it_is_taken(kit: Kit) -> None:
    """The API takes the issuer's own JWT for its audience, and more than once; by default it takes none."""
    request = self_signed(kit)
    assert kit.authority.handle(request).status == 401
    kit.authority.api.accept_self_signed("https://api.test/")
    assert [kit.authority.handle(request).status for _ in range(2)] == [200, 200]
    assert kit.authority.requests[-1].claims["iss"] == "robot"


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("aud_names_server", {"aud": "https://other.test/"}),
        ("exp_ahead", {"exp": 1}),
        ("iss_registered", {"iss": "nobody"}),
    ],
)
def test_a_self_signed_jwt_is_judged(rule: str, changes: dict[str, Any], kit: Kit) -> None:
    """It is judged as a grant would be, and refused as an invalid token."""
    kit.authority.api.accept_self_signed("https://api.test/")
    assert challenge(kit, self_signed(kit, **changes)).startswith('Bearer error="invalid_token"')
    assert [verdict.rule for verdict in kit.authority.requests[-1].broken] == [rule]
