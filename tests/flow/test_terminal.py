"""The command line in a real terminal: colours, widths, questions, Ctrl-C, a progress bar; and where there is none."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sa_auth.keys.making import generate, private_pem
from sa_auth.testing import google_key_file, new_key

pexpect = pytest.importorskip("pexpect")
pyte = pytest.importorskip("pyte")

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a terminal of this kind is POSIX's")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
PROGRAM = ["-m", "sa_auth"]


@pytest.fixture
def surroundings(tmp_path: Path) -> dict[str, str]:
    """A terminal's variables, and a cache of the test's own."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if name not in {"NO_COLOR", "COLUMNS", "FORCE_COLOR", "SA_AUTH_KEY"}
    }
    return {**ours, "TERM": "xterm-256color", "XDG_CACHE_HOME": str(tmp_path / "cache"), "LC_ALL": "C.UTF-8"}


@pytest.fixture
def terminal(surroundings: dict[str, str], tmp_path: Path):
    """Runs `sa-auth` in a terminal of some width."""
    children = []

    def spawn(*arguments: object, width: int = 80, **variables: str):
        child = pexpect.spawn(
            sys.executable, [*PROGRAM, *map(str, arguments)], dimensions=(40, width), timeout=20, encoding="utf-8",
            env={**surroundings, **variables}, cwd=str(tmp_path),
            # Whoever runs the tests in the background has Ctrl-C ignored, and children take that over.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        children.append(child)
        return child

    yield spawn
    for child in children:
        child.close(force=True)


def ended(child) -> tuple[str, int]:
    """What stood on the screen until the program ended, and its exit code."""
    child.expect(pexpect.EOF)
    child.close()
    return child.before, child.exitstatus if child.exitstatus is not None else -child.signalstatus


def screen(text: str, width: int) -> list[str]:
    """The lines that a person sees."""
    seen = pyte.Screen(width, 400)
    pyte.Stream(seen).feed(text)
    return [line.rstrip() for line in seen.display]


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    """An encrypted key."""
    path = tmp_path / "robot.pem"
    path.write_text(private_pem(generate("p256"), "open sesame"))
    path.chmod(0o600)
    return path


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes a connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        yield server


@pytest.fixture
def hanging(silent: socket.socket) -> str:
    """The token endpoint there."""
    return f"http://127.0.0.1:{silent.getsockname()[1]}/token"


@pytest.fixture
def keyfile(tmp_path: Path, hanging: str) -> Path:
    """A key file that names it."""
    path = tmp_path / "key.json"
    google_key_file(path, email="robot@demo", private_key_pem=new_key("rsa2048")[0], token_uri=hanging)
    return path


def test_colours_in_a_terminal_alone(terminal, surroundings) -> None:
    """Colours are there in a terminal, and not with NO_COLOR or in a pipe."""
    shown, code = ended(terminal("providers", "okta"))
    assert code == 0
    assert COLOUR.search(shown)
    # Weights are no colours: https://no-color.org is about the latter.
    plain, _ = ended(terminal("providers", "okta", NO_COLOR="1"))
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", plain)
    piped = subprocess.run(
        [sys.executable, *PROGRAM, "providers", "okta"], env=surroundings, capture_output=True, text=True, check=True
    )
    assert "\x1b" not in piped.stdout + piped.stderr


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize(
    "arguments", [("providers",), ("inspect", "key.json"), ("keygen", "okta", "--kind", "p256"), ("--help",)],
    ids=lambda arguments: arguments[0],
)  # fmt: skip
def test_widths(terminal, keyfile, width, arguments) -> None:
    """No line is longer than the terminal is wide, but for those that are there to be copied, and no table is broken."""
    shown, code = ended(terminal(*arguments, width=width))
    assert code in {0, 1}
    lines = [COLOUR.sub("", line) for line in shown.splitlines()]
    assert max(len(line) for line in lines if not line.startswith("Then: ")) <= width
    boxes = {len(line) for line in lines if line.startswith(("│", "╭", "╰"))}
    assert len(boxes) <= 1
    assert any("okta" in line or "robot@demo" in line or "keygen" in line for line in screen(shown, width))


def test_interrupted(terminal, keyfile, silent, hanging) -> None:
    """Ctrl-C while the token endpoint is silent ends the program within two seconds, with 130 and one line."""
    child = terminal("token", keyfile, "--token-endpoint", hanging, "--scope", "read", "--timeout", "60")
    with silent.accept()[0] as connection:
        connection.recv(1)  # it has begun to wait
        child.sendintr()
        began = time.monotonic()
        shown, code = ended(child)
    assert time.monotonic() - began < 2 * 2
    assert code == 130
    assert shown.replace("^C", "").split() == ["Interrupted."]


def test_a_password_is_asked_for_and_not_shown(terminal, pem) -> None:
    """The password of an encrypted key is asked for, once, and is not to be seen."""
    child = terminal("inspect", pem)
    child.expect("Password of the key: ")
    child.waitnoecho()
    child.sendline("open sesame")
    shown, code = ended(child)
    assert (code, "open sesame" in shown) == (0, False)
    assert "EC P-256" in shown


def test_a_sign_in_asks_as_well(terminal, pem, silent) -> None:
    """A sign-in by an encrypted key asks for its password, and goes on with it."""
    address = f"http://127.0.0.1:{silent.getsockname()[1]}/token"
    child = terminal(
        "token", pem, "--issuer", "robot", "--token-endpoint", address, "--timeout", "0.3", "--cache", "none"
    )
    child.expect("Password of the key: ")
    child.waitnoecho()
    child.sendline("open sesame")
    shown, code = ended(child)
    assert (code, "open sesame" in shown) == (3, False)
    assert "timeout: " in shown


def test_no_password_is_asked_for_where_none_is_needed(terminal, keyfile) -> None:
    """A key that is not encrypted is opened without a question."""
    shown, code = ended(terminal("inspect", keyfile))
    assert code == 1  # its endpoint is of this machine, over plain http
    assert "Password" not in shown


def test_ctrl_c_at_the_question(terminal, pem) -> None:
    """Ctrl-C in place of a password ends with 130 and no traceback."""
    child = terminal("inspect", pem)
    child.expect("Password of the key: ")
    child.waitnoecho()
    child.sendintr()
    shown, code = ended(child)
    assert code == 130
    assert "Traceback" not in shown


def test_a_new_password_is_asked_for_twice(terminal, tmp_path) -> None:
    """A password for a new key: --encrypt asks twice, again where the two differ, and shows neither."""
    child = terminal("keygen", "okta", "--kind", "p256", "--encrypt")
    for first, second in (("one secret", "another"), ("one secret", "one secret")):
        child.expect("Password for the new key: ")
        child.waitnoecho()
        child.sendline(first)
        child.expect("Once more: ")
        child.waitnoecho()
        child.sendline(second)
    shown, code = ended(child)
    assert code == 0
    assert "one secret" not in shown
    assert "ENCRYPTED" in (tmp_path / "okta.pem").read_text()


def test_the_demo_shows_its_progress(terminal) -> None:
    """The demo's bar runs to its end, and the table stands below it."""
    shown, code = ended(terminal("demo", "--calls", "200", "--threads", "2"))
    assert "200/200" in shown
    assert re.search(r"calls +│ +200", "\n".join(screen(shown, 80)))
    # A batch so short may end before an exchange was due; its figures are the demo's own test.
    assert code in {0, 1}


def test_a_reader_that_goes_away(surroundings) -> None:
    """Whoever reads a line and no more, as `head` does, is told nothing."""
    line = f"{sys.executable} -m sa_auth providers --json | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], env=surroundings, capture_output=True, text=True, check=False)
    assert done.stdout == "{\n"
    assert done.stderr == ""
    assert done.returncode in {0, 141}


@pytest.mark.parametrize("variables", [
    {"COMP_WORDS": "sa-auth keygen sno", "COMP_CWORD": "2"},
    {"COMP_WORDS": "sa-auth token --provider sno", "COMP_CWORD": "3"},
    {"COMP_WORDS": "sa-auth providers sno", "COMP_CWORD": "2"},
])  # fmt: skip
def test_names_are_completed(surroundings, variables) -> None:
    """A shell completes the names of providers."""
    told = {**surroundings, **variables, "_SA_AUTH_COMPLETE": "complete_bash"}
    done = subprocess.run([sys.executable, *PROGRAM], env=told, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["snowflake"], "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell(surroundings, shell) -> None:
    """The script that a shell completes by is printed for the shell that is named."""
    done = subprocess.run(
        [sys.executable, *PROGRAM, "--show-completion", shell],
        env=surroundings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"complete_{shell}" in done.stdout
