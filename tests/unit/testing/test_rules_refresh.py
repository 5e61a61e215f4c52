"""Every rule for refresh tokens has a request that keeps it and one that breaks it alone."""

from __future__ import annotations

from sa_auth.testing.rules import refresh
from sa_auth.wire import Request
from tests.unit.testing.kit import Forge, Judged, Kit, Pair, repeated, rules_of


def refreshed(**fields: str) -> Forge:
    """A request with a fresh refresh token; fields of "" are left out."""

    def make(kit: Kit) -> Request:
        token = kit.authority.issue_refresh_token("page", scope="a b", subject="ann")
        form = {"refresh_token": token, "client_id": "page", **fields}
        return kit.post(grant_type="refresh_token", **{name: value for name, value in form.items() if value})

    return make


def rotating(kit: Kit) -> None:
    """Lets the authority rotate."""
    kit.authority.refresh_tokens = "rotate"


plain = refreshed()
PAIRS: dict[str, list[Pair]] = {
    "refresh_token_present": [Pair(plain, refreshed(refresh_token=""))],
    "refresh_token_known": [Pair(plain, refreshed(refresh_token="made-up"), "invalid_grant")],
    "refresh_token_client": [
        Pair(plain, refreshed(client_id="other"), "invalid_grant", prepare=lambda kit: kit.authority.register("other"))
    ],
    "refresh_scope": [Pair(refreshed(scope="a"), refreshed(scope="a c"), "invalid_scope")],
    "refresh_token_once": [Pair(plain, repeated(plain), "invalid_grant", prepare=rotating)],
}


def test_every_rule_has_such_a_pair() -> None:
    """No rule of the family is left out."""
    assert set(PAIRS) == rules_of(refresh)


class TestPairs(Judged):
    """Each request of the table is judged by its rule."""

    pairs = PAIRS


def again(kit: Kit, token: str) -> dict[str, str]:
    """One more renewal."""
    return kit.send(kit.post(grant_type="refresh_token", client_id="page", refresh_token=token))


def test_rotation_gives_a_new_one_each_time(kit: Kit) -> None:
    """With "rotate" each answer holds another refresh token of the same scope, which is good in its turn."""
    rotating(kit)
    first = kit.authority.issue_refresh_token("page", scope="a b")
    second = again(kit, first)
    third = again(kit, second["refresh_token"])
    assert len({first, second["refresh_token"], third["refresh_token"]}) == 3
    assert third["scope"] == "a b"


def test_a_second_use_ends_the_whole_family(kit: Kit) -> None:
    """Whoever uses a rotated token again takes the newest one, and the access tokens, along."""
    rotating(kit)
    first = kit.authority.issue_refresh_token("page")
    second = again(kit, first)
    assert kit.authority.handle(kit.call(second["access_token"])).status == 200
    assert again(kit, first)["error"] == "invalid_grant"
    assert again(kit, second["refresh_token"])["error"] == "invalid_grant"
    assert kit.authority.handle(kit.call(second["access_token"])).status == 401


def test_keeping_gives_the_same_one(kit: Kit) -> None:
    """With "keep" the token stays good and is repeated; by default no answer holds one, and it stays good all the same."""
    token = kit.authority.issue_refresh_token("page")
    assert "refresh_token" not in again(kit, token)
    kit.authority.refresh_tokens = "keep"
    assert again(kit, token)["refresh_token"] == again(kit, token)["refresh_token"] == token


def test_less_scope_now_is_not_less_for_ever(kit: Kit) -> None:
    """A new refresh token has the scope of the old one, however little was asked for (RFC 6749 section 6)."""
    rotating(kit)
    token = kit.authority.issue_refresh_token("page", scope="a b")
    less = kit.send(kit.post(grant_type="refresh_token", client_id="page", refresh_token=token, scope="a"))
    assert less["scope"] == "a"
    assert again(kit, less["refresh_token"])["scope"] == "a b"


def test_a_grant_by_assertion_brings_no_refresh_token(kit: Kit) -> None:
    """Client credentials and assertions are their own refresh token (RFC 6749 section 4.4.3, RFC 7521 section 4.1)."""
    rotating(kit)
    assert "refresh_token" not in kit.send(kit.credentials(**kit.client()))


def test_a_refused_renewal_uses_nothing_up(kit: Kit) -> None:
    """A renewal that asks for too much is refused, and the token is good for the next one."""
    rotating(kit)
    token = kit.authority.issue_refresh_token("page", scope="a")
    fields = {"grant_type": "refresh_token", "client_id": "page", "refresh_token": token}
    assert kit.send(kit.post(**fields, scope="a b"))["error"] == "invalid_scope"
    assert "access_token" in again(kit, token)


def test_an_answer_that_was_lost_used_the_token_up(kit: Kit) -> None:
    """A fault replaces the answer and not the judgement: whoever repeats a rotated token has lost it."""
    rotating(kit)
    token = kit.authority.issue_refresh_token("page")
    with kit.authority.down():
        again(kit, token)
    assert again(kit, token)["error"] == "invalid_grant"
