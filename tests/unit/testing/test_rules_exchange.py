"""Every rule for token exchange has a request that keeps it and one that breaks it alone."""

from __future__ import annotations

from typing import Any

import pytest

from sa_auth.testing.rules import exchange
from sa_auth.wire import Request
from tests.unit.testing.kit import URN, Forge, Judged, Kit, Pair, rules_of

TYPE = f"{URN}:token-type:"
ACCESS, JWT, REFRESH = f"{TYPE}access_token", f"{TYPE}jwt", f"{TYPE}refresh_token"


def exchanged(**fields: Any) -> Forge:
    """An exchange of a token of our own; a value may be made of the kit, and "" leaves a field out."""

    def make(kit: Kit) -> Request:
        form = {"subject_token": Kit.issued, "subject_token_type": ACCESS, **fields}
        made = {name: value(kit) if callable(value) else value for name, value in form.items()}
        left = {name: value for name, value in made.items() if value}
        return kit.post(grant_type=f"{URN}:grant-type:token-exchange", **left, **kit.client())

    return make


def of_jwt(**changes: Any) -> Forge:
    """An exchange of a JWT with these claims."""
    return exchanged(subject_token=lambda kit: kit.grant(**changes), subject_token_type=JWT)


def acted(**changes: Any) -> Forge:
    """An exchange with an actor's JWT."""
    return exchanged(actor_token=lambda kit: kit.grant(**changes), actor_token_type=JWT)


plain = exchanged()
PAIRS: dict[str, list[Pair]] = {
    "subject_token_present": [Pair(plain, exchanged(subject_token=""))],
    "subject_token_type_known": [
        Pair(plain, exchanged(subject_token_type="")),
        Pair(plain, exchanged(subject_token_type=f"{TYPE}saml1")),
    ],
    "subject_token_live": [
        Pair(plain, exchanged(subject_token="made-up")),
        Pair(
            exchanged(subject_token=lambda kit: kit.authority.issue_refresh_token("app"), subject_token_type=REFRESH),
            exchanged(subject_token="made-up", subject_token_type=REFRESH),
        ),
    ],
    "actor_token_typed": [
        Pair(acted(), exchanged(actor_token=Kit.issued)),
        Pair(plain, exchanged(actor_token_type=ACCESS)),
        Pair(plain, exchanged(actor_token=Kit.issued, actor_token_type=REFRESH)),
    ],
    "actor_token_valid": [
        Pair(exchanged(actor_token=Kit.issued, actor_token_type=ACCESS),
             exchanged(actor_token="made-up", actor_token_type=ACCESS)),
        Pair(acted(), acted(aud="https://other.test")),
        Pair(acted(), acted(exp=1)),
        Pair(acted(), acted(iss="nobody")),
    ],
    "requested_token_type_known": [
        Pair(exchanged(requested_token_type=ACCESS), exchanged(requested_token_type=f"{TYPE}saml2"))
    ],
    # Rules that it shares with the grant by JWT, under the error of RFC 8693 section 2.2.2.
    "aud_names_server": [Pair(of_jwt(), of_jwt(aud="https://other.test"))],
    "iss_registered": [Pair(of_jwt(), of_jwt(iss="nobody"))],
    "exp_ahead": [Pair(of_jwt(), of_jwt(exp=1))],
}  # fmt: skip


def test_every_rule_has_such_a_pair() -> None:
    """No rule of the family is left out."""
    assert set(PAIRS) >= rules_of(exchange)


class TestPairs(Judged):
    """Each request of the table is judged by its rule."""

    pairs = PAIRS


def test_the_answer_says_what_was_issued(kit: Kit) -> None:
    """An exchange is answered with the type of token, and the token acts for the subject (RFC 8693 section 2.2.1)."""
    answer = kit.send(of_jwt(sub="ann")(kit))
    assert (answer["issued_token_type"], answer["token_type"]) == (ACCESS, "Bearer")
    assert kit.authority.handle(kit.call(answer["access_token"])).status == 200


@pytest.mark.parametrize("kind", [JWT, REFRESH])
def test_another_type_is_not_for_the_api(kind: str, kit: Kit) -> None:
    """What is no access token has the token type N_A."""
    answer = kit.send(exchanged(requested_token_type=kind)(kit))
    assert (answer["issued_token_type"], answer["token_type"]) == (kind, "N_A")


def test_several_audiences_and_resources_are_taken(kit: Kit) -> None:
    """Both may come more than once, and all are in the record."""
    request = plain(kit)
    more = b"&audience=one&audience=two&resource=https://a.test&resource=https://b.test"
    assert "access_token" in kit.send(request._replace(body=request.body + more))
    names = [name for name, _ in kit.authority.requests[-1].form.pairs]
    assert (names.count("audience"), names.count("resource")) == (2, 2)


def test_an_unknown_resource_is_an_invalid_target(kit: Kit) -> None:
    """A resource that no tokens are issued for is refused by its own error."""
    kit.authority.resources = {"https://a.test"}
    assert kit.send(exchanged(resource="https://b.test")(kit))["error"] == "invalid_target"


def test_with_rotation_an_exchange_brings_a_refresh_token(kit: Kit) -> None:
    """With "rotate" the answer holds a refresh token, which is good for one renewal."""
    kit.authority.refresh_tokens = "rotate"
    token = kit.send(plain(kit))["refresh_token"]
    renewal = {"grant_type": "refresh_token", "refresh_token": token}
    assert "access_token" in kit.send(kit.post(**renewal, **kit.client()))
    assert kit.send(kit.post(**renewal, **kit.client()))["error"] == "invalid_grant"


def test_a_jwt_of_a_token_service_needs_no_client(kit: Kit) -> None:
    """Whoever is vouched for by a trusted JWT exchanges it without a client, as workloads do."""
    fields = {"subject_token": kit.grant(), "subject_token_type": JWT}
    assert "access_token" in kit.send(kit.post(grant_type=f"{URN}:grant-type:token-exchange", **fields))
    fields = {"subject_token": Kit.issued(kit), "subject_token_type": ACCESS}
    assert kit.send(kit.post(grant_type=f"{URN}:grant-type:token-exchange", **fields))["error"] == "invalid_client"
