"""The pytest plug-in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FIXTURES = """
from urllib.request import Request, urlopen
from urllib.error import HTTPError
import pytest

def test_clock_and_authority_go_together(sa_clock, sa_authority):
    sa_clock.advance(5)
    assert sa_authority.now() == sa_clock.now().wall == 1_700_000_005.0

def test_without_the_clock_it_is_the_systems(sa_authority):
    assert sa_authority.now() > 1_750_000_000

def test_the_key_is_a_pair(sa_key, sa_authority):
    private_pem, public_pem = sa_key
    assert "PRIVATE" in private_pem
    sa_authority.register("robot", public_pem)

def test_the_served_one_is_the_same(sa_authority_http, sa_authority):
    assert sa_authority_http.authority is sa_authority
    with pytest.raises(HTTPError) as caught:
        urlopen(sa_authority_http.api_url, timeout=10)
    caught.value.close()
    assert sa_authority.api.refused == 1
"""


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs Python with this checkout, and no plug-in but what is named."""
    root = str(Path(__file__).parents[3])
    environment = {**os.environ, "PYTHONPATH": root, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_its_fixtures_serve_a_users_test(tmp_path: Path) -> None:
    """A test-suite elsewhere gets an authority, a served one, a clock and a key."""
    (tmp_path / "test_user.py").write_text(FIXTURES)
    options = ("-p", "sa_auth.testing.plugin", "-p", "no:cacheprovider", "-W", "error", "-q")
    done = run("-m", "pytest", *options, "test_user.py", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout


def test_loading_it_loads_nothing_heavy(tmp_path: Path) -> None:
    """Pytest loads it in every run, so it must not bring jwt, cryptography, requests or the rules with it."""
    code = (
        "import sys, pytest; before = set(sys.modules); import sa_auth.testing.plugin; "
        "new = set(sys.modules) - before; "
        "print(sorted(n for n in new if n.split('.')[0] in {'jwt', 'cryptography', 'requests', 'ssl', 'http'})); "
        "print(sorted(n for n in new if n.startswith('sa_auth.testing')))"
    )
    done = run("-c", code, cwd=tmp_path)
    assert done.stdout.splitlines() == ["[]", "['sa_auth.testing', 'sa_auth.testing.plugin']"], done.stderr
