"""A program that gives an assertion: run without a shell, in time, and silent about what it wrote."""

from __future__ import annotations

import pickle
import sys
import time
from pathlib import Path

import pytest

from sa_auth.assertions import FromExecutable
from sa_auth.errors import ConfigError


def python(code: str, **how: object) -> FromExecutable:
    """A program of these lines."""
    return FromExecutable([sys.executable, "-c", code], **how)  # type: ignore[arg-type] # as each test gives them


def test_what_it_writes() -> None:
    """The whole output is the assertion, or one field of its JSON."""
    assert python("print('opaque')").mint(0) == "opaque"
    assert python('print(\'{"token": "opaque"}\')', field="token").mint(0) == "opaque"


def test_no_shell(tmp_path: Path) -> None:
    """What a shell would read is an argument like any other."""
    made = tmp_path / "made"
    source = FromExecutable([sys.executable, "-c", "import sys; print(len(sys.argv))", f"; touch {made}", "$HOME"])
    assert source.mint(0) == "3"
    assert not made.exists()


def test_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the process's variables and its own, and nothing to read."""
    monkeypatch.setenv("OUTER", "a")
    code = "import os, sys; print(os.environ['OUTER'] + os.environ['OWN'] + sys.stdin.read())"
    assert python(code, environment={"OWN": "b"}).mint(0) == "ab"


def test_too_long() -> None:
    """When its time is over it ends, and so does what it started."""
    begun = time.monotonic()
    code = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); time.sleep(60)"
    with pytest.raises(ConfigError) as caught:
        python(code, timeout=0.5).mint(0)
    assert caught.value.code == "assertion_timeout"
    assert caught.value.retryable
    assert time.monotonic() - begun < 20


def test_it_writes_for_ever() -> None:
    """A program that never stops writing is killed once it wrote more than any assertion has."""
    flood = FromExecutable([sys.executable, "-c", "while True: print('x' * 65536)"])
    with pytest.raises(ConfigError) as caught:
        flood.mint(0)
    assert caught.value.code == "assertion_too_large"


def test_it_fails() -> None:
    """Its status is told; its words are not, since they may hold anything."""
    with pytest.raises(ConfigError) as caught:
        python("import sys; print('canary'); sys.stderr.write('canary'); sys.exit(3)").mint(0)
    assert "status 3" in caught.value.message
    assert "canary" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("written", ["", "canary", "[]", '{"token": 5}', '{"other": "canary"}'])
def test_no_such_field(written: str) -> None:
    """Output without the field is refused, and not repeated."""
    with pytest.raises(ConfigError) as caught:
        python(f"print({written!r})", field="token").mint(0)
    assert caught.value.code == "assertion_missing"
    assert "canary" not in f"{caught.value} {caught.value.hint}"


def test_no_program(tmp_path: Path) -> None:
    """A program that is not there, or none, is named."""
    text = tmp_path / "text"
    text.write_text("no program")
    text.chmod(0o700)
    for command in (tmp_path / "gone", text):
        with pytest.raises(ConfigError) as caught:
            FromExecutable([str(command)]).mint(0)
        assert caught.value.code == "assertion_program"
        assert caught.value.hint


@pytest.mark.parametrize("command", ["echo a", [], [""], [5], ["a\0b"], b"echo"])
def test_no_command(command: object) -> None:
    """A command is a list of texts: one text would have to be split as a shell does."""
    with pytest.raises(ConfigError):
        FromExecutable(command)  # type: ignore[arg-type] # on purpose


@pytest.mark.parametrize("how", [{"field": ""}, {"field": 5}, {"timeout": 0}, {"timeout": "5"}])
def test_bad_arguments(how: dict[str, object]) -> None:
    """Other arguments are judged at once."""
    with pytest.raises(ConfigError):
        FromExecutable(["a"], **how)  # type: ignore[arg-type] # on purpose


def test_whose_it_is() -> None:
    """Commands, fields and variables tell sources apart."""
    first = FromExecutable(["a", "b"], environment={"X": "1"})
    assert first.fingerprint() == FromExecutable(["a", "b"], environment={"X": "1"}).fingerprint()
    others = (FromExecutable(["a"]), FromExecutable(["a", "b"]), FromExecutable(["a", "b"], field="x"))
    assert len({one.fingerprint() for one in (first, *others)}) == 4
    assert repr(first) == "FromExecutable('a')"


def test_pickle() -> None:
    """A pickle is the recipe; variables of its own are in none, for their values may be secret."""
    first = FromExecutable(["a", "b"], timeout=7, field="x")
    again = pickle.loads(pickle.dumps(first))  # noqa: S301 - our own
    assert (again.fingerprint(), again.timeout) == (first.fingerprint(), 7)
    with pytest.raises(ConfigError) as caught:
        pickle.dumps(FromExecutable(["a"], environment={"KEY": "canary"}))
    assert (caught.value.code, "canary" in str(caught.value)) == ("not_picklable", False)
    assert "leave environment= out" in caught.value.hint
