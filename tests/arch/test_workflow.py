"""The workflow may read, and runs what its hashes name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOWS = sorted((ROOT / ".github" / "workflows").iterdir())


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.name)
def test_least_rights(path: Path):
    """No right for the whole, reading the repository for each job, and no credentials left on the disk."""
    text = path.read_text(encoding="utf-8")
    assert "\npermissions: {}\n" in text
    assert set(re.findall(r"^ {6}([\w-]+: \w+)  #", text, re.MULTILINE)) == {"contents: read"}
    jobs = len(re.findall(r"^    runs-on: ", text, re.MULTILINE))
    assert text.count("    permissions:\n      contents: read  #") == text.count("persist-credentials: false") == jobs
    assert "secrets." not in text
    assert "write" not in re.sub(r"#.*", "", text)


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.name)
def test_actions_are_pinned(path: Path):
    """Each action is named by the hash of a commit, with the release that it is; one hash for each."""
    uses = re.findall(r"^ +- uses: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert uses
    for use in uses:
        assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use), use
    assert len(set(uses)) == len({use.split("@")[0] for use in uses})
