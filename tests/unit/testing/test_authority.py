"""The authority as a whole: tokens, records, and what it says of itself."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest

from sa_auth.errors import ConfigError
from sa_auth.testing import Authority, ManualClock, new_key
from sa_auth.wire import Request

if TYPE_CHECKING:
    from .conftest import Forger


def test_a_token_is_handed_out_as_the_rfc_says(authority: Authority, forger: Forger) -> None:
    """The answer has token, type and life, is not to be stored, and carries the authority's date."""
    response = authority.handle(forger.request())
    fields = json.loads(response.body)
    assert set(fields) == {"access_token", "token_type", "expires_in"}
    assert (fields["token_type"], fields["expires_in"]) == ("Bearer", 3600)
    assert len(fields["access_token"]) >= 32
    assert response.headers["cache-control"] == "no-store"
    assert parsedate_to_datetime(response.headers["date"]).timestamp() == authority.now()


def test_no_two_tokens_are_the_same(authority: Authority, forger: Forger) -> None:
    """Each exchange gives a token of its own."""
    tokens = {json.loads(authority.handle(forger.request()).body)["access_token"] for _ in range(50)}
    assert len(tokens) == 50


@pytest.mark.parametrize("where", ["form", "claim"])
def test_the_scope_is_named_where_one_was_asked_for(where: str, authority: Authority, forger: Forger) -> None:
    """The answer repeats the scope, whether it stood in the form or, as with Google, in the claims."""
    request = forger.request(forger.form(scope="a b")) if where == "form" else forger.by_claims(scope="a b")
    assert json.loads(authority.handle(request).body)["scope"] == "a b"


def test_the_lifetime_can_be_set_at_run_time(authority: Authority, forger: Forger) -> None:
    """The life of the next token is the one set last."""
    authority.token_lifetime = 30
    assert json.loads(authority.handle(forger.request()).body)["expires_in"] == 30


def test_two_authorities_never_share_an_identity() -> None:
    """Each has URLs of its own, so that no cache could take one's token for the other's."""
    assert Authority().token_endpoint != Authority().token_endpoint
    assert Authority().token_endpoint.startswith("https://authority-")
    assert Authority(issuer="https://as.example.test/").token_endpoint == "https://as.example.test/token"


def test_requests_are_recorded_without_secrets(authority: Authority, forger: Forger) -> None:
    """A record has everything that was sent, and its repr none of the secrets."""
    form = forger.form(client_secret="hush-hush", scope="a")
    authority.handle(forger.request(form, {"Authorization": "Basic aHVzaDpodXNo"}))
    record = authority.requests[-1]
    assert (record.number, record.at, record.method, record.path) == (1, authority.now(), "POST", "/token")
    assert dict(record.form) == form
    assert record.header["alg"] == "ES256"
    assert record.claims["iss"] == "robot@example.test"
    assert record.http_headers["authorization"] == "Basic aHVzaDpodXNo"
    for secret in ("hush", form["assertion"], form["assertion"].split(".")[2], "aHVzaDpodXNo"):
        assert secret not in repr(record)
    assert "'scope': 'a'" in repr(record)


def test_the_newest_records_are_kept_and_all_are_counted(make_authority: Callable[..., Authority]) -> None:
    """Old records are dropped, counts and numbers go on."""
    authority = make_authority(keep=3)
    for _ in range(5):
        authority.handle(Request(authority.token_endpoint))
    assert [record.number for record in authority.requests] == [3, 4, 5]
    assert authority.statuses == {400: 5}


def test_clear_forgets_what_was_seen_but_not_who_may_ask(authority: Authority, forger: Forger) -> None:
    """After clear() the counters are zero, while issuers and tokens stay."""
    token = json.loads(authority.handle(forger.request()).body)["access_token"]
    authority.clear()
    assert (authority.requests, authority.statuses, authority.exchanges) == ((), {}, 0)
    bearer = {"Authorization": f"Bearer {token}"}
    assert authority.handle(Request(authority.api_url, headers=bearer, method="GET")).status == 200
    assert authority.handle(forger.request()).status == 200


def test_explain_tells_people_rule_by_rule(authority: Authority, forger: Forger) -> None:
    """The table names the broken rule, its section and what is wrong with it."""
    with pytest.raises(ValueError, match="no request"):
        authority.explain()
    authority.handle(forger.by_claims(aud="https://wrong.test"))
    lines = authority.explain().splitlines()
    assert lines[0] == "Request 1: POST /token -> 400 invalid_grant"
    broken = [line for line in lines if " BROKEN " in line]
    assert len(broken) == 1
    assert "aud_names_server" in broken[0]
    assert "RFC 7523 section 3, 3" in broken[0]
    assert f"https://wrong.test; this server is {authority.token_endpoint}" in broken[0]
    assert authority.explain(authority.requests[0]) == authority.explain()


def test_a_description_has_only_characters_of_the_rfc(authority: Authority, forger: Forger) -> None:
    """What a client sent is shown in the description without characters that RFC 6749 section 5.2 forbids."""
    body = authority.handle(forger.by_claims(iss='evil"\\\n\u00fc')).body
    description = json.loads(body)["error_description"]
    assert "evil????" in description
    assert len(json.loads(authority.handle(forger.by_claims(iss="x" * 9000)).body)["error_description"]) <= 400


def test_several_keys_serve_while_one_replaces_another(authority: Authority, forger: Forger) -> None:
    """Keys with names are added side by side; the same name replaces."""
    keys = {name: new_key("p256") for name in ("old", "new", "newer")}
    for name in ("old", "new"):
        authority.register("rotating", keys[name][1], key_id=name)

    def status(kid: str | None, pair: str) -> int:
        headers = {} if kid is None else {"kid": kid}
        assertion = forger.assertion(forger.claims(iss="rotating"), headers, key=keys[pair][0])
        return authority.handle(forger.request(forger.form(assertion))).status

    assert [status("old", "old"), status("new", "new"), status(None, "new"), status("old", "new")] == [
        200,
        200,
        200,
        400,
    ]
    authority.register("rotating", keys["newer"][1], key_id="new")
    assert [status("new", "newer"), status("new", "new"), status("old", "old")] == [200, 400, 200]


def test_an_issuer_can_be_forgotten(authority: Authority, forger: Forger) -> None:
    """After unregister() the issuer is unknown; forgetting a stranger is fine."""
    authority.unregister("robot@example.test")
    authority.unregister("nobody")
    authority.handle(forger.request())
    assert [verdict.rule for verdict in authority.requests[-1].broken] == ["iss_registered"]


def test_a_private_key_is_not_registered(authority: Authority) -> None:
    """Whoever hands over the private half by mistake is told, and nothing of it is shown."""
    private, _ = new_key("p256")
    with pytest.raises(ConfigError) as caught:
        authority.register("x", private)
    assert private.splitlines()[1] not in str(caught.value)


def test_an_unknown_path_is_not_found(authority: Authority) -> None:
    """Nothing but the token endpoint and the API is there."""
    assert authority.handle(Request(f"{authority.issuer}/tokens")).status == 404
    assert authority.requests == ()


def test_a_path_alone_will_do(authority: Authority, forger: Forger) -> None:
    """A request is understood by its path, as it comes over HTTP."""
    assert authority.handle(forger.request(url="/token")).status == 200


def test_the_basic_challenge_answers_a_basic_attempt_alone(authority: Authority, forger: Forger) -> None:
    """A failed client is told to use Basic only where it had tried an Authorization header (RFC 6749 section 5.2)."""
    tried = authority.handle(forger.request(headers={"Authorization": "Basic eDp5"}))
    assert tried.status == 401
    assert tried.headers["www-authenticate"].startswith("Basic realm=")
    posted = authority.handle(forger.request(forger.form(client_id="x", client_secret="y")))
    assert posted.status == 401
    assert "www-authenticate" not in posted.headers


def test_skew_moves_the_date_and_the_judgement(authority: Authority, forger: Forger) -> None:
    """An authority whose clock runs ahead says so in its Date and finds assertions old."""
    authority.skew = 400
    response = authority.handle(forger.request())
    assert [verdict.rule for verdict in authority.requests[-1].broken] == ["exp_ahead"]
    assert parsedate_to_datetime(response.headers["date"]).timestamp() == forger.clock.now().wall + 400
    authority.skew = -400
    authority.handle(forger.request())
    assert [verdict.rule for verdict in authority.requests[-1].broken] == ["iat_not_ahead"]


def test_a_herd_of_threads_is_counted_right(clock: ManualClock, forger: Forger) -> None:
    """Of one assertion sent by 32 threads at once, exactly one is accepted."""
    authority = forger.register(Authority(clock))
    request, barrier, seen = forger.request(), threading.Barrier(32), list[int]()

    def send() -> None:
        barrier.wait(10)
        seen.append(authority.handle(request).status)

    threads = [threading.Thread(target=send) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [200] + [400] * 31
    assert authority.exchanges == 1
    assert sum(authority.statuses.values()) == 32
