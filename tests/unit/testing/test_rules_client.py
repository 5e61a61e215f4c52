"""Every rule for a client's proof has a request that keeps it and one that breaks it alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from sa_auth.testing import Authority, new_key
from sa_auth.testing.rules import RULES
from sa_auth.wire import Request
from tests.unit.testing.kit import JWT_CLIENT, SECRET, Forge, Judged, Kit, Pair, b64, repeated


def proved(headers: dict[str, Any] | None = None, /, key: str = "app", **changes: Any) -> Forge:
    """A request by "app" whose proof has these claims and header fields."""
    return lambda kit: kit.credentials(**kit.client(key, headers, **changes))


def aged(**seconds: float) -> Forge:
    """A request whose proof has dates so many seconds from now."""
    return lambda kit: proved(**{name: int(kit.now + ahead) for name, ahead in seconds.items()})(kit)


def texted(text: str) -> Forge:
    """A request with this text for a proof."""
    return lambda kit: kit.credentials(client_assertion=text, client_assertion_type=JWT_CLIENT)


def raw(header: bytes, payload: bytes | None = None) -> Forge:
    """A request whose proof is signed over any bytes."""

    def make(kit: Kit) -> Request:
        import jwt

        claims = {"iss": "app", "sub": "app", "aud": kit.authority.issuer, "exp": kit.now + 60, "jti": "raw"}
        text = f"{b64(header)}.{b64(json.dumps(claims).encode() if payload is None else payload)}"
        signer = jwt.get_algorithm_by_name("ES256")
        signature = signer.sign(text.encode(), signer.prepare_key(kit.keys["app"][0]))
        return texted(f"{text}.{b64(signature)}")(kit)

    return make


def typed_alone(kit: Kit) -> Request:
    """A request that says of what type a proof is, and has none."""
    code = kit.authority.issue_code("page")
    fields = {"client_id": "page", "client_assertion_type": JWT_CLIENT}
    return kit.post(grant_type="authorization_code", code=code, **fields)


def named_twice(kit: Kit) -> Request:
    """A request in which the form names another client than the proof."""
    return kit.credentials(**kit.client(), client_id="shop")


def by_service(sub: str) -> Forge:
    """A request by a JWT of the token service."""

    def make(kit: Kit) -> Request:
        text = kit.jwt("sts", {"iss": "https://sts.test", "sub": sub, "aud": kit.authority.issuer})
        return kit.credentials(client_assertion=text, client_assertion_type=JWT_CLIENT)

    return make


def trusting(kit: Kit) -> None:
    """Makes the token service known, whose "workload" is the client "app"."""
    kit.authority.trust_issuer("https://sts.test", kit.keys["sts"][1], subjects={"workload": "app"})


def by_secret(**fields: str) -> Forge:
    """A request by a secret in the form."""
    return lambda kit: kit.credentials(**{"client_id": "shop", "client_secret": SECRET, **fields})


def audience(value: str) -> Any:
    """Sets what a proof has to name."""
    return lambda kit: setattr(kit.authority, "client_assertion_audience", value)


plain = proved()
BAD, NO = "invalid_client", 401
PAIRS: dict[str, list[Pair]] = {
    "client_assertion_typed": [
        Pair(plain, lambda kit: kit.credentials(client_assertion=kit.client()["client_assertion"])),
        Pair(plain, typed_alone),
    ],
    "client_assertion_type_known": [
        Pair(plain, lambda kit: kit.credentials(**{**kit.client(), "client_assertion_type": JWT_CLIENT + "s"}), BAD, NO)
    ],
    "client_jws_compact": [Pair(plain, texted("nonsense"), BAD, NO)],
    "client_header_is_json": [Pair(plain, raw(b"[]"), BAD, NO)],
    "client_claims_are_json": [Pair(plain, raw(b'{"alg":"ES256"}', b'{"iss":"app","iss":"app"}'), BAD, NO)],
    "client_alg_asymmetric": [Pair(plain, raw(b'{"alg":"none"}'), BAD, NO), Pair(plain, raw(b"{}"), BAD, NO)],
    "client_crit_understood": [Pair(plain, proved({"crit": ["exp"]}), BAD, NO)],
    "client_typ_is_jwt": [
        Pair(proved({"typ": "JWT"}), proved({"typ": "authorization-grant+jwt"}), BAD, NO),
        Pair(proved({}), proved({"typ": "dpop+jwt"}), BAD, NO),
    ],
    "client_iss_present": [Pair(plain, proved(iss=None), BAD, NO)],
    "client_iss_registered": [Pair(plain, proved(iss="App", sub="App"), BAD, NO)],
    "client_kid_known": [
        Pair(
            proved({"kid": "one"}), proved({"kid": "two"}), BAD, NO,
            lambda kit: (kit.authority.unregister("app"),
                         kit.authority.register("app", kit.keys["app"][1], key_id="one")),
        )
    ],
    "client_alg_fits_key": [
        Pair(plain, raw(b'{"alg":"RS256"}'), BAD, NO),
        # The classic confusion: a MAC, with a public key where the secret would be.
        Pair(plain, raw(b'{"alg":"HS256"}'), BAD, NO),
    ],
    "client_signature_valid": [Pair(plain, proved(key="stranger"), BAD, NO)],
    "client_sub_present": [Pair(plain, proved(sub=None), BAD, NO), Pair(plain, proved(sub=""), BAD, NO)],
    "client_sub_is_client": [
        Pair(plain, proved(sub="shop"), BAD, NO),
        Pair(by_service("workload"), by_service("stranger"), BAD, NO, trusting),
    ],
    "client_aud_present": [Pair(plain, proved(aud=None), BAD, NO)],
    "client_aud_alone": [
        Pair(plain, lambda kit: proved(aud=[kit.authority.issuer])(kit), BAD, NO),
        Pair(plain, lambda kit: proved(aud=[kit.authority.issuer, "https://evil.test"])(kit), BAD, NO),
    ],
    "client_aud_names_server": [
        Pair(plain, lambda kit: proved(aud=kit.authority.token_endpoint)(kit), BAD, NO),
        Pair(plain, lambda kit: proved(aud=kit.authority.issuer + "/")(kit), BAD, NO),
        Pair(
            lambda kit: proved(aud=[kit.authority.token_endpoint])(kit), plain, BAD, NO, audience("token_endpoint")
        ),
    ],
    "client_exp_present": [Pair(plain, proved(exp=None), BAD, NO)],
    "client_exp_ahead": [Pair(aged(exp=-29), aged(exp=-30), BAD, NO)],
    "client_exp_near": [Pair(aged(exp=3630), aged(exp=3631), BAD, NO)],
    "client_dates_whole": [Pair(plain, proved(nbf="now"), BAD, NO)],
    "client_nbf_passed": [Pair(aged(nbf=30), aged(nbf=31), BAD, NO)],
    "client_iat_not_ahead": [Pair(aged(iat=30), aged(iat=31), BAD, NO)],
    "client_iat_recent": [Pair(aged(iat=-3630), aged(iat=-3631), BAD, NO)],
    "client_jti_present": [Pair(plain, proved(jti=None), BAD, NO)],
    "client_jti_fresh": [Pair(plain, repeated(plain), BAD, NO)],
    "client_authenticated": [
        Pair(by_secret(), by_secret(client_secret="wrong"), BAD, NO),
        Pair(by_secret(), by_secret(client_id="nobody"), BAD, NO),
        Pair(by_secret(), by_secret(client_id="app"), BAD, NO),
        Pair(plain, lambda kit: kit.credentials(), BAD, NO),
    ],
    "client_id_same": [Pair(lambda kit: kit.credentials(**kit.client(), client_id="app"), named_twice, BAD, NO)],
    "client_confidential": [Pair(plain, lambda kit: kit.credentials(client_id="page"), "unauthorized_client")],
    "grant_type_allowed": [
        Pair(
            plain,
            lambda kit: kit.post(grant_type="refresh_token", refresh_token=kit.authority.issue_refresh_token("app"),
                                 **kit.client()),
            "unauthorized_client",
            prepare=lambda kit: kit.authority.register("app", grants="client_credentials jwt-bearer"),
        )
    ],
}  # fmt: skip


def test_every_rule_has_such_a_pair() -> None:
    """No rule about clients is left out but those that stand in `test_rules.py` and in the file of SAML."""
    elsewhere = {"client_method_one", "client_certificate_same"}
    named = {rule.name for rule in RULES if rule.name.startswith("client_")} | {"grant_type_allowed"}
    assert set(PAIRS) == {name for name in named - elsewhere if not name.startswith("client_saml")}


class TestPairs(Judged):
    """Each request of the table is judged by its rule."""

    pairs = PAIRS


def mac(alg: str, secret: str, **claims: Any) -> str:
    """A JWT under a MAC, made by hand."""
    text = f"{b64(json.dumps({'alg': alg}).encode())}.{b64(json.dumps(claims).encode())}"
    hasher = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[alg]
    return f"{text}.{b64(hmac.new(secret.encode(), text.encode(), hasher).digest())}"


@pytest.mark.parametrize(("alg", "length"), [("HS256", 32), ("HS384", 48), ("HS512", 64), ("HS256", 5)])
def test_a_secret_signs_with_every_mac_it_is_long_enough_for(alg: str, length: int, kit: Kit) -> None:
    """client_secret_jwt is judged by the secret and its length; the record names the method."""
    secret = "s" * length
    kit.authority.register("long", client_secret=secret)
    claims = {"iss": "long", "sub": "long", "aud": kit.authority.issuer, "exp": kit.now + 60}
    good = mac(alg, secret, **claims, jti="1")
    assert "access_token" in kit.send(kit.credentials(client_assertion=good, client_assertion_type=JWT_CLIENT))
    assert (kit.authority.requests[-1].client, kit.authority.requests[-1].client_method) == (
        "long",
        "client_secret_jwt",
    )
    bad = mac(alg, secret + "x", **claims, jti="2")
    assert (
        kit.send(kit.credentials(client_assertion=bad, client_assertion_type=JWT_CLIENT))["error"] == "invalid_client"
    )
    assert [verdict.rule for verdict in kit.authority.requests[-1].broken] == ["client_signature_valid"]


def test_a_short_secret_makes_no_long_mac(kit: Kit) -> None:
    """HS512 wants a secret of 64 bytes (RFC 7518 section 3.2)."""
    claims = {"iss": "shop", "sub": "shop", "aud": kit.authority.issuer, "exp": kit.now + 60, "jti": "1"}
    text = mac("HS512", SECRET, **claims)
    kit.send(kit.credentials(client_assertion=text, client_assertion_type=JWT_CLIENT))
    assert [verdict.rule for verdict in kit.authority.requests[-1].broken] == ["client_alg_fits_key"]


def test_a_public_key_is_no_secret(kit: Kit) -> None:
    """Whoever knows the public key cannot make a MAC with it that counts."""
    text = mac("HS256", kit.keys["app"][1], iss="app", sub="app", aud=kit.authority.issuer, exp=kit.now + 60, jti="1")
    answer = kit.send(kit.credentials(client_assertion=text, client_assertion_type=JWT_CLIENT))
    assert answer["error"] == "invalid_client"


def test_the_record_tells_who_asked_and_how(kit: Kit) -> None:
    """A record has the client, the method, and the proof's header and claims; explain() names the client."""
    kit.send(proved()(kit))
    record = kit.authority.requests[-1]
    assert (record.endpoint, record.client, record.client_method) == ("token", "app", "private_key_jwt")
    assert record.client_header["typ"] == "client-authentication+jwt"
    assert record.client_claims["sub"] == "app"
    assert "(client app, private_key_jwt)" in kit.authority.explain()
    kit.send(proved(key="stranger")(kit))
    record = kit.authority.requests[-1]
    assert (record.client, record.client_claims["iss"]) == (None, "app")


@pytest.mark.parametrize("way", ["client_secret_basic", "client_secret_post", "none", "jwt-bearer"])
def test_each_way_has_its_name(way: str, kit: Kit) -> None:
    """The method is named as RFC 8414 has it."""
    trusting(kit)
    basic = {"Authorization": "Basic " + base64.b64encode(f"shop:{SECRET}".replace(" ", "+").encode()).decode()}
    code = kit.authority.issue_code("page")
    request = {
        "client_secret_basic": lambda: kit.credentials(basic),
        "client_secret_post": lambda: by_secret()(kit),
        "none": lambda: kit.post(grant_type="authorization_code", code=code, client_id="page"),
        "jwt-bearer": lambda: by_service("workload")(kit),
    }[way]()
    assert "access_token" in kit.send(request), kit.authority.explain()
    assert kit.authority.requests[-1].client_method == way


def test_an_assertion_of_a_token_service_is_a_grant_too(kit: Kit) -> None:
    """A trusted issuer's JWT is taken as a grant, for its subjects alone; a public client may carry it."""
    trusting(kit)

    def grant(sub: str) -> dict[str, str]:
        text = kit.jwt("sts", {"iss": "https://sts.test", "sub": sub, "aud": kit.authority.token_endpoint})
        return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": text}

    assert "access_token" in kit.send(kit.post(**grant("workload")))
    assert "access_token" in kit.send(kit.post(**grant("workload"), client_id="page"))
    assert kit.send(kit.post(**grant("stranger")))["error"] == "invalid_grant"
    assert [verdict.rule for verdict in kit.authority.requests[-1].broken] == ["sub_allowed"]


def test_one_jwt_is_not_both(kit: Kit) -> None:
    """A client's proof that was used is used up as a grant as well: its id is the same."""
    proof = kit.client(aud=kit.authority.token_endpoint)["client_assertion"]
    kit.authority.client_assertion_audience = "any"
    assert "access_token" in kit.send(texted(proof)(kit))
    grant = kit.post(grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer", assertion=proof)
    assert kit.send(grant)["error"] == "invalid_grant"
    assert {verdict.rule for verdict in kit.authority.requests[-1].broken} == {"typ_is_jwt", "jti_fresh"}


@pytest.mark.parametrize("value", ["issuer", "token_endpoint", "other"])
def test_older_servers_take_what_they_took(value: str, kit: Kit) -> None:
    """With "any" a proof may name the issuer, the endpoint or the audience, alone or among others."""
    kit.authority.client_assertion_audience = "any"
    kit.authority.audience = ("other",)
    aud = {"issuer": kit.authority.issuer, "token_endpoint": kit.authority.token_endpoint}.get(value, value)
    assert "access_token" in kit.send(proved(aud=aud)(kit))
    assert "access_token" in kit.send(proved(aud=[aud, "more"])(kit))


def test_the_audience_is_that_of_the_server(kit: Kit) -> None:
    """Behind a server its URL is the issuer identifier, and no longer one when the server has gone."""
    with kit.authority.serve() as server:
        assert server.issuer == server.url
        request = proved(aud=server.issuer)(kit)
        assert "access_token" in kit.send(request)
    assert kit.send(proved(aud=server.issuer)(kit))["error"] == "invalid_client"


def test_whoever_has_a_certificate_beside_a_key_shows_it() -> None:
    """The issuer of a grant that has more than its key proves itself by that."""
    authority = Authority()
    known = authority.register("both", new_key("p256")[1], client_secret="x")
    assert known.confidential
    assert not authority.register("page").confidential
