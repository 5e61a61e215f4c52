"""The page that the demo writes of its own run."""

from __future__ import annotations

import json
import re

from sa_auth.cli.demo import main


def test_the_page_of_a_run(tmp_path, capsys):
    """The page holds the calls that were made, and the table that the terminal showed."""
    assert main(["--calls", "200", "--threads", "4", "--report", str(tmp_path / "out.html")]) == 0
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
    assert (sum(token["used"] for token in data["tokens"]), data["forgotten"], data["lead"]) == (200, 0, 3)
    assert '<th scope="row">calls</th><td>200</td><td>200</td>' in page
    assert "200 calls on 4 threads" in page
    assert "200 calls on 4 threads" in capsys.readouterr().out


def test_a_page_that_cannot_be_written(tmp_path, capsys):
    """That is told in a sentence before the batch begins, and not after it."""
    assert main(["--report", str(tmp_path / "no" / "out.html")]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "No such file or directory" in told.err
