"""The timeline as data, and the page that holds it."""

from __future__ import annotations

import json
import re
from collections import deque

import pytest

from sa_auth.testing.report import report, write_report
from sa_auth.testing.timeline import timeline
from tests.unit.testing.kit import URN, Kit


def accept(kit: Kit) -> str:
    """A token for the robot."""
    return str(kit.send(kit.post(grant_type=f"{URN}:grant-type:jwt-bearer", assertion=kit.grant()))["access_token"])


def test_a_token_and_its_calls(kit: Kit) -> None:
    """A token has the moments at which it turns, and the calls that brought it, let in and refused."""
    kit.authority.token_lifetime = 100
    token, began = accept(kit), kit.authority.now()
    for _ in range(10):
        kit.clock.advance(1)
        kit.authority.handle(kit.call(token))
    kit.authority.api.refuse_next(1)
    kit.authority.handle(kit.call(token))
    found = timeline(kit.authority, lead=30)
    (shown,) = found["tokens"]
    moments = [shown[name] - began for name in ("issued_at", "stale_at", "expired_at", "ends_at")]
    assert moments == pytest.approx([0, 70, 90, 100])
    assert [sum(calls) for calls in list(zip(*shown["calls"], strict=True))[1:]] == [10, 1]
    assert (shown["who"], shown["request"], found["lead"]) == ("robot", 1, 30)
    assert found["begins_at"] == began
    assert found["strays"] == []
    assert (shown["used"], found["forgotten"], found["calls_from"]) == (10, 0, None)


def test_a_window_that_an_old_token_lives_in(kit: Kit) -> None:
    """Of a token that was given out before the window, and lives, the whole window is drawn; what was asked before is counted."""
    kit.authority.token_lifetime = 3600
    accept(kit)
    kit.clock.advance(1000)
    found = timeline(kit.authority, seconds=600)
    assert found["ends_at"] - found["begins_at"] == 600
    assert (len(found["tokens"]), found["requests"], found["earlier"]) == (1, [], 1)
    assert timeline(kit.authority)["earlier"] == 0


def test_it_is_bounded(kit: Kit) -> None:
    """A thousand calls are at most four hundred bins, and of a hundred tokens the newest sixty are drawn."""
    tokens = [accept(kit) for _ in range(100)]
    for _ in range(1000):
        kit.clock.advance(0.5)
        kit.authority.handle(kit.call(tokens[-1]))
    found = timeline(kit.authority)
    assert len(found["tokens"]) == 60
    assert found["left_out"] == {"tokens": 40, "requests": 0}
    assert len(found["tokens"][-1]["calls"]) <= 401
    assert sum(good for _, good, _ in found["tokens"][-1]["calls"]) == 1000
    assert [each["number"] for each in found["requests"]][-1] == 100


def test_calls_that_are_not_kept_are_told(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where more calls came than are kept one by one, it says how many and since when, and each token's count stays right."""
    monkeypatch.setattr("sa_auth.testing.timeline.MOST_CALLS", 5)
    kit.authority._ledger._calls = deque(maxlen=5)
    first = accept(kit)
    for _ in range(7):
        kit.clock.advance(1)
        kit.authority.handle(kit.call(first))
    second = accept(kit)
    for _ in range(4):
        kit.clock.advance(1)
        kit.authority.handle(kit.call(second))
    found = timeline(kit.authority)
    assert [token["used"] for token in found["tokens"]] == [7, 4]
    assert (found["forgotten"], found["calls_from"] - found["begins_at"]) == (6, 7)
    assert sum(good for token in found["tokens"] for _, good, _ in token["calls"]) == 5
    assert timeline(kit.authority, seconds=3)["calls_from"] is None


def test_calls_without_a_token_of_it(kit: Kit) -> None:
    """Calls with no token, or one that nobody was given, stand by themselves."""
    kit.authority.handle(kit.call("made-up"))
    kit.authority.handle(kit.call(""))
    found = timeline(kit.authority)
    assert found["tokens"] == []
    assert sum(bad for _, _, bad in found["strays"]) == 2


def test_the_newest_past_alone(kit: Kit) -> None:
    """What is older than was asked for is left out, and a token that outlived it is not."""
    kit.authority.token_lifetime = 100
    accept(kit)
    kit.clock.advance(50)
    accept(kit)
    kit.clock.advance(40)
    found = timeline(kit.authority, seconds=60)
    assert [len(found[name]) for name in ("tokens", "requests")] == [2, 1]
    assert found["now"] - found["begins_at"] == pytest.approx(60, abs=20)
    kit.clock.advance(20)
    assert len(timeline(kit.authority, seconds=5)["tokens"]) == 1


def test_faults_and_their_ends(kit: Kit) -> None:
    """Each fault that was played is there from its beginning to its end; one that goes on has none."""
    authority, clock = kit.authority, kit.clock
    began = authority.now()
    with authority.down(503):
        clock.advance(2)
    authority.answer(500, times=1)
    clock.advance(1)
    accept_or_not = kit.post(grant_type="x")
    authority.handle(accept_or_not)
    authority.hold()
    authority.unreachable = True
    clock.advance(1)
    authority.up()
    authority.cut = 5
    faults = [(each["what"], each["begins_at"] - began, each["ends_at"] and each["ends_at"] - began)
              for each in timeline(authority)["faults"]]  # fmt: skip
    assert sorted(faults, key=lambda each: (each[1], each[0])) == [
        ("answers 503", 0, 2), ("answers 500", 2, 3), ("holds answers back", 3, 4), ("no connection", 3, 4),
        ("bodies break off", 4, None),
    ]  # fmt: skip
    authority.cut = None
    authority.clear()
    assert timeline(authority)["faults"] == []


def test_the_report_is_one_file(kit: Kit, tmp_path) -> None:
    """The page names no other file or host, and holds the data and the table."""
    accept(kit)
    write_report(tmp_path / "out.html", timeline(kit.authority), "A run", [["", "here"], ["calls", "7"]])
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert re.findall(r"""\b(?:src|href)\s*=\s*["']""", page) == []
    assert set(re.findall(r"https?://[\w./]+", page)) == {"http://www.w3.org/2000/svg"}
    assert '<th scope="row">calls</th><td>7</td>' in page
    assert page.count("sha256-") == 2


def test_the_report_is_escaped(kit: Kit) -> None:
    """A script in a name, in the title or in the table stays text."""
    evil = "</script><script>alert(1)</script>&<!--"
    data = {**timeline(kit.authority), "tokens": [{"who": evil}]}
    page = report(data, evil, [["", evil], [evil, evil]])
    assert evil not in page
    assert page.count("</script>") == 2
    found = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    assert json.loads(found[1])["tokens"] == [{"who": evil}]
