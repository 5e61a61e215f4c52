"""The comparison of speed says what was measured, and notices what has become worse.

Rule: nothing is measured here; the pages are compared with the stored results, and the acts of the harness are played once.
"""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.measure import Figure, often, samples
from benchmarks.peers import PEERS, load
from benchmarks.side_by_side import page, picture, results
from benchmarks.side_by_side.parts import PARTS, Row
from benchmarks.side_by_side.place import Place, endpoint
from benchmarks.side_by_side.worker import Subject
from sa_auth.testing import new_key

FOUND = results.read().get("peers")
ROWS = {row.name: row for part in PARTS for row in part.rows}


@pytest.mark.parametrize(("file", "name", "content"), [
    (page.PAGE, "side-by-side", page.comparison), (page.README, "performance", page.claims),
])  # fmt: skip
def test_pages_show_the_results(file: Path, name: str, content) -> None:
    """The tables of the page and the README are what the stored results give."""
    text = file.read_text(encoding="utf-8")
    assert text.count(f"<!-- {name}:begin -->") == text.count(f"<!-- {name}:end -->") == 1
    assert page.filled(text, name, content(FOUND)) == text


def test_without_results() -> None:
    """Before the first run the pages say how to get one."""
    assert "make bench-peers" in page.comparison(None)
    assert "make bench-peers" in page.claims(None)


def test_the_picture_shows_the_results() -> None:
    """The picture is drawn from the stored results, is well formed, and has a mark for each figure."""
    drawn = picture.draw(FOUND["rows"], FOUND["libraries"])
    assert page.PICTURE.read_text(encoding="utf-8") == drawn
    ElementTree.fromstring(drawn)
    ours = picture.MARKS["sa_auth"][1]
    ratios = [row for row in FOUND["rows"] if row["unit"] == "x"]
    assert drawn.count(f'fill="{ours}"') == len(ratios) + 1  # and the legend's


def test_every_row_is_there() -> None:
    """No row is missing, each has a figure of ours, and of every other library a figure or a reason."""
    assert [row["part"] for row in FOUND["rows"]] == list(ROWS)
    assert list(FOUND["libraries"]) == list(PEERS)
    for row in FOUND["rows"]:
        assert "value" in row["cells"]["sa_auth"], row["part"]
        assert row["cells"].keys() >= set(PEERS) - {page.BACKGROUND}
        assert all("value" in one or one["reason"] for one in row["cells"].values()), row["part"]


def test_claims_are_rows() -> None:
    """Every claim of the README is a row, and no library is without a mark."""
    assert page.CLAIMS.keys() <= ROWS.keys()
    assert picture.MARKS.keys() == PEERS.keys() - {page.BACKGROUND}


@pytest.mark.parametrize("name", PEERS)
def test_what_cannot_be(name: str) -> None:
    """What a library has nothing for is a part of the comparison."""
    assert load(name).cannot.keys() <= {part.act for part in PARTS}
    assert name != "sa_auth" or not load(name).cannot


def figure(value: float, **changes) -> Figure:
    """A ratio."""
    return Figure(**{"part": "renewal", "floor": "", "value": value, "unit": "x", "bound": None, **changes})


def measured(*values: float, **changes):
    """A part that finds these values one after the other, and counts how often it was asked."""
    calls = []

    def part() -> list[Figure]:
        calls.append(1)
        return [figure(values[len(calls) - 1], **changes)]

    return part, calls


def test_as_before() -> None:
    """A ratio that is up to a fifth worse is measured once and held for noise."""
    part, calls = measured(1.19)
    found, worse = results.judged(part, {"renewal": 1.0})
    assert (found[0].value, worse, len(calls)) == (1.19, [], 1)


def test_worse_three_times() -> None:
    """A ratio that is more than a fifth worse in three measurements is named; the best of them is told."""
    part, calls = measured(1.4, 1.3, 1.5)
    found, worse = results.judged(part, {"renewal": 1.0})
    assert (found[0].value, worse, len(calls)) == (1.3, ["renewal"], 3)


@pytest.mark.parametrize("values", [(1.4, 1.1), (1.4, 1.3, 1.2)])
def test_worse_by_chance(values: tuple[float, ...]) -> None:
    """One that is not so each time was noise, and is measured no more often than that takes."""
    part, calls = measured(*values)
    found, worse = results.judged(part, {"renewal": 1.0})
    assert (found[0].value, worse, len(calls)) == (min(values), [], len(values))


def test_more_is_better() -> None:
    """Of a figure whose bound is a least, less is worse."""
    part, _ = measured(0.2, 0.21, 0.2, least=True)
    found, worse = results.judged(part, {"renewal": 0.3})
    assert (found[0].value, worse) == (0.21, ["renewal"])
    assert not results.worse([figure(0.4, least=True)], {"renewal": 0.3})
    assert results.worse([figure(0.0, least=True)], {"renewal": 0.3})


def test_only_ratios_are_compared() -> None:
    """Milliseconds of another machine, and what was never measured before, are no regression."""
    assert not results.worse([figure(90, unit="ms"), figure(90, part="new")], {"renewal": 1.0})


def test_one_file(tmp_path: Path) -> None:
    """Who writes one part of the file leaves the other as it is."""
    file = tmp_path / "results.json"
    results.write({"figures": [1]}, file)
    results.write({"peers": {"rows": []}}, file)
    results.write({"figures": [2]}, file)
    assert results.read(file) == {"figures": [2], "peers": {"rows": []}}
    assert results.committed(file) == results.read(file)  # no repository is here


def test_the_committed_file() -> None:
    """What is compared with is what the last commit has."""
    assert results.committed()["figures"]


def test_ratios() -> None:
    """A ratio is of minima or of medians, over all turns; a count is the worst, or what its row says."""
    turns = [{"floor": [1.0, 2.0], "taken": [3.0, 4.0]}, {"floor": [3.0], "taken": [8.0]}]
    least = Row("a", "b", "x", None).told(turns)
    assert (least["value"], least["medians"], least["floor_us"]) == (3.0, 2.0, 1e6)
    assert Row("a", "b", "x", None, "median").told(turns)["value"] == 2.0
    assert Row("a", "b", "", None, "most").told([[1], [3], [2]]) == {"value": 3}
    assert Row("a", "b", "ms", None).told([[1], [3], [2]]) == {"value": 1}


def test_samples() -> None:
    """Acts are called in turns, each as often as is said."""
    calls: list[str] = []
    taken = samples((lambda: calls.append("a"), 2), (lambda: calls.append("b"), 1), repeat=2)
    assert "".join(calls) == "aabaab"
    assert [len(one) for one in taken] == [2, 2]
    assert often(lambda: None, 0.001) >= 1


def test_cells() -> None:
    """A cell has its unit and three digits; ours is bold where it misses its goal; noise around nothing is nothing."""
    row = {"part": "renewal", "floor": "", "unit": "x", "goal": 1.6, "least": False,
           "cells": {"sa_auth": {"value": 1.71}, "msal": {"value": 1234.5}, "Authlib": {"reason": "none"}}}  # fmt: skip
    assert [page.cell(row, name) for name in row["cells"]] == ["**1.71**", "1,234", "-"]
    assert page.goal(row) == "at most 1.6"
    assert page.missed([row]).endswith("| renewal | at most 1.6 | 1.71 |")
    assert page.shown({**row, "unit": "ms", "cells": {"msal": {"value": -0.4}}}, "msal") == "0.0 ms"
    assert page.missed([{**row, "goal": None}]) == "None."


def test_the_endpoint() -> None:
    """It counts, waits, fails and answers as each place of it is told, and keeps connections."""
    import requests

    with endpoint() as url, requests.Session() as session:
        one, other = Place(url), Place(url)
        one.set(status=503)
        other.set(fields={"expires_in": 30})
        assert session.post(one.token_endpoint, data={"assertion": "x"}).status_code == 503
        assert session.post(other.token_endpoint, data={"assertion": "x"}).json()["expires_in"] == 30
        assert session.get(other.api).json() == {"files": []}
        assert (one.exchanges(), other.exchanges()) == (1, 1)


@pytest.mark.parametrize("name", [name for name in PEERS if name != page.BACKGROUND])
def test_every_adapter(name: str) -> None:
    """Each library's adapter signs in at the endpoint, renews, sets a header, calls, loads a key and signs, or says why not."""
    import requests

    keys = {"rsa2048": new_key("rsa2048")[0]}
    with endpoint() as url:
        subject = Subject(name, url, keys)
        place = subject.place()
        client = subject.open(place)
        token = client.token()
        client.renew()
        request = requests.Request("GET", "https://api.example/files").prepare()
        client.header(request)
        assert request.headers["Authorization"] == f"Bearer {client.token()}" != f"Bearer {token}"
        assert place.exchanges() == 2
        if "session_get" not in subject.peer.cannot:
            assert client.session().get(place.api).json() == {"files": []}
        if "key_load" not in subject.peer.cannot:
            assert subject.peer.load_key(keys["rsa2048"])
        if "assertion_rs256" not in subject.peer.cannot:
            assert json.dumps(str(subject.peer.minter(keys["rsa2048"], "RS256")())).count(".") >= 2
