"""How the command line answers, whatever it is given: one sentence, the right exit code, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sa_auth.cli.app import COMMANDS
from sa_auth.testing import Authority


def test_no_arguments(command):
    """Without arguments the commands are listed."""
    done = command()
    assert done.code == 0
    assert all(name in done.out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help(command, name):
    """Each command says what it is for, and loads nothing of the others."""
    done = command(name, "--help")
    assert (done.code, done.err) == (0, "")
    assert f"sa-auth {name}" in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tokn"], "Did you mean 'token'?"),
        (["token", "--scop", "x"], "--scope"),
        (["token", "--min-ttl", "soon"], "--min-ttl"),
        (["token", "a.json", "b.json"], "b.json"),
    ],
)
def test_misspelt(command, arguments, said):
    """A command line that is wrong costs one sentence and the code 2."""
    done = command(*arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "Traceback" not in done.err


def test_missing_file(command, tmp_path):
    """A file that is not there is named, with what to do."""
    done = command("token", tmp_path / "key.json")
    assert done.code == 2
    assert done.err.startswith("key_file_missing: ")
    assert "Hint: " in done.err


def test_errors_for_programs(command, tmp_path):
    """With --json an error is one JSON object on standard output."""
    done = command("token", tmp_path / "key.json", "--json")
    assert (done.code, done.err) == (2, "")
    assert done.json["error"]["code"] == "key_file_missing"


def test_hints_speak_of_options(command, keyfile):
    """A hint names options where the library's own names arguments."""
    done = command("token", keyfile)
    assert done.code == 2
    assert "--token-endpoint" in done.err
    assert "token_endpoint=" not in done.err


def test_refused(command, keyfile, endpoint):
    """A no of the server is the code 1."""
    done = command("token", keyfile, "--token-endpoint", endpoint)  # Google wants a scope
    assert done.code == 1
    assert done.err.startswith("invalid_scope: ")


def test_down(command, keyfile, endpoint, authority: Authority):
    """A server that fails is the code 3: the same may succeed later."""
    authority.unreachable = True
    done = command("token", keyfile, "--token-endpoint", endpoint, "--scope", "read", "--timeout", "2")
    assert done.code == 3


def run(*arguments: object, **more: object) -> subprocess.CompletedProcess[str]:
    """Runs the program as a shell does."""
    return subprocess.run(
        [sys.executable, "-m", "sa_auth", *map(str, arguments)], capture_output=True, text=True, check=False, **more
    )


def test_broken_pipe(keyfile: Path):
    """Whoever reads no further is told nothing."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "sa_auth", "--help"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_without_the_extra():
    """Where typer is not installed, the pip command is named."""
    code = "import sys; sys.modules['typer'] = None; from sa_auth.cli import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert 'pip install "sa_auth[cli]"' in done.stderr
    assert "Traceback" not in done.stderr


def test_no_colour_where_no_terminal_is(tmp_path):
    """What is piped holds no escape sequence."""
    done = run("token", tmp_path / "none.json")
    assert done.returncode == 2
    assert "\x1b" not in done.stderr + done.stdout


def test_a_failing_connection(command, keyfile):
    """Where nobody answers, be it for TLS, the code is 3."""
    done = command(
        "token",
        keyfile,
        "--token-endpoint",
        "http://127.0.0.1:9/token",
        "--scope",
        "read",
        "--timeout",
        "1",
        "--cache",
        "none",
    )
    assert done.code == 3
    assert done.err.startswith("connect_failed: ")


def test_a_password_without_a_terminal(command, tmp_path):
    """An encrypted key without a terminal to ask at names the option that holds the password's variable."""
    from sa_auth.keys.making import generate, private_pem

    path = tmp_path / "robot.pem"
    path.write_text(private_pem(generate("p256"), "a secret"))
    path.chmod(0o600)
    done = command("token", path, "--provider", "okta")
    assert done.code == 2
    assert "--password-env NAME" in done.err


def test_interrupted(command, monkeypatch):
    """Ctrl-C is a line and the code 130."""
    from sa_auth.cli import decode

    def interrupted(_file):
        raise KeyboardInterrupt

    monkeypatch.setattr(decode, "_read", interrupted)
    done = command("decode")
    assert (done.code, done.err) == (130, "Interrupted.\n")


def test_a_fault_of_ours(command, monkeypatch):
    """Whatever else goes wrong is a sentence without a stranger's text, and the code 70."""
    from sa_auth.cli import decode

    def broken(_file):
        raise RuntimeError("a secret")

    monkeypatch.setattr(decode, "_read", broken)
    done = command("decode")
    assert done.code == 70
    assert "a secret" not in done.err


@pytest.mark.parametrize("command", ["decode", "inspect -", "jwks -"])
def test_closed_streams(command):
    """Where the shell closed standard input or output, that is one sentence, or nothing."""
    program = f"{sys.executable} -m sa_auth {command}"
    done = subprocess.run(["sh", "-c", f"{program} <&-"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no standard input" in done.stderr


def test_closed_output():
    """What is written nowhere is no fault."""
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m sa_auth providers >&- 2>&-"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
