"""Every rule for revocation has a request that keeps it and one that breaks it alone, and the endpoint does its work."""

from __future__ import annotations

import json

from sa_auth.testing.faults import reply
from sa_auth.testing.rules import revocation
from sa_auth.wire import Request
from tests.unit.testing.kit import SECRET, Forge, Judged, Kit, Pair, rules_of


def own(kit: Kit) -> str:
    """A token of "app"."""
    return str(kit.send(kit.credentials(**kit.client()))["access_token"])


def revoked(**fields: str) -> Forge:
    """A revocation by "app" of a token of its own; fields of "" are left out."""

    def make(kit: Kit) -> Request:
        form = {"token": own(kit), **fields}
        return kit.post("/revoke", **{name: value for name, value in form.items() if value}, **kit.client())

    return make


def by_another(kit: Kit) -> Request:
    """A revocation of a token of "app" by "shop"."""
    return kit.post("/revoke", token=own(kit), client_id="shop", client_secret=SECRET)


plain = revoked()
PAIRS: dict[str, list[Pair]] = {
    "token_present": [Pair(revoked(token="unknown"), revoked(token=""))],
    "token_client": [Pair(plain, by_another, "unauthorized_client")],
    # Two of the rules that it shares with the token endpoint.
    "client_authenticated": [Pair(plain, lambda kit: kit.post("/revoke", token=own(kit)), "invalid_client", 401)],
    "method_post": [Pair(plain, lambda kit: plain(kit)._replace(method="GET"), "invalid_request", 405)],
}


def test_every_rule_has_such_a_pair() -> None:
    """No rule of the family is left out."""
    assert set(PAIRS) >= rules_of(revocation)


class TestPairs(Judged):
    """Each request of the table is judged by its rule."""

    pairs = PAIRS


def test_a_revoked_token_is_worthless(kit: Kit) -> None:
    """The API takes it no more; a second revocation is answered 200 all the same (RFC 7009 section 2.2)."""
    token = own(kit)
    for known in (True, False):
        request = kit.post("/revoke", token=token, token_type_hint="access_token", **kit.client())
        assert kit.authority.handle(request).status == 200
        assert kit.authority.revocations[-1] == ("access_token", known)
    assert kit.authority.handle(kit.call(token)).status == 401
    assert kit.authority.requests[-1].endpoint == "revoke"
    assert kit.authority.statuses == {200: 1}


def test_a_revoked_refresh_token_takes_its_access_tokens_along(kit: Kit) -> None:
    """All that came of it goes with it (RFC 7009 section 2.1)."""
    kit.authority.refresh_tokens = "rotate"
    fields = {"grant_type": "authorization_code", "code": kit.authority.issue_code("page"), "client_id": "page"}
    answer = kit.send(kit.post(**fields))
    kit.send(kit.post("/revoke", token=answer["refresh_token"], client_id="page"))
    assert kit.authority.revocations == [(None, True)]
    assert kit.authority.handle(kit.call(answer["access_token"])).status == 401
    again = kit.post(grant_type="refresh_token", refresh_token=answer["refresh_token"], client_id="page")
    assert kit.send(again)["error"] == "invalid_grant"


def test_a_token_that_was_issued_to_no_client_is_revoked_by_whoever_has_it(kit: Kit) -> None:
    """A token that an assertion alone was answered by belongs to no client."""
    grant = kit.post(grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer", assertion=kit.grant())
    token = kit.send(grant)["access_token"]
    assert kit.authority.handle(kit.post("/revoke", token=token)).status == 200
    assert kit.authority.handle(kit.call(token)).status == 401


def test_its_faults_are_its_own(kit: Kit) -> None:
    """What is planned for one endpoint does not hit the other; a planned answer revokes nothing."""
    token = own(kit)
    with kit.authority.down():
        assert kit.authority.handle(kit.post("/revoke", token="x", **kit.client())).status == 200
    kit.authority.revoke_faults.plan(reply(400, {"error": "unsupported_token_type"}), times=1)
    response = kit.authority.handle(kit.post("/revoke", token=token, **kit.client()))
    assert json.loads(response.body)["error"] == "unsupported_token_type"
    assert kit.authority.handle(kit.call(token)).status == 200
    assert kit.authority.handle(kit.credentials(**kit.client())).status == 200
