"""The authority in a process of its own."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sa_auth.testing import Authority
from sa_auth.testing.__main__ import main

if TYPE_CHECKING:
    from .conftest import Forger

Start = Callable[..., tuple["subprocess.Popen[bytes]", dict[str, Any]]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a process and gives it with what it announces; it is ended whatever happens."""
    with ExitStack() as stack:

        def run(*arguments: str) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
            child = subprocess.Popen(
                [sys.executable, "-m", "sa_auth.testing", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            stack.enter_context(child)
            stack.callback(child.kill)
            assert child.stdout is not None
            return child, json.loads(child.stdout.readline())

        yield run


def fetch(url: str, body: bytes | None = None, content_type: str = "application/json") -> Any:
    """One request; the answer's JSON."""
    request = urllib.request.Request(url, body, {"Content-Type": content_type})
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def test_another_process_can_sign_in_and_steer(start: Start, forger: Forger, tmp_path: Path) -> None:
    """It announces its URLs, issues tokens to the issuer of its command line, and takes orders."""
    (tmp_path / "public.pem").write_text(forger.public_pem)
    child, told = start(
        *("--issuer", "robot@example.test", "--public-key", str(tmp_path / "public.pem")),
        *("--token-lifetime", "60", "--port-file", str(tmp_path / "port.json")),
    )
    assert told["pid"] == child.pid
    assert json.loads((tmp_path / "port.json").read_text()) == told
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "port.json").stat().st_mode) == 0o600
    skew = forger.clock.now().wall - time.time()
    assert fetch(told["control_url"], json.dumps({"skew": skew}).encode())["skew"] == skew
    forger.audience = told["token_endpoint"]
    answer = fetch(told["token_endpoint"], forger.request().body, "application/x-www-form-urlencoded")
    assert answer["expires_in"] == 60
    assert fetch(told["control_url"])["exchanges"] == 1


def test_it_ends_with_its_input(start: Start) -> None:
    """When standard input ends it closes down by itself, without an error."""
    child, _ = start()
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait(10) == 0


def test_the_control_path_is_a_secret(start: Start) -> None:
    """Without the secret in the path there is nothing to steer."""
    _, told = start()
    with pytest.raises(urllib.error.HTTPError) as caught:
        fetch(told["url"] + "/control")
    caught.value.close()
    assert caught.value.code == 404
    assert len(told["control_url"].rpartition("/")[2]) >= 20


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--issuer", "x"], "belong together"),
        (["--issuer", "x", "--public-key", "/does/not/exist"], "--public-key"),
        (["--issuer", "x", "--public-key", os.devnull], "--public-key"),
        (["--dialect", "nobody"], "nobody"),
        (["--port", "70000"], "Nothing can listen on 127.0.0.1 port 70000"),
    ],
)
def test_a_wrong_option_is_told(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a usable key, dialect or port it ends with status 2 and says in a line what is to blame."""
    assert main(arguments) == 2
    told = capsys.readouterr().err
    assert words in told
    assert told.count("\n") == 1


def test_a_port_in_use(authority: Authority, capsys: pytest.CaptureFixture[str]) -> None:
    """Where another server has the port, it ends with status 2 and one sentence."""
    with authority.serve() as server:
        port = server.url.rpartition(":")[2]
        assert main(["--port", port]) == 2
    assert capsys.readouterr().err == f"Nothing can listen on 127.0.0.1 port {port}: Address already in use.\n"


def test_it_can_be_looked_into(start: Start) -> None:
    """With the inspector its line has that address as well, and the timeline is had from the control URL."""
    _, told = start("--inspect", "--dialect", "google")
    with urllib.request.urlopen(told["inspector_url"], timeout=10) as page:
        assert b"sa_auth inspector" in page.read()
    assert fetch(f"{told['inspector_url']}requests")["dialect"] == "google"
    assert fetch(f"{told['control_url']}?timeline=3")["lead"] == 3
    with pytest.raises(urllib.error.HTTPError, match="400") as caught:
        fetch(f"{told['control_url']}?timeline=-3")
    caught.value.close()
