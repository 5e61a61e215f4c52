"""A bridge without its client: one sentence, with the pip command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sa_auth import MissingExtra
from sa_auth.integrations.extra import needed

ROOT = Path(__file__).parents[3]


def python(script: str) -> str:
    """Runs a script in an interpreter of its own and gives what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=30, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("bridge", "absent", "named", "install"),
    [
        ("httpx", ["httpx2", "httpx"], "httpx2", '"sa_auth[httpx]"'),
        ("aiohttp", ["aiohttp"], "aiohttp", '"sa_auth[aiohttp]"'),
        ("grpc", ["grpc"], "grpc", '"sa_auth[grpc]"'),
        ("urllib3", ["urllib3"], "urllib3", "urllib3"),
    ],
)
def test_without_the_package(bridge: str, absent: list[str], named: str, install: str) -> None:
    """Whoever imports a bridge without its client is told so in one sentence, with the pip command, and no context."""
    shown = python(
        f"import sys; sys.modules.update(dict.fromkeys({absent!r}))\n"
        f"try: import sa_auth.integrations.{bridge}\n"
        "except Exception as error: print(type(error).__name__, error, error.__context__)\n"
    )
    assert shown == (
        f"MissingExtra missing_extra: The bridge sa_auth.integrations.{bridge} needs the package {named!r}. "
        f"Hint: Install it with: pip install {install} More: docs/errors/missing_extra.md. None\n"
    )


@pytest.mark.parametrize("absent", ["httpx2", "httpx"])
def test_either_httpx_will_do(absent: str) -> None:
    """Where one of the two is there, the auth is one of that."""
    shown = python(
        f"import sys; sys.modules[{absent!r}] = None\n"
        "from sa_auth.integrations.httpx import Auth\n"
        "print(*(base.__module__.partition('.')[0] for base in Auth.__mro__ if base.__module__.startswith('httpx')))\n"
    )
    assert shown.strip() == ({"httpx", "httpx2"} - {absent}).pop()


def test_one_name_for_both() -> None:
    """Where a process has made `httpx` stand for httpx2, there is one base and not two."""
    shown = python(
        "import httpx2; httpx2.alias_httpx()\n"
        "from sa_auth.integrations.httpx import Auth\n"
        "print([base.__module__ for base in Auth.__mro__ if base.__name__ == 'Auth'][1:])\n"
    )
    assert shown.count("httpx") == 1


def test_what_the_package_lacks_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that is there and cannot be imported is not said to be missing."""
    (tmp_path / "broken_one.py").write_text("import not_there_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="not_there_at_all"):
        needed("x", ("broken_one",), "x")
    with pytest.raises(MissingExtra):
        needed("x", ("not_there_at_all",), "x")
