"""Every rule for a grant by JWT has a request that keeps it and one that breaks it alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from sa_auth.testing import RULES, Authority, new_key, rules
from sa_auth.testing.rules import claims, client, jose, request, saml, scope
from sa_auth.testing.rules.rule import Rule, Statement
from sa_auth.wire import Request

if TYPE_CHECKING:
    from .conftest import Forger

Forge = Callable[[Any], Request]
RULES_AT = Path(rules.__file__).parent
SECRET = {"client_id": "client", "client_secret": "s3cret+/% ü"}
RSA_PRIVATE, RSA_PUBLIC = new_key("rsa2048")


def basic(user: str, secret: str) -> dict[str, str]:
    """The Authorization header of RFC 6749 section 2.3.1, which form-encodes both before base64."""
    quoted = urlencode({user: secret}).replace("=", ":", 1)
    return {"Authorization": "Basic " + base64.b64encode(quoted.encode()).decode()}


def claimed(**changes: Any) -> Forge:
    """A request with these claims."""
    return lambda forger: forger.by_claims(**changes)


def aged(**seconds: float) -> Forge:
    """A request with dates so many seconds from now."""
    return lambda forger: forger.by_claims(
        **{name: int(forger.clock.now().wall + ahead) for name, ahead in seconds.items()}
    )


def headed(**headers: Any) -> Forge:
    """A request whose assertion has these header fields."""
    return lambda forger: forger.request(forger.form(forger.assertion(headers=headers)))


def sent(headers: Mapping[str, str] | None = None, /, **fields: str) -> Forge:
    """A request with these HTTP headers and form fields."""
    return lambda forger: forger.request(forger.form(**fields), headers)


def asserted(make: Callable[[Any], str]) -> Forge:
    """A request with this assertion."""
    return lambda forger: forger.request(forger.form(make(forger)))


def changed(**changes: Any) -> Forge:
    """A request that is wrong outside of its body."""
    return lambda forger: forger.request(**changes)


def raw(make: Callable[[bytes], bytes]) -> Forge:
    """A request whose right body is changed as bytes."""
    return lambda forger: forger.request(body=make(urlencode(forger.form()).encode()))


def without(name: str) -> Forge:
    """A request whose form lacks a field."""
    return lambda forger: forger.request({key: value for key, value in forger.form().items() if key != name})


def other_signature(forger: Any) -> str:
    """An assertion signed by another key of the same kind."""
    return str(forger.assertion(key=new_key("p256")[0]))


def doubled_name(part: str) -> Callable[[Any], str]:
    """An assertion with a name twice in its header or claims."""

    def make(forger: Any) -> str:
        header, payload = b'{"alg":"ES256"}', json.dumps(forger.claims()).encode()
        if part == "header":
            header = b'{"alg":"ES256","typ":"JWT","typ":"JWT"}'
        else:
            payload = payload[:-1] + b',"iss":"robot@example.test"}'
        return str(forger.signed(header, payload))

    return make


def mac(forger: Any) -> str:
    """An assertion under a MAC; the signature is a real one, so that the algorithm alone is to blame."""
    header = json.dumps({"alg": "HS256", "typ": "JWT"}).encode()
    return str(forger.signed(header, json.dumps(forger.claims()).encode()))


def mixed_alg(forger: Any) -> str:
    """An assertion that says RS256 for a key on a curve."""
    return str(forger.parts(json.dumps(forger.claims()).encode(), {"alg": "RS256"}))


@dataclass(frozen=True)
class Pair:
    """A request that keeps a rule and one that breaks it alone, and the settings both are judged under."""

    good: Forge
    bad: Forge
    error: str = "invalid_grant"
    status: int = 400
    settings: Mapping[str, Any] = field(default_factory=dict)
    registration: Mapping[str, Any] = field(default_factory=dict)


plain = sent()
PAIRS: dict[str, list[Pair]] = {
    "method_post": [Pair(plain, changed(method="GET"), "invalid_request", 405)],
    "nothing_in_uri": [Pair(changed(url="/token?tenant=1"), changed(url="/token?client_secret=x"), "invalid_request")],
    "content_type_form": [
        Pair(
            sent({"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}),
            sent({"Content-Type": "application/json"}),
            "invalid_request",
        ),
        Pair(
            plain,
            sent({"Content-Type": "application/x-www-form-urlencoded; charset=latin-1"}),
            "invalid_request",
        ),
        Pair(plain, lambda forger: Request(forger.audience, forger.request().body), "invalid_request"),
    ],
    "body_is_form": [
        Pair(raw(lambda body: body + b"&name=%C3%BC"), raw(lambda body: body + b"&name=%FC"), "invalid_request"),
        Pair(plain, raw(lambda body: body + b"&name"), "invalid_request"),
        Pair(plain, raw(lambda body: body + b"&name=\xfc"), "invalid_request"),
    ],
    "parameters_once": [
        Pair(
            raw(lambda body: body + b"&resource=https://a.test&resource=https://b.test"),
            raw(lambda body: body + b"&x=1&x=1"),
            "invalid_request",
        ),
        Pair(
            plain,
            lambda forger: forger.request(
                body=urlencode([*forger.form().items(), ("assertion", forger.assertion())]).encode()
            ),
            "invalid_request",
        ),
    ],
    "client_method_one": [
        Pair(
            sent(basic("client", SECRET["client_secret"])),
            sent(basic("client", SECRET["client_secret"]), **SECRET),
            "invalid_request",
            registration=SECRET,
        )
    ],
    "grant_type_present": [
        Pair(plain, without("grant_type"), "invalid_request"),
        Pair(plain, sent(grant_type=""), "invalid_request"),
    ],
    "grant_type_supported": [
        Pair(plain, sent(grant_type="password"), "unsupported_grant_type"),
        Pair(plain, sent(grant_type="JWT-bearer"), "unsupported_grant_type"),
    ],
    "authorization_readable": [
        Pair(
            sent(basic("client", SECRET["client_secret"])),
            sent({"Authorization": "Bearer abc"}),
            "invalid_client",
            401,
            registration=SECRET,
        ),
        Pair(plain, sent({"Authorization": "Basic %%%"}), "invalid_client", 401),
        Pair(plain, sent({"Authorization": "Basic " + base64.b64encode(b":secret").decode()}), "invalid_client", 401),
    ],
    "client_authenticated": [
        Pair(sent(**SECRET), plain, "invalid_client", 401, registration=SECRET),
        Pair(
            sent(basic("client", SECRET["client_secret"])),
            sent(basic("client", "wrong")),
            "invalid_client",
            401,
            registration=SECRET,
        ),
        Pair(sent(**SECRET), sent(**{**SECRET, "client_id": "x"}), "invalid_client", 401, registration=SECRET),
        Pair(plain, sent(basic("client", "x")), "invalid_client", 401),
        Pair(sent(client_id="robot@example.test"), sent(client_id="x"), "invalid_client", 401),
        Pair(
            sent(client_id="client"), sent(client_id="x"), "invalid_client", 401, registration={"client_id": "client"}
        ),
    ],
    "client_id_same": [
        Pair(
            sent(basic("client", SECRET["client_secret"]), client_id="client"),
            sent(basic("client", SECRET["client_secret"]), client_id="other"),
            "invalid_client",
            401,
            registration=SECRET,
        ),
    ],
    "assertion_one": [Pair(plain, without("assertion"), "invalid_request")],
    "jws_compact": [
        Pair(plain, asserted(lambda forger: forger.assertion() + ".x")),
        Pair(plain, asserted(lambda forger: forger.assertion() + "==")),
        Pair(plain, asserted(lambda forger: forger.assertion() + "\n")),
    ],
    "header_is_json": [
        Pair(plain, asserted(doubled_name("header"))),
        Pair(plain, asserted(lambda forger: forger.signed(b"[]", json.dumps(forger.claims()).encode()))),
        Pair(
            plain,
            asserted(lambda forger: forger.signed(b'{"alg":"ES256","x":"\xff"}', json.dumps(forger.claims()).encode())),
        ),
    ],
    "claims_are_json": [
        Pair(plain, asserted(doubled_name("claims"))),
        Pair(plain, asserted(lambda forger: forger.parts(b'["iss"]'))),
        Pair(plain, asserted(lambda forger: forger.parts(b'{"exp": NaN}'))),
        Pair(plain, asserted(lambda forger: forger.parts(b"[" * 100_000))),
    ],
    "alg_asymmetric": [
        Pair(plain, asserted(mac)),
        Pair(plain, headed(alg="none")),
        Pair(plain, headed(alg="NonE")),
        Pair(plain, headed(alg="")),
        Pair(plain, headed(alg=256)),
    ],
    "alg_fits_key": [
        Pair(plain, asserted(mixed_alg)),
        Pair(plain, headed(alg="ES999")),
    ],
    "crit_understood": [Pair(plain, headed(crit=["exp"])), Pair(plain, headed(crit=[]))],
    "typ_is_jwt": [
        Pair(headed(typ="authorization-grant+jwt"), headed(typ="client-authentication+jwt")),
        Pair(headed(typ="jwt"), headed(typ=1)),
    ],
    "kid_known": [
        Pair(headed(kid="one"), headed(kid="two"), registration={"key_id": "one"}),
        Pair(plain, headed(kid=1), registration={"key_id": "one"}),
        Pair(headed(kid="any"), headed(kid=None)),
    ],
    "signature_valid": [Pair(plain, asserted(other_signature))],
    "iss_present": [Pair(plain, claimed(iss="")), Pair(plain, claimed(iss=7)), Pair(plain, claimed(iss=None))],
    "iss_registered": [Pair(plain, claimed(iss="ROBOT@example.test"))],
    "sub_present": [
        Pair(claimed(sub="ann"), plain, settings={"require_subject": True}),
        Pair(plain, claimed(sub=7)),
        Pair(plain, claimed(sub="")),
    ],
    "sub_allowed": [
        Pair(claimed(sub="ann"), claimed(sub="eve"), registration={"subjects": {"ann", "bob"}}),
        Pair(plain, claimed(sub="eve"), registration={"subjects": "ann bob"}),
    ],
    "aud_present": [
        Pair(plain, claimed(aud=None)),
        Pair(plain, claimed(aud=[])),
        Pair(plain, claimed(aud=["x", 7])),
        Pair(plain, claimed(aud={"x": 1})),
    ],
    "aud_names_server": [
        Pair(
            lambda forger: forger.by_claims(aud=["https://other.test", forger.audience]),
            lambda forger: forger.by_claims(aud=forger.audience + "/"),
        ),
        Pair(plain, lambda forger: forger.by_claims(aud=forger.audience.upper())),
        Pair(claimed(aud="b"), plain, settings={"audience": ("a", "b")}),
    ],
    "exp_present": [
        Pair(plain, claimed(exp=None)),
        Pair(plain, claimed(exp="1700000100")),
        Pair(plain, claimed(exp=1700000100.5)),
        Pair(plain, claimed(exp=True)),
    ],
    "exp_ahead": [Pair(aged(exp=-29), aged(exp=-30))],
    "exp_near": [
        Pair(aged(exp=3630), aged(exp=3631)),
        Pair(aged(exp=60), aged(exp=61), settings={"max_lifetime": 60, "leeway": 0}),
    ],
    "dates_whole": [
        Pair(plain, claimed(iat="now")),
        Pair(plain, claimed(nbf=1.5)),
    ],
    "nbf_passed": [Pair(aged(nbf=30), aged(nbf=31))],
    "iat_not_ahead": [Pair(aged(iat=30), aged(iat=31)), Pair(claimed(iat=None), aged(iat=400))],
    "iat_recent": [Pair(aged(iat=-3630), aged(iat=-3631))],
    "jti_present": [
        Pair(plain, claimed(jti=None), settings={"require_jti": True}),
        Pair(claimed(jti=None), claimed(jti=7)),
    ],
    "jti_fresh": [Pair(claimed(jti="new"), claimed(jti="used"))],
    "scope_well_formed": [Pair(sent(scope="a b"), sent(scope='a"b'), "invalid_scope")],
    "scope_allowed": [
        Pair(sent(scope="a"), sent(scope="a c"), "invalid_scope", registration={"scopes": ["a", "b"]}),
        Pair(claimed(scope="a b"), claimed(scope="c"), "invalid_scope", registration={"scopes": "a b"}),
    ],
}
CASES = [
    pytest.param(name, pair, id=f"{name}-{number}")
    for name, pairs in PAIRS.items()
    for number, pair in enumerate(pairs)
]


@pytest.fixture
def judge(make_authority: Callable[..., Authority], forger: Forger) -> Callable[[Pair], Authority]:
    """Sets an authority up for a pair, which has seen the `jti` "used" before."""

    def make(pair: Pair) -> Authority:
        authority = make_authority(pair.registration, **pair.settings)
        authority.handle(forger.by_claims(jti="used"))
        return authority

    return make


@pytest.mark.parametrize(("name", "pair"), CASES)
def test_a_request_that_keeps_every_rule_is_accepted(
    name: str, pair: Pair, judge: Callable[[Pair], Authority], forger: Forger
) -> None:
    """Whoever keeps all rules, up to the last second and with every freedom they leave, gets a token."""
    authority = judge(pair)
    response = authority.handle(pair.good(forger))
    assert response.status == 200, authority.explain()
    verdicts = {verdict.rule: verdict.ok for verdict in authority.requests[-1].verdicts}
    assert verdicts[name] is True
    assert set(verdicts.values()) == {True}


@pytest.mark.parametrize(("name", "pair"), CASES)
def test_a_request_that_breaks_one_rule_is_refused_for_that_rule_alone(
    name: str, pair: Pair, judge: Callable[[Pair], Authority], forger: Forger
) -> None:
    """Whoever breaks one rule is refused with the error it stands for, and no other rule is blamed."""
    authority = judge(pair)
    issued = authority.exchanges
    response = authority.handle(pair.bad(forger))
    record = authority.requests[-1]
    assert [verdict.rule for verdict in record.broken] == [name], authority.explain()
    assert (response.status, record.error) == (pair.status, pair.error)
    answer = json.loads(response.body)
    assert answer["error"] == pair.error
    assert name in answer["error_description"]
    assert record.broken[0].detail
    assert authority.exchanges == issued


def test_every_rule_of_a_grant_by_jwt_has_such_a_pair() -> None:
    """No rule is without a request that keeps it and one that breaks it; the other families stand in files beside."""
    elsewhere = {"client_assertion_typed", "client_assertion_type_known", "client_confidential", "grant_type_allowed"}
    assert set(PAIRS) == {rule.name for rule in written(claims, client, jose, request, scope)} - elsewhere - OF_CLIENTS


# What RFC 7523 demands of a client's proof alone: in the file for those.
OF_CLIENTS = {"sub_is_client", "aud_alone"}


def written(*modules: Any) -> list[Rule | Statement]:
    """The rules that modules define."""
    return [value for module in modules for value in vars(module).values() if isinstance(value, Rule | Statement)]


def test_every_rule_that_is_written_is_in_force() -> None:
    """A rule that a module defines stands in the table once, and one about JWTs in general in each of its roles."""
    modules = [import_module(f"sa_auth.testing.rules.{path.stem}") for path in RULES_AT.glob("[a-z]*.py")]
    names = {each.name for each in written(*modules)} - OF_CLIENTS
    by_client = {f"client_{each.name}" for each in written(claims, jose, saml)} - {"client_sub_allowed"}
    assert sorted(rule.name for rule in RULES) == sorted(names | by_client)


@pytest.mark.parametrize("path", sorted(RULES_AT.glob("[a-z]*.py")), ids=lambda path: path.stem)
def test_every_family_has_a_file_of_tests(path: Path) -> None:
    """What a module defines is tested in the file of its name, or here."""
    here = {"claims", "jose", "request", "scope"}
    rules = {each.name for each in written(import_module(f"sa_auth.testing.rules.{path.stem}"))}
    assert not rules or path.stem in here or Path(__file__).with_name(f"test_rules_{path.stem}.py").exists()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_says_where_it_stands(rule: Rule) -> None:
    """Each rule names an RFC and a section, a sentence of it, and an error that an RFC knows."""
    assert rule.section.startswith("RFC ")
    assert len(rule.sentence.split()) >= 5
    assert rule.error in {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unsupported_grant_type",
        "invalid_scope",
        "unauthorized_client",
        "invalid_target",  # RFC 8707 section 2
        "invalid_token",  # RFC 6750 section 3.1
        "invalid_dpop_proof",  # RFC 9449 section 5
        "use_dpop_nonce",  # RFC 9449 section 8
    }


def test_all_rules_are_judged_at_once(authority: Authority, forger: Forger) -> None:
    """Several faults in one request are all named, and the first rule of the table decides the error."""
    now = int(forger.clock.now().wall)
    assertion = forger.assertion(forger.claims(aud="x", exp=now - 100, iat=now + 100), key=new_key("p256")[0])
    authority.handle(forger.request(forger.form(assertion)))
    record = authority.requests[-1]
    broken = [verdict.rule for verdict in record.broken]
    assert broken == ["signature_valid", "aud_names_server", "exp_ahead", "iat_not_ahead"]
    assert len(record.verdicts) == len({verdict.rule for verdict in record.verdicts})


def test_a_rule_without_a_say_is_left_out(authority: Authority, forger: Forger) -> None:
    """A grant by JWT is not asked for a code, a verifier or a proof."""
    authority.handle(forger.request())
    judged = {verdict.rule for verdict in authority.requests[-1].verdicts}
    assert judged < {rule.name for rule in RULES}
    assert {"signature_valid", "client_authenticated", "scope_allowed"} <= judged
    assert not judged & {"code_known", "verifier_matches", "dpop_signature", "client_signature_valid", "token_live"}


def test_a_rule_with_nothing_to_look_at_is_not_judged(authority: Authority, forger: Forger) -> None:
    """What cannot be judged is neither kept nor broken, and the verdict says why."""
    authority.handle(forger.request(forger.form("nonsense")))
    verdicts = {verdict.rule: verdict for verdict in authority.requests[-1].verdicts}
    assert verdicts["jws_compact"].ok is False
    assert verdicts["exp_present"].ok is None
    assert verdicts["exp_present"].detail


@pytest.mark.parametrize("missing", range(1, 300, 7))
def test_half_an_assertion_never_gets_a_token(missing: int, authority: Authority, forger: Forger) -> None:
    """An assertion cut at any place is refused, whatever is left of it."""
    assertion = forger.assertion()
    response = authority.handle(forger.request(forger.form(assertion[:-missing])))
    assert response.status == 400
    assert authority.requests[-1].broken


def test_a_stranger_cannot_use_up_an_id(authority: Authority, forger: Forger) -> None:
    """A `jti` counts as used only if the issuer's own key signed for it."""
    claims = forger.claims(jti="precious")
    authority.handle(forger.request(forger.form(forger.assertion(claims, key=new_key("p256")[0]))))
    assert authority.handle(forger.request(forger.form(forger.assertion(claims)))).status == 200


def test_an_id_is_used_once_even_by_a_server_that_is_down(authority: Authority, forger: Forger) -> None:
    """An assertion that was answered 503 is not accepted when it comes again: each attempt mints its own."""
    request = forger.request()
    with authority.down():
        assert authority.handle(request).status == 503
    assert authority.handle(request).status == 400
    assert [verdict.rule for verdict in authority.requests[-1].broken] == ["jti_fresh"]


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"])
def test_an_rsa_key_signs_with_every_rsa_algorithm(algorithm: str, authority: Authority, forger: Forger) -> None:
    """An RSA key registered without a word fits RS and PS with all three hashes."""
    authority.register("rsa", RSA_PUBLIC)
    assertion = forger.assertion(forger.claims(iss="rsa"), key=RSA_PRIVATE, algorithm=algorithm)
    assert authority.handle(forger.request(forger.form(assertion))).status == 200


@pytest.mark.parametrize(
    ("kind", "algorithm"), [("p256", "ES256"), ("p384", "ES384"), ("p521", "ES512"), ("ed25519", "EdDSA")]
)
def test_each_other_key_has_its_one_algorithm(kind: str, algorithm: str, authority: Authority, forger: Forger) -> None:
    """Each curve goes with its own algorithm."""
    private, public = new_key(kind)
    authority.register("other", public)
    assertion = forger.assertion(forger.claims(iss="other"), key=private, algorithm=algorithm)
    assert authority.handle(forger.request(forger.form(assertion))).status == 200


def test_a_client_other_than_the_issuer_may_carry_the_assertion(authority: Authority, forger: Forger) -> None:
    """A client that proves itself may bring the assertion of another issuer, which has no secret of its own."""
    authority.register("carrier", new_key("p256")[1], client_id="carrier", client_secret="x")
    assert authority.handle(forger.request(headers=basic("carrier", "x"))).status == 200
    assert authority.handle(forger.request(headers=basic("carrier", "y"))).status == 401
