"""Maskinporten, against its dialect.

Source: https://docs.digdir.no/docs/Maskinporten/maskinporten_protocol_jwtgrant
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sa_auth.errors import InvalidGrant, InvalidScope, TokenEndpointError, UnauthorizedClient
from sa_auth.policy import Retry
from sa_auth.testing import ManualClock
from tests.contract.material import MATERIAL
from tests.unit.providers.serving import EC, OTHER_RSA, RSA, RSA_PUBLIC, Served, serving

CERTIFIED = MATERIAL["rsa2048"].pair[0] + MATERIAL["rsa2048"].certificate.decode()


@pytest.fixture
def maskinporten(sa_clock: ManualClock) -> Iterator[Served]:
    """An environment with one client and its registered key."""
    with serving(
        "maskinporten", sa_clock, key=RSA, issuer="robot", key_id="k1", scope="difitest:test2", server="<url>/"
    ) as served:
        served.authority.register("robot", RSA_PUBLIC, key_id="k1", scopes="difitest:test2 difitest:test3")
        yield served


def test_signing_in(maskinporten: Served, sa_clock: ManualClock) -> None:
    """The assertion is what the page says: the issuer with its slash, the scope among the claims, two minutes from now."""
    record = maskinporten.sign_in(scope="difitest:test2 difitest:test3")
    now, claims = int(sa_clock.now().wall), dict(record.claims)
    assert claims.pop("jti")
    assert claims == {
        "iss": "robot", "aud": f"{maskinporten.url}/", "scope": "difitest:test2 difitest:test3", "iat": now, "exp": now + 120,
    }  # fmt: skip
    assert record.header == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    assert set(record.form) == {"grant_type", "assertion"}


def test_production() -> None:
    """Without server= it is production: its own address, and its issuer as audience."""
    from sa_auth.providers import PROVIDERS

    assert PROVIDERS["maskinporten"].server == "https://maskinporten.no/"


def test_a_certificate_in_place_of_a_key_id(maskinporten: Served) -> None:
    """A key without an id is sent with its certificate, as an array, and only then."""
    record = maskinporten.sign_in(key=CERTIFIED, key_id=None)
    assert "kid" not in record.header
    assert isinstance(record.header["x5c"], list)
    assert "x5c" not in maskinporten.sign_in(key=CERTIFIED).header


def test_resources(maskinporten: Served) -> None:
    """resource= is an array among the claims, and no form field; replace() keeps it; claims= may say it too."""
    one = "https://api.example/"
    record = maskinporten.sign_in(resource=one)
    assert record.claims["resource"] == [one]
    assert "resource" not in record.form
    assert maskinporten.sign_in(claims={"resource": [one]}).claims["resource"] == [one]
    with maskinporten.credentials(resource=one) as creds:
        creds.replace(scope="difitest:test3").token()
    assert maskinporten.authority.requests[-1].claims["resource"] == [one]
    plain, bound = maskinporten.credentials(), maskinporten.credentials(resource=one)
    assert plain.identity != bound.identity


def test_acting_for(maskinporten: Served) -> None:
    """The organisation and the person acted for are claims."""
    claims = {"consumer_org": "910753614", "pid": "1"}
    sent = maskinporten.sign_in(claims=claims).claims
    assert {name: sent[name] for name in claims} == claims


@pytest.mark.parametrize(
    ("change", "kind", "part"),
    [
        ({"issuer": "nobody"}, InvalidGrant, "no client nobody"),
        ({"key": OTHER_RSA}, InvalidGrant, "the key k1 that is registered"),
        ({"audience": "https://maskinporten.no/token"}, InvalidGrant, "got https://maskinporten.no/token"),
        ({"scope": "difitest:other"}, InvalidScope, "difitest:other"),
    ],
)
def test_refusals(change, kind: type[TokenEndpointError], part: str, maskinporten: Served) -> None:
    """Each refusal arrives as what it means, with what was sent and what to do."""
    error = maskinporten.refused(**change)
    assert isinstance(error, kind)
    assert part in error.hint


@pytest.mark.parametrize(
    ("code", "kind", "part"),
    [
        ("MP-120", InvalidGrant, "production takes no test certificate"),
        ("MP-121", InvalidGrant, "a year"),
        ("MP-122", InvalidGrant, "another organisation"),
        ("MP-123", InvalidGrant, "array"),
        ("MP-201", InvalidScope, "difitest:test2"),
        ("MP-250", InvalidScope, "API's owner"),
        ("MP-251", UnauthorizedClient, "Altinn"),
        ("MP-303", InvalidGrant, "authorization_details"),
        ("MP-011", InvalidGrant, "claims="),
    ],
)
def test_codes(code: str, kind: type[TokenEndpointError], part: str, maskinporten: Served) -> None:
    """Each code of the page is known, and none of these is tried again."""
    maskinporten.authority.clear()
    error = maskinporten.said({"error": "invalid_grant", "error_description": f"{code}: words"}, retry=Retry())
    assert isinstance(error, kind)
    assert part in error.hint
    assert error.attempts == 1


@pytest.mark.parametrize("code", ["MP-012", "MP-130"])
def test_codes_that_a_new_assertion_mends(code: str, maskinporten: Served) -> None:
    """After these two the request is made once more, with another assertion."""
    body = {"error": "invalid_grant", "error_description": f"{code}: words"}
    with maskinporten.authority.answer(400, body, times=1):
        maskinporten.sign_in()
    first, second = maskinporten.authority.requests[-2:]
    assert first.claims["jti"] != second.claims["jti"]


def test_a_clock_that_is_off(maskinporten: Served) -> None:
    """A clock that is a minute off is set right by the server's date, and the second assertion is taken."""
    maskinporten.authority.skew = 60
    assert maskinporten.sign_in().status == 200


def test_bad_arguments(maskinporten: Served) -> None:
    """What Maskinporten cannot take is refused before anything is sent."""
    assert maskinporten.bad(lifetime=121).code == "bad_lifetime"
    assert maskinporten.bad(key=EC).code == "bad_algorithm"
    assert maskinporten.bad(scope=None).code == "no_scope"
    assert maskinporten.bad(subject="ann").code == "bad_subject"
    assert maskinporten.bad(key_id=None).code == "no_key_id"
    assert maskinporten.bad(claims={"resource": "https://api.example/"}).code == "bad_argument"
    assert maskinporten.bad(claims={"consumer_org": "1", "iss_onbehalfof": "2"}).code == "bad_argument"
    assert maskinporten.foreign_file().code == "key_file_kind"
