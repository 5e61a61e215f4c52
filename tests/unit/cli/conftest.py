"""A key file, an authority that knows it, and the command line in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sa_auth.testing import Authority, google_key_file, new_key

EMAIL = "robot@demo.iam.gserviceaccount.com"


class Outcome(NamedTuple):
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its output, read."""
        return json.loads(self.out)


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Outcome]:
    """Runs `sa-auth` with arguments; the shared cache lies in a folder of the test's own, no terminal is there."""
    from sa_auth.cli.app import run

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("SA_AUTH_KEY", raising=False)

    def act(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        return Outcome(code, *capsys.readouterr())

    return act


@pytest.fixture
def authority() -> Iterator[Authority]:
    """An authority of Google's dialect, over HTTP."""
    authority = Authority(dialect="google")
    with authority.serve():
        yield authority


@pytest.fixture
def endpoint(authority: Authority) -> str:
    """Where it gives tokens."""
    return authority.served[0]


@pytest.fixture
def keyfile(authority: Authority, endpoint: str, tmp_path: Path) -> Path:
    """A key file as Google's console writes it, whose public half the authority knows."""
    private, public = new_key("rsa2048")
    authority.register(EMAIL, public)
    path = tmp_path / "key.json"
    google_key_file(path, email=EMAIL, private_key_pem=private, token_uri=endpoint)
    return path
