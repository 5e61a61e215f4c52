"""`sa-auth doctor` of key files that are broken, and what it never prints."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from sa_auth.cli.steps.step import NAMES
from sa_auth.testing import Authority, google_key_file, new_key
from tests.flow.doctor_rows import certificate

RSA, RSA_PUBLIC = new_key("rsa2048")
EC, EC_PUBLIC = new_key("p256")
OTHER = new_key("rsa2048", fresh=True)[0]
EMAIL = "robot@demo.iam.gserviceaccount.com"
PASSWORD = "correct horse"
GENERIC = ("--issuer", "robot", "--token-endpoint", "https://login.example/token")
PASSWORD_OPTION = ("--password-env", "THE_PASSWORD")


def encrypted() -> str:
    """The key under a password."""
    key: Any = load_pem_private_key(RSA.encode(), None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSWORD.encode())).decode()


def google(private: str = RSA, **changes: Any) -> str:
    """Google's key file, with changes."""
    return json.dumps({**google_key_file(email=EMAIL, private_key_pem=private), **changes}, indent=2)


def small() -> str:
    """A key of 1024 bits, which nobody takes any more."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 1024)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class Broken(NamedTuple):
    """A key file that is broken in one way.

    Attributes:
        id: Of the case.
        content: What is in it.
        step: Which is to blame.
        cause: What is said of it.
        remedy: What is said to be done.
        name: Of the file.
        options: Of the command line.
        mode: Of the file.
        command: What is printed to mend it.
    """

    id: str
    content: Callable[[], str | bytes]
    step: str
    cause: str
    remedy: str
    name: str = "key.pem"
    options: tuple[str, ...] = GENERIC
    mode: int = 0o600
    command: str = ""


def text(value: str | bytes) -> Callable[[], str | bytes]:
    """That content."""
    return lambda: value


BROKEN = [
    Broken("empty", text(""), "file", "is empty", "Copy or download it again"),
    Broken("blank", text(" \n"), "file", "is empty", "Copy or download it again"),
    Broken("open-to-writers", text(RSA), "file", "may be changed by others", "chmod 600", mode=0o622, command="chmod 600 PATH"),
    Broken("huge", text(b"x" * (1024 * 1024 + 1)), "file", "larger than 1 MiB", "make sure that this is the file"),
    Broken("json-cut", lambda: google()[:-200], "file", "is cut short (line", "Download it again", "key.json"),
    Broken("json-bad", text('{"type": service_account}'), "file", "is none (line 1)", "Download it again", "key.json"),
    Broken("json-utf16", lambda: google().encode("utf-16"), "file", "UTF-16", "UTF-8", "key.json", command="iconv"),
    Broken("oauth-client", text('{"installed": {"client_id": "x"}}'), "file", "is an OAuth client", "Make a key for a service account",
           "client.json"),
    Broken("a-persons-login", text('{"type": "authorized_user"}'), "file", "a person's login", "Make a key", "key.json"),
    Broken("unknown-json", text('{"a": 1}'), "file", "of no known kind", "Known are key files of", "key.json"),
    Broken("field-missing", lambda: json.dumps({"type": "service_account", "client_email": EMAIL}), "file",
           "no field 'private_key'", "Download a new key", "key.json"),
    Broken("wrong-vendor", google, "file", "a key file of google, not of box", "box", "key.json", ("--provider", "box")),
    Broken("truncated", lambda: RSA[: len(RSA) // 2], "key", "cut short", "every line of it"),
    Broken("damaged", lambda: RSA.replace(RSA[200:260], "A" * 60), "key", "damaged", "every line of it", command="openssl pkey"),
    Broken("no-key", text("hello"), "key", "no private key in the text", "-----BEGIN"),
    Broken("in-json-truncated", lambda: google(RSA[:700]), "key", "cut short", "download it again", "key.json"),
    Broken("no-password", encrypted, "key", "no password was given", "--password-env NAME"),
    Broken("wrong-password", encrypted, "key", "password is wrong", "--password-env", options=(*GENERIC, *PASSWORD_OPTION),
           command="openssl pkey"),
    Broken("needless-password", text(RSA), "key", "needs none", "Leave --password-env out", options=(*GENERIC, *PASSWORD_OPTION)),
    Broken("public-only", text(RSA_PUBLIC), "key", "This is a public key", "Give the private key"),
    Broken("certificate-only", certificate, "key", "a certificate but no private key", "--certificate"),
    Broken("two-keys", text(RSA + EC), "key", "more than one private key", "only the one"),
    Broken("too-small", small, "key", "1024 bits", "Issue a new one", command="rsa_keygen_bits:2048"),
    Broken("ec-for-google", lambda: google(EC), "key", "does not take ES256", "pass an RSA key", "key.json",
           ("--scope", "x")),
    Broken("foreign-certificate", lambda: RSA + certificate(private=OTHER), "certificate", "No certificate given belongs",
           "Take the certificate that was issued for this key"),
    Broken("expired", lambda: RSA + certificate(starts=-100, ends=-10), "certificate", "expired 10 days ago",
           "Have a new one issued", command="openssl req -new"),
    Broken("not-yet", lambda: RSA + certificate(starts=10), "certificate", "not valid before", "Wait"),
    Broken("no-certificate", text(RSA), "certificate", "wants the thumbprint", "--certificate", options=(
        "--provider", "entra", "--issuer", "app", "--server", "https://login.microsoftonline.com/t/v2.0", "--scope", "a/.default")),
    Broken("elsewhere", lambda: google(token_uri="https://evil.example/token"), "arguments", "none of google's",
           "--token-endpoint", "key.json", ("--scope", "x")),
    Broken("nothing-said", text(RSA), "arguments", "lacks --token-endpoint, --issuer", "--token-endpoint", options=()),
    Broken("provider-lacks", text(RSA), "arguments", "lacks --subject, --issuer", "username", options=("--provider", "salesforce")),
    Broken("misspelt-provider", text(RSA), "arguments", "gogle", "google", options=("--provider", "gogle")),
    Broken("misspelt-provider-of-json", google, "arguments", "gogle", "google", "key.json", ("--provider", "gogle")),
]  # fmt: skip


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password, which is the wrong one."""
    monkeypatch.setenv("THE_PASSWORD", "battery staple")


def written(folder: Path, case: Broken) -> Path:
    """The case's key file."""
    path, content = folder / case.name, case.content()
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(case.mode)
    return path


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case.id)
def test_broken(command, tmp_path, case: Broken):
    """The true cause, the remedy, and the step that is to blame; nothing was asked of anybody."""
    path = written(tmp_path, case)
    done = command("doctor", path, *case.options, "--offline", "--json")
    assert (done.code, done.err) == (1, ""), done
    told = done.json
    assert case.cause in told["cause"]
    assert case.remedy in told["remedy"]
    failed = [step["name"] for step in told["steps"] if step["verdict"] == "fail"]
    assert failed == [case.step]
    assert case.command.replace("PATH", str(path)) in told["command"]
    assert [step["name"] for step in told["steps"]] == list(NAMES)
    # As text it says the same.
    shown = command("doctor", path, *case.options, "--offline").out
    assert f"Cause: {told['cause']}" in shown


def test_missing(command, tmp_path):
    """A path that leads nowhere; what is near is named."""
    (tmp_path / "key.json").write_text("{}")
    told = command("doctor", tmp_path / "kye.json", "--json").json
    assert told["remedy"].endswith("but a 'key.json'.")
    told = command("doctor", tmp_path / "none" / "key.json", "--json").json
    assert "there is no folder" in told["remedy"]


def test_a_folder(command, tmp_path):
    """A folder is no key."""
    told = command("doctor", tmp_path, "--json").json
    assert "is no file but a folder" in told["cause"]


def test_open_to_readers(command, tmp_path):
    """A file that others may read is warned about, with the command; the exit code stays 0."""
    path = tmp_path / "my key.pem"
    path.write_text(RSA)
    path.chmod(0o644)
    done = command("doctor", path, *GENERIC, "--offline")
    assert done.code == 0
    assert "Warning: The key file may be read by other users" in done.out
    assert f"Command: chmod 600 '{path}'" in done.out


@pytest.mark.skipif(os.name != "posix", reason="symbolic links")
def test_oddities(command, tmp_path):
    """A symbolic link, a byte order mark and the line ends of Windows are told, and do no harm."""
    real = tmp_path / "real.pem"
    real.write_bytes(b"\xef\xbb\xbf" + RSA.replace("\n", "\r\n").encode())
    real.chmod(0o600)
    (tmp_path / "link.pem").symlink_to(real)
    done = command("doctor", tmp_path / "link.pem", *GENERIC, "--offline")
    assert done.code == 0
    assert all(said in done.out for said in (f"a symbolic link to {real}", "byte order mark", "line ends of Windows"))


@pytest.mark.parametrize(("name", "content"), [("key.pem", RSA.replace("\n", "\\n")), ("key.json", google(RSA.replace("\n", "\\n")))],
                         ids=["pem", "json"])  # fmt: skip
def test_escaped_newlines(command, tmp_path, name, content):
    """The command that is printed writes a whole new file for its owner's eyes, and leaves the old one as it was."""
    path = tmp_path / name
    path.write_text(content)
    path.chmod(0o600)
    options = (
        "--scope",
        "x",
        "--issuer",
        "robot",
        "--token-endpoint",
        "https://oauth2.googleapis.com/token",
        "--offline",
        "--json",
    )
    done = command("doctor", path, *options)
    assert (done.code, done.json["ok"]) == (0, True)
    assert "a backslash and an n" in done.json["cause"]
    subprocess.run(done.json["command"], shell=True, check=True)
    assert path.read_text() == content
    mended = tmp_path / name.replace(".", ".mended.")
    assert mended.stat().st_mode & 0o777 == 0o600
    assert command("doctor", mended, *options).json["cause"] == ""


def test_the_variable(command, keyfile, monkeypatch):
    """Without a key file the variable counts: a path, or a text."""
    for value in (str(keyfile), keyfile.read_text(), RSA):
        monkeypatch.setenv("SA_AUTH_KEY", value)
        done = command(
            "doctor", "--offline", "--issuer", "robot", "--token-endpoint", "https://oauth2.googleapis.com/token"
        )
        assert done.code == 0, done.out
        assert "SA_AUTH_KEY" in done.out


def test_nothing_at_all(command):
    """Who names nothing is told how it is called."""
    done = command("doctor")
    assert done.code == 2
    assert "sa-auth doctor KEYFILE" in done.err


def test_usage(command, keyfile):
    """An option that is not usable is a usage error."""
    assert command("doctor", keyfile, "--claim", "x").code == 2


def test_without_a_key(command, tmp_path, monkeypatch):
    """A token service's assertion needs no key here: what can be looked at is."""
    done = command(
        "doctor", "--provider", "entra", "--server", "https://login.microsoftonline.com/t/v2.0", "--offline", "--json"
    )
    steps = {step["name"]: step["verdict"] for step in done.json["steps"]}
    assert (steps["file"], steps["key"], steps["certificate"]) == ("skipped", "skipped", "skipped")


def test_it_really_signs_in(command, keyfile, endpoint, authority: Authority):
    """Past every cache, one exchange each time; nothing is left in a cache."""
    options = ("--scope", "read", "--token-endpoint", endpoint)
    command("token", keyfile, *options)
    done = command("doctor", keyfile, *options)
    assert done.code == 0
    assert "The sign-in works." in done.out
    assert authority.exchanges == 2


def test_less_scope(command, keyfile, endpoint, authority: Authority):
    """A scope that was not granted is told."""
    body = {"access_token": "t", "token_type": "Bearer", "expires_in": 3600, "scope": "read"}
    with authority.answer(200, body):
        done = command("doctor", keyfile, "--token-endpoint", endpoint, "--scope", "read write")
    assert done.code == 0
    assert "write is missing" in done.out


def test_nothing_secret(command, keyfile, endpoint, authority: Authority, tmp_path):
    """Token, private key and signatures stand nowhere in what is printed."""
    canary = "canary-access-token"
    with authority.answer(
        200, {"access_token": canary, "token_type": "Bearer", "refresh_token": "canary-refresh", "x": "canary-x"}
    ):
        options = ("--token-endpoint", endpoint, "--scope", "read")
        shown = command("doctor", keyfile, *options).out + command("doctor", keyfile, *options, "--json").out
    with authority.answer(400, {"error": "invalid_grant", "error_description": "no"}):
        shown += command("doctor", keyfile, *options).out
    assert "canary" not in shown
    for record in authority.requests:
        signature = record.form["assertion"].rpartition(".")[2]
        assert signature not in shown
        assert record.form["assertion"][:60] not in shown
    lines = [line for line in json.loads(keyfile.read_text())["private_key"].splitlines() if not line.startswith("-")]
    assert not any(line in shown for line in lines)
    private = tmp_path / "broken.pem"
    private.write_text(encrypted())
    private.chmod(0o600)
    shown = command("doctor", private, *GENERIC, *PASSWORD_OPTION, "--offline").out
    assert "battery" not in shown


def test_a_hostile_answer(command, keyfile, endpoint, authority: Authority):
    """A server's words reach no terminal as control characters."""
    said = {"error": "invalid_grant", "error_description": "a\x1b[2Jb\x07"}
    with authority.answer(400, said):
        done = command("doctor", keyfile, "--token-endpoint", endpoint, "--scope", "read")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", done.out)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_width(keyfile, width):
    """At a terminal no line but a command is wider than it."""
    pty = pytest.importorskip("pty")
    options = ["--issuer", "robot", "--token-endpoint", "https://oauth2.googleapis.com/token", "--offline"]
    reader, writer = pty.openpty()
    subprocess.run(
        [sys.executable, "-m", "sa_auth", "doctor", str(keyfile), *options], stdout=writer, stderr=writer, check=False,
        env={**os.environ, "COLUMNS": str(width), "NO_COLOR": "1", "TERM": "xterm"},
    )  # fmt: skip
    os.close(writer)
    shown = os.read(reader, 100_000).decode()
    os.close(reader)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()
    assert max(map(len, lines)) <= width, shown
    assert any(line.startswith(" " * 14 + line.strip()[:1]) for line in lines if line.strip()) or width == 120


def test_an_old_terminal(keyfile):
    """Where the signs cannot be written, others are."""
    done = subprocess.run(
        [sys.executable, "-m", "sa_auth", "doctor", str(keyfile), "--offline"], capture_output=True, check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert done.stdout.startswith(b"+ file")
    assert b"Traceback" not in done.stderr
