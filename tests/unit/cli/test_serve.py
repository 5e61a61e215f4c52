"""`sa-auth serve`: a server to develop against, as a shell starts and ends it."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from sa_auth import RefreshPolicy, ServiceAccountCredentials
from sa_auth.cli.app import run
from sa_auth.cli.serve import _snippet
from sa_auth.testing import Authority, Server, new_key

Start = Callable[..., tuple["subprocess.Popen[str]", dict[str, Any]]]


# Whoever runs the tests in the background has Ctrl-C ignored, and children take that over.
PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from sa_auth.cli import main
sys.exit(main())
"""


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts it and gives what it says as JSON; it is ended whatever happens."""
    with ExitStack() as stack:

        def run(*arguments: object) -> tuple[subprocess.Popen[str], dict[str, Any]]:
            command = [sys.executable, "-c", PROGRAM, "serve", "--json", *map(str, arguments)]
            child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            stack.enter_context(child)
            stack.callback(child.kill)
            assert child.stdout is not None
            text = ""
            while not text.endswith("}\n"):
                line = child.stdout.readline()
                assert line, child.stderr and child.stderr.read()
                text += line
            return child, json.loads(text)

        yield run


def test_sign_in_look_and_end(start: Start, keyfile):
    """A key file signs in to it at once, the inspector shows that, and Ctrl-C ends it without a word."""
    child, told = start(keyfile, "--provider", "google", "--token-lifetime", 60)
    creds = ServiceAccountCredentials.from_file(keyfile, token_endpoint=told["token_endpoint"], scope="read")
    assert 50 < creds.token().expires_at - creds.token().issued_at <= 60
    seen = requests.get(f"{told['inspector_url']}requests", timeout=10).json()
    assert [each["who"] for each in seen["requests"]] == told["issuers"] == ["robot@demo.iam.gserviceaccount.com"]
    child.send_signal(signal.SIGINT)
    assert (child.wait(10), child.stdout.read(), child.stderr.read()) == (0, "", "")


def test_what_a_person_reads(command, monkeypatch, keyfile):
    """It says where it is, who is registered, and two lines that ask it for a token."""
    monkeypatch.setattr("sa_auth.cli.serve._wait", lambda: None)
    done = command("serve", keyfile)
    assert (done.code, done.err) == (0, "")
    for words in (
        "Token endpoint: http://127.0.0.1:",
        "Inspector:      http://127.0.0.1:",
        "Registered:     robot@demo",
    ):
        assert words in done.out
    snippet = "\n".join(line.strip() for line in done.out.splitlines() if "ServiceAccountCredentials" in line)
    compile(snippet, "snippet", "exec")
    assert repr(str(keyfile)) in snippet


def test_a_public_key_alone(start: Start, tmp_path):
    """Whoever has no key file to show gives the issuer and its public key."""
    private, public = new_key("p256")
    (tmp_path / "public.pem").write_text(public)
    _, told = start("--issuer", "robot", "--public-key", tmp_path / "public.pem", "--key-id", "k1", "--fault", "503:1")
    creds = ServiceAccountCredentials(
        private, issuer="robot", key_id="k1", token_endpoint=told["token_endpoint"], refresh=RefreshPolicy(lead=1)
    )
    assert creds.token().access_token
    seen = requests.get(f"{told['inspector_url']}requests", timeout=10).json()
    assert [each["status"] for each in seen["requests"]] == [503, 200]


def test_it_is_opened_where_that_is_asked_for(command, monkeypatch):
    """The inspector opens in the browser with --open, and not without."""
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("sa_auth.cli.serve._wait", lambda: None)
    command("serve")
    assert opened == []
    command("serve", "--open")
    assert "/inspect/" in opened[0]


def test_beyond_this_machine(command, monkeypatch):
    """Whoever has it listen for others is warned."""
    monkeypatch.setattr("sa_auth.cli.serve._wait", lambda: None)
    assert command("serve", "--host", "0.0.0.0").err.startswith("warning: whoever reaches this machine")


def test_a_port_in_use(command):
    """A port in use, as by a server of the same kind, is one sentence and the code 2."""
    with Server(Authority()) as server:
        port = server.url.rpartition(":")[2]
        done = command("serve", "--port", port)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"cannot_listen: Nothing can listen on 127.0.0.1 port {port}: Address already in use.")
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--provider", "nobody"], "google"),
        (["--fault", "flood"], "garbage"),
        (["--fault", "hang:2"], "NAME:3"),
        (["--fault", "503:0"], "503:0"),
        (["--port", "70000"], "65535"),
        (["--token-lifetime", "0"], "--token-lifetime"),
        (["--issuer", "robot"], "registered with its key"),
        (["--issuer", "robot", "--public-key", "/does/not/exist"], "--public-key"),
        (["--issuer", "robot", "--public-key", os.devnull], "public key"),
        (["/does/not/exist.json"], "key_file_missing"),
    ],
    ids=lambda value: "-".join(value[-2:]).strip("-").replace("/", "_") if isinstance(value, list) else None,
)
def test_misspelt(command, arguments, said):
    """What cannot be used costs a sentence, with the names there are, and the code 2."""
    done = command("serve", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("provider", ["generic", "google", "okta", "salesforce"])
def test_the_program_that_it_prints(start: Start, tmp_path, provider):
    """What is printed to begin with, in Python and for a shell, signs in as it stands."""
    path = tmp_path / "key.pem"
    path.write_text(new_key("rsa2048")[0])
    path.chmod(0o600)
    _, told = start(path, "--issuer", "my-app", "--provider", provider)
    python, shell = _snippet(told, str(path), "my-app").split("\n\n")
    exec(textwrap.dedent(python))
    options = shlex.split(shell)[1:]
    assert run([*options, "--cache", "none"]) == 0
