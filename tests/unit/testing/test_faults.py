"""Answers planned in place of the honest one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sa_auth.testing import Authority
from sa_auth.wire import Request

if TYPE_CHECKING:
    from .conftest import Forger


def test_a_server_that_is_down_says_so_until_it_is_up(authority: Authority, forger: Forger) -> None:
    """down() holds until up(), with the status and Retry-After that were set."""
    authority.down(502, retry_after=7)
    for _ in range(3):
        response = authority.handle(forger.request())
        assert (response.status, response.headers["retry-after"]) == (502, "7")
    authority.up()
    assert authority.handle(forger.request()).status == 200
    assert authority.exchanges == 1


def test_down_ends_with_its_block(authority: Authority, forger: Forger) -> None:
    """Used with `with`, it is up again afterwards."""
    with authority.down():
        response = authority.handle(forger.request())
        assert response.status == 503
        assert "retry-after" not in response.headers
    assert authority.handle(forger.request()).status == 200


def test_any_answer_can_be_planned_for_some_requests(authority: Authority, forger: Forger) -> None:
    """Planned answers come in their order, each as often as it was told to, then the honest one again."""
    authority.answer(200, b"<html>", {"Content-Type": "text/html"}, times=2)
    authority.answer(302, headers={"Location": "https://elsewhere.test/"}, times=1)
    answers = [authority.handle(forger.request()) for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 302, 200]
    assert [answer.body for answer in answers[:3]] == [b"<html>", b"<html>", b""]
    assert answers[0].headers["content-type"] == "text/html"
    assert answers[2].headers["location"] == "https://elsewhere.test/"
    assert authority.exchanges == 1


def test_fields_are_written_as_json(authority: Authority, forger: Forger) -> None:
    """A mapping becomes a JSON body with its content type; text is written as UTF-8."""
    authority.answer(body={"access_token": "x"}, times=1)
    authority.answer(body="ü", times=1)
    answer = authority.handle(forger.request())
    assert answer.body == b'{"access_token": "x"}'
    assert answer.headers["content-type"] == "application/json;charset=UTF-8"
    assert authority.handle(forger.request()).body == "ü".encode()


def test_a_planned_answer_may_replace_the_date(authority: Authority, forger: Forger) -> None:
    """Header fields of a planned answer go before those that would be set."""
    authority.answer(headers={"Date": "yesterday", "Cache-Control": "public"})
    headers = authority.handle(forger.request()).headers
    assert (headers["date"], headers["cache-control"]) == ("yesterday", "public")


def test_blocks_may_overlap(authority: Authority, forger: Forger) -> None:
    """Each block takes back its own answer, also where an equal one was planned."""
    with authority.answer(500):
        with authority.answer(500), authority.answer(501):
            pass
        assert authority.handle(forger.request()).status == 500
    assert authority.handle(forger.request()).status == 200


def test_what_comes_in_is_judged_all_the_same(authority: Authority, forger: Forger) -> None:
    """A request that got a planned answer is recorded with its verdicts, and with no error of its own."""
    with authority.down():
        authority.handle(forger.by_claims(aud="x"))
    record = authority.requests[-1]
    assert (record.status, record.error) == (503, None)
    assert [verdict.rule for verdict in record.broken] == ["aud_names_server"]


def test_the_api_stays_up(authority: Authority) -> None:
    """A token endpoint that is down leaves the API as it is."""
    with authority.down():
        request = Request(authority.api_url, headers={"Authorization": f"Bearer {authority.issue()}"})
        assert authority.handle(request).status == 200


def test_the_gate_holds_until_it_is_let_go(authority: Authority) -> None:
    """hold() keeps whoever waits at the gate until the block ends."""
    passed = threading.Event()

    def wait() -> None:
        if authority.faults.pass_gate(30):
            passed.set()

    with authority.hold():
        assert not authority.faults.pass_gate(0)
        thread = threading.Thread(target=wait)
        thread.start()
        assert not passed.is_set()
    thread.join(10)
    assert passed.is_set()
    authority.hold()
    authority.up()
    assert authority.faults.pass_gate(0)


def test_many_threads_share_a_count(authority: Authority) -> None:
    """An answer planned for 100 requests is given to exactly so many, whoever asks."""
    authority.answer(418, times=100)
    seen: list[int] = []

    def ask() -> None:
        seen.extend(authority.handle(Request("/token")).status for _ in range(50))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (seen.count(418), len(seen)) == (100, 200)
