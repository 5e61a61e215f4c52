"""Every rule for DPoP proofs has a request that keeps it and one that breaks it alone."""

from __future__ import annotations

import json
from typing import Any

import jwt

from sa_auth.testing.rules import dpop
from sa_auth.wire import Request
from tests.unit.testing.kit import Forge, Judged, Kit, Pair, b64, rules_of

BAD = "invalid_dpop_proof"


def proved(headers: dict[str, Any] | None = None, /, key: str = "dpop", **changes: Any) -> Forge:
    """A token request whose proof has these claims and header fields."""
    return lambda kit: kit.credentials(kit.proof(key, headers, **changes), **kit.client())


def made(text: str) -> Forge:
    """A token request with this text for a proof."""
    return lambda kit: kit.credentials({"DPoP": text}, **kit.client())


def aged(seconds: int) -> Forge:
    """A token request whose proof was made so many seconds ago."""
    return lambda kit: proved(iat=kit.now - seconds)(kit)


def twice(kit: Kit) -> Request:
    """A token request with the proof of one before."""
    proof = kit.proof()
    kit.authority.handle(kit.credentials(proof, **kit.client()))
    return kit.credentials(proof, **kit.client())


def doubled(kit: Kit) -> Request:
    """A token request with two proofs."""
    both = ", ".join(kit.proof()["DPoP"] for _ in range(2))
    return kit.credentials({"DPoP": both}, **kit.client())


def private_jwk(kit: Kit) -> Request:
    """A token request whose proof gives the private key away."""
    private: Any = jwt.get_algorithm_by_name("ES256").prepare_key(kit.keys["dpop"][0])
    return proved({"jwk": json.loads(jwt.get_algorithm_by_name("ES256").to_jwk(private))})(kit)


def other_key(kit: Kit) -> Request:
    """A token request whose proof shows a key that did not sign it."""
    return proved({"jwk": kit.jwk("stranger")})(kit)


def named(alg: str) -> Forge:
    """A token request whose proof says another algorithm than it was signed with."""

    def make(kit: Kit) -> Request:
        head, claims, signature = kit.proof()["DPoP"].split(".")
        header = {"typ": "dpop+jwt", "alg": alg, "jwk": kit.jwk()}
        del head
        return made(f"{b64(json.dumps(header).encode())}.{claims}.{signature}")(kit)

    return make


def calling(key: str = "dpop", **changes: Any) -> Forge:
    """A call of the API whose proof has these claims."""

    def make(kit: Kit) -> Request:
        token = kit.bound_token()
        return kit.call(token, kit.proof(key, token=token, **changes), "DPoP")

    return make


def demanding(kit: Kit) -> None:
    """Lets the token endpoint demand its nonce."""
    kit.authority.dpop_nonce = True


def with_nonce(kit: Kit) -> Request:
    """A token request with the nonce that the endpoint gave."""
    told = kit.authority.handle(proved()(kit)).headers["dpop-nonce"]
    return proved(nonce=told)(kit)


def bound_refresh(key: str | None) -> Forge:
    """A renewal by a public client that got its refresh token with the DPoP key."""

    def make(kit: Kit) -> Request:
        kit.authority.refresh_tokens = "rotate"
        code = kit.authority.issue_code("page")
        token = kit.send(kit.post(headers=kit.proof(), grant_type="authorization_code", code=code, client_id="page"))
        headers = {} if key is None else kit.proof(key)
        refresh = token["refresh_token"]
        return kit.post(headers=headers, grant_type="refresh_token", refresh_token=refresh, client_id="page")

    return make


plain = proved()
PAIRS: dict[str, list[Pair]] = {
    "dpop_demanded": [
        Pair(
            plain, lambda kit: kit.credentials(**kit.client()), BAD,
            prepare=lambda kit: kit.authority.register("app", dpop_bound=True),
        )
    ],
    "dpop_one": [Pair(plain, doubled, BAD)],
    "dpop_well_formed": [Pair(plain, made("nonsense"), BAD), Pair(plain, made(f"{b64(b'[]')}.{b64(b'{}')}.x"), BAD)],
    "dpop_typ": [Pair(plain, proved({"typ": "JWT"}), BAD), Pair(plain, proved({"typ": None}), BAD)],
    "dpop_alg": [Pair(plain, named("none"), BAD), Pair(plain, named("HS256"), BAD)],
    "dpop_jwk_public": [Pair(plain, private_jwk, BAD)],
    "dpop_jwk_usable": [
        Pair(plain, proved({"jwk": {"kty": "EC", "crv": "P-256"}}), BAD),
        Pair(plain, proved({"jwk": None}), BAD),
        Pair(plain, named("RS256"), BAD),
    ],
    "dpop_signature": [Pair(plain, other_key, BAD)],
    "dpop_claims_present": [Pair(plain, proved(**{name: None}), BAD) for name in ("jti", "htm", "htu", "iat")],
    "dpop_htm": [Pair(plain, proved(htm="GET"), BAD), Pair(plain, proved(htm="post"), BAD)],
    "dpop_htu_bare": [
        Pair(plain, lambda kit: proved(htu=kit.authority.token_endpoint + "?a=1")(kit), BAD),
        Pair(plain, lambda kit: proved(htu=kit.authority.token_endpoint + "#a")(kit), BAD),
    ],
    "dpop_htu": [
        Pair(
            lambda kit: proved(htu=kit.authority.issuer.upper().replace("HTTPS", "https") + ":443/token")(kit),
            lambda kit: proved(htu=kit.authority.token_endpoint + "/")(kit), BAD,
        ),
        Pair(plain, proved(htu="https://other.test/token"), BAD),
    ],
    "dpop_iat": [Pair(aged(60), aged(61), BAD), Pair(aged(-30), aged(-31), BAD)],
    "dpop_jti_fresh": [Pair(plain, twice, BAD)],
    "dpop_nonce": [
        Pair(with_nonce, plain, "use_dpop_nonce", prepare=demanding),
        Pair(with_nonce, proved(nonce="made-up"), "use_dpop_nonce", prepare=demanding),
    ],
    "dpop_ath": [Pair(calling(), calling(ath=None), BAD, 401), Pair(calling(), calling(ath="x"), BAD, 401)],
    "dpop_refresh_key": [
        Pair(bound_refresh("dpop"), bound_refresh("stranger"), "invalid_grant"),
        Pair(bound_refresh("dpop"), bound_refresh(None), "invalid_grant"),
    ],
}  # fmt: skip


def test_every_rule_has_such_a_pair() -> None:
    """No rule of the family is left out."""
    assert set(PAIRS) == rules_of(dpop)


class TestPairs(Judged):
    """Each request of the table is judged by its rule."""

    pairs = PAIRS


def test_the_token_is_bound_and_says_so(kit: Kit) -> None:
    """With a proof the type is DPoP; the record has the proof's header and claims."""
    assert kit.send(proved()(kit))["token_type"] == "DPoP"
    record = kit.authority.requests[-1]
    assert record.dpop_header["typ"] == "dpop+jwt"
    assert record.dpop_claims["htm"] == "POST"


def test_a_downgrade_gives_a_token_that_anybody_can_bear(kit: Kit) -> None:
    """A server that ignores DPoP answers Bearer, and its token is bound to nothing."""
    kit.authority.dpop_downgrade = True
    answer = kit.send(proved()(kit))
    assert answer["token_type"] == "Bearer"
    assert kit.authority.handle(kit.call(answer["access_token"])).status == 200


def test_a_demanded_nonce_is_told_with_the_refusal(kit: Kit) -> None:
    """Without the nonce the answer is 400 use_dpop_nonce and brings it (RFC 9449 section 8)."""
    demanding(kit)
    response = kit.authority.handle(proved()(kit))
    assert (response.status, json.loads(response.body)["error"]) == (400, "use_dpop_nonce")
    good = kit.authority.handle(proved(nonce=response.headers["dpop-nonce"])(kit))
    assert good.status == 200
    assert "dpop-nonce" not in good.headers


def test_a_nonce_is_good_for_so_many_uses(kit: Kit) -> None:
    """The answer to its last use brings the next nonce; the old one is then refused."""
    demanding(kit)
    kit.authority.dpop_nonce_uses = 2
    first = kit.authority.handle(proved()(kit)).headers["dpop-nonce"]
    assert "dpop-nonce" not in kit.authority.handle(proved(nonce=first)(kit)).headers
    second = kit.authority.handle(proved(nonce=first)(kit)).headers["dpop-nonce"]
    assert second != first
    stale = kit.authority.handle(proved(nonce=first)(kit))
    assert (stale.status, stale.headers["dpop-nonce"]) == (400, second)
    assert kit.authority.handle(proved(nonce=second)(kit)).status == 200


def test_a_refusal_for_the_nonce_uses_up_both_ids(kit: Kit) -> None:
    """Whoever comes again has to mint both: the client's proof and the DPoP proof."""
    demanding(kit)
    client, proof = kit.client(), kit.proof(jti="the-same")
    nonce = kit.authority.handle(kit.credentials(proof, **client)).headers["dpop-nonce"]
    kit.authority.handle(kit.credentials(kit.proof(nonce=nonce), **client))
    assert [verdict.rule for verdict in kit.authority.requests[-1].broken] == ["client_jti_fresh"]
    kit.authority.handle(kit.credentials(kit.proof(nonce=nonce, jti="the-same"), **kit.client()))
    assert [verdict.rule for verdict in kit.authority.requests[-1].broken] == ["dpop_jti_fresh"]
    assert kit.authority.handle(kit.credentials(kit.proof(nonce=nonce), **kit.client())).status == 200


def test_a_stranger_cannot_use_up_an_id(kit: Kit) -> None:
    """The jti of a proof whose signature does not hold is still free."""
    kit.authority.handle(proved({"jwk": kit.jwk()}, key="stranger", jti="precious")(kit))
    assert kit.authority.handle(proved(jti="precious")(kit)).status == 200


def test_a_code_is_not_used_up_by_a_refusal_for_the_nonce(kit: Kit) -> None:
    """The code of a request that lacked the nonce is good for the next one."""
    demanding(kit)
    fields = {"grant_type": "authorization_code", "code": kit.authority.issue_code("page"), "client_id": "page"}
    nonce = kit.authority.handle(kit.post(headers=kit.proof(), **fields)).headers["dpop-nonce"]
    assert kit.send(kit.post(headers=kit.proof(nonce=nonce), **fields))["token_type"] == "DPoP"


def test_a_confidential_client_is_not_held_to_one_key(kit: Kit) -> None:
    """A refresh token of a client that proves itself goes with any DPoP key (RFC 9449 section 5)."""
    kit.authority.refresh_tokens = "rotate"
    fields = {"grant_type": "authorization_code", "code": kit.authority.issue_code("app")}
    answer = kit.send(kit.post(headers=kit.proof(), **fields, **kit.client()))
    again = {"grant_type": "refresh_token", "refresh_token": answer["refresh_token"]}
    assert kit.send(kit.post(headers=kit.proof("stranger"), **again, **kit.client()))["token_type"] == "DPoP"
