"""The demo, which shows the main job: a batch of calls, an outage in between, and a table of what came of it."""

from __future__ import annotations

import json
import re

import pytest
from rich.console import Console

from sa_auth.cli import demo


def test_it_shows_an_outage_that_nobody_felt(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All calls succeed over a renewal and an outage of the token endpoint, and the table says so."""
    monkeypatch.setenv("COLUMNS", "100")
    assert demo.main(["--calls", "12000", "--threads", "4"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"calls +│ +12,000", shown)
    assert re.search(r"failures +│ +0 +│ +0", shown)
    assert re.search(r"answered 503 for +│ +│ +(\d+\.\d s|not reached)", shown)


def test_the_figures_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """By --json the figures stand alone on standard output, and how far it is on standard error."""
    assert demo.main(["--calls", "200", "--threads", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["held"], found["calls"], found["failures"], found["first_failures"]) == (True, 200, 0, [])
    assert 0 < found["p50_of_a_call"] <= found["slowest_call"] < found["seconds"]


def test_it_says_what_failed(capsys: pytest.CaptureFixture[str]) -> None:
    """A batch in which a call failed, or that took too many exchanges, ends with 1 and names the reasons once each."""
    tally = demo.Tally(seconds=[0.1], failures=["status 500", "status 500"])
    counted = {"exchanges": 99, "calls": 1, "refused": 1}
    found = demo._figures(demo.Options(1, 1), [tally], None, 3.0, counted)
    assert not found["held"]
    demo._show(Console(), found, demo._table(found))
    shown = capsys.readouterr().out
    assert shown.count("failed: status 500") == 1
    assert "99 exchanges lie outside" in shown


def test_no_authority(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the local authority does not start, that is said, and nothing hangs."""
    monkeypatch.setattr(demo.sys, "executable", "/bin/true")
    assert demo.main(["--calls", "1"]) == 1
    assert "did not start" in capsys.readouterr().err
