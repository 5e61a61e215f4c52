"""Every rule for authorization codes has a request that keeps it and one that breaks it alone."""

from __future__ import annotations

import threading

import pytest

from sa_auth.errors import ConfigError
from sa_auth.testing.rules import code
from sa_auth.wire import Request
from tests.unit.testing.kit import CHALLENGE, VERIFIER, Forge, Judged, Kit, Pair, repeated, rules_of

BACK = "https://page.test/back"


def redeemed(promise: dict[str, str] | None = None, /, **fields: str) -> Forge:
    """A request with a fresh code; fields of "" are left out."""

    def make(kit: Kit) -> Request:
        code_text = kit.authority.issue_code("page", **({"code_challenge": CHALLENGE} if promise is None else promise))
        form = {"code": code_text, "client_id": "page", "code_verifier": VERIFIER, **fields}
        return kit.post(grant_type="authorization_code", **{name: value for name, value in form.items() if value})

    return make


def late(kit: Kit) -> Request:
    """A request that comes ten minutes after its code."""
    request = redeemed()(kit)
    kit.clock.advance(600)
    return request


def just_in_time(kit: Kit) -> Request:
    """A request that comes a second before its code ends."""
    request = redeemed()(kit)
    kit.clock.advance(599)
    return request


plain = redeemed()
PAIRS: dict[str, list[Pair]] = {
    "code_present": [Pair(plain, redeemed(code=""))],
    "code_known": [Pair(plain, redeemed(code="made-up"), "invalid_grant")],
    "code_alive": [Pair(just_in_time, late, "invalid_grant")],
    "code_client": [
        Pair(plain, redeemed(client_id="other"), "invalid_grant", prepare=lambda kit: kit.authority.register("other"))
    ],
    "code_redirect_uri": [
        Pair(
            redeemed({"redirect_uri": BACK}, redirect_uri=BACK, code_verifier=""),
            redeemed({"redirect_uri": BACK}, redirect_uri=BACK + "/", code_verifier=""),
            "invalid_grant",
        ),
        Pair(plain, redeemed({"redirect_uri": BACK}, code_verifier=""), "invalid_grant"),
        Pair(plain, redeemed(redirect_uri=BACK), "invalid_grant"),
    ],
    "verifier_present": [Pair(plain, redeemed(code_verifier=""), "invalid_grant")],
    "verifier_well_formed": [
        Pair(plain, redeemed(code_verifier="v" * 42)),
        Pair(plain, redeemed(code_verifier="v" * 129)),
        Pair(plain, redeemed(code_verifier="v" * 42 + "+")),
    ],
    "verifier_matches": [Pair(plain, redeemed(code_verifier="w" * 43), "invalid_grant")],
    "verifier_expected": [Pair(redeemed({}, code_verifier=""), redeemed({}), "invalid_grant")],
    "code_once": [Pair(plain, repeated(plain), "invalid_grant")],
}


def test_every_rule_has_such_a_pair() -> None:
    """No rule of the family is left out."""
    assert set(PAIRS) == rules_of(code)


class TestPairs(Judged):
    """Each request of the table is judged by its rule."""

    pairs = PAIRS


def test_a_second_use_revokes_what_the_first_one_brought(kit: Kit) -> None:
    """After a code was used twice, its access token is worthless and its refresh token withdrawn."""
    kit.authority.refresh_tokens = "rotate"
    request = redeemed()(kit)
    answer = kit.send(request)
    assert kit.authority.handle(kit.call(answer["access_token"])).status == 200
    assert kit.send(request)["error"] == "invalid_grant"
    assert kit.authority.handle(kit.call(answer["access_token"])).status == 401
    again = kit.post(grant_type="refresh_token", client_id="page", refresh_token=answer["refresh_token"])
    assert kit.send(again)["error"] == "invalid_grant"


def test_a_code_that_was_refused_is_not_used_up(kit: Kit) -> None:
    """A wrong verifier costs no code: the right one is still taken."""
    text = kit.authority.issue_code("page", code_challenge=CHALLENGE, scope="a b", subject="ann")
    fields = {"grant_type": "authorization_code", "client_id": "page", "code": text}
    assert kit.send(kit.post(**fields, code_verifier="w" * 43))["error"] == "invalid_grant"
    answer = kit.send(kit.post(**fields, code_verifier=VERIFIER))
    assert (answer["token_type"], answer["scope"]) == ("Bearer", "a b")


def test_a_confidential_client_proves_itself_beside_its_code(kit: Kit) -> None:
    """A client with a key is not served by its name alone (RFC 6749 section 4.1.3)."""
    fields = {"grant_type": "authorization_code", "code": kit.authority.issue_code("app")}
    assert kit.send(kit.post(**fields, client_id="app"))["error"] == "invalid_client"
    assert "access_token" in kit.send(kit.post(**fields, **kit.client()))


def test_a_code_is_sent_to_registered_places_alone(kit: Kit) -> None:
    """A client that registered its redirection URIs gets no code for another one."""
    with pytest.raises(ConfigError, match="not registered"):
        kit.authority.issue_code("page", redirect_uri="https://elsewhere.test")


def test_a_herd_gets_one_token_for_one_code(kit: Kit) -> None:
    """Of one code sent by sixteen threads at once, exactly one request is accepted."""
    request, barrier, seen = redeemed()(kit), threading.Barrier(16), list[int]()

    def send() -> None:
        barrier.wait(10)
        seen.append(kit.authority.handle(request).status)

    threads = [threading.Thread(target=send) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [200] + [400] * 15
