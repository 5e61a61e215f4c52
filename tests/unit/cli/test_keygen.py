"""`sa-auth keygen`: a key of the right kind, for its owner alone, and its public half in the vendor's form."""

from __future__ import annotations

import json
import os
import shlex
import stat

import pytest

from sa_auth import ServiceAccountCredentials
from sa_auth.keys import from_pem
from sa_auth.providers import PROVIDERS

UPLOADS = [name for name in PROVIDERS if PROVIDERS[name].page.upload]


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", UPLOADS)
def test_each_provider(command, tmp_path, name):
    """Each provider that takes a key made elsewhere gets one of a kind it takes, 0600, and its own form of the other half."""
    kind = ("--kind", "p256") if "ES256" in PROVIDERS[name].algorithms else ()  # quicker to make
    done = command("keygen", name, "--json", *kind)
    assert (done.code, done.err) == (0, "")
    told, vendor = done.json, PROVIDERS[name]
    key = from_pem((tmp_path / told["private"]).read_text())
    assert not vendor.algorithms or set(key.algorithms) & set(vendor.algorithms)
    assert stat.S_IMODE(os.stat(told["private"]).st_mode) == 0o600
    public = (tmp_path / told["public"]).read_text()
    assert "PRIVATE" not in public
    if told["form"] == "jwks":
        (jwk,) = json.loads(public)["keys"]
        assert "d" not in jwk
        assert jwk["kid"] == told["key_id"] == key.thumbprint
    elif told["form"] == "certificate":
        assert key.certificates
        assert public.startswith("-----BEGIN CERTIFICATE-----")
    else:
        assert public == key.public_pem()
    assert told["console"] == vendor.page.console


@pytest.mark.parametrize("name", [name for name in PROVIDERS if name not in UPLOADS])
def test_those_that_make_their_own(command, tmp_path, name):
    """Where the vendor makes the keys, that is said, with the place, and nothing is written."""
    done = command("keygen", name)
    assert done.code == 2
    assert done.err.startswith("usage: ")
    assert not list(tmp_path.glob("*.pem"))


def test_it_signs_in_at_once(command):
    """The file with key and certificate is all that Entra's sign-in needs beside the ids."""
    command("keygen", "entra")
    creds = ServiceAccountCredentials.from_file(
        "entra.pem", provider="entra", issuer="11112222-bbbb-3333-cccc-4444dddd5555",
        server="https://login.microsoftonline.com/contoso.onmicrosoft.com/v2.0", scope="https://graph.microsoft.com/.default",
    )  # fmt: skip
    assert "entra" in repr(creds)


def test_the_next_step_is_a_command_line(command):
    """What is to be done then is a line of the shell that this program understands."""
    line = command("keygen", "smart", "--json", "--kind", "p384").json["next"]
    assert shlex.split(line)[:3] == ["sa-auth", "doctor", "smart.pem"]
    done = command(
        *shlex.split(line)[1:], "--token-endpoint", "http://127.0.0.1:9/x", "--timeout", "1", "--cache", "none"
    )
    assert done.code in {2, 3}
    assert "--" not in done.err.partition("\n")[0]


@pytest.mark.parametrize("existing", ["okta.pem", "okta.jwks.json"])
def test_nothing_is_overwritten(command, tmp_path, existing):
    """A file that is there stays as it is, and no half is left over."""
    (tmp_path / existing).write_text("mine")
    done = command("keygen", "okta", "--kind", "p256")
    assert done.code == 2
    assert f"{existing} is there already" in done.err
    assert (tmp_path / existing).read_text() == "mine"
    assert [path.name for path in tmp_path.glob("okta*")] == [existing]


def test_a_link_is_not_followed(command, tmp_path):
    """A link that leads to nothing yet is no place to write to."""
    (tmp_path / "okta.pem").symlink_to(tmp_path / "elsewhere")
    assert command("keygen", "okta", "--kind", "p256").code == 2
    assert not (tmp_path / "elsewhere").exists()


def test_out(command, tmp_path):
    """The private half goes to a file or folder of one's choice, the public half beside it."""
    (tmp_path / "keys").mkdir()
    assert command("keygen", "okta", "--kind", "p256", "--out", "keys").code == 0
    assert command("keygen", "okta", "--kind", "p256", "--out", "keys/robot.key").code == 0
    assert {path.name for path in (tmp_path / "keys").iterdir()} == {
        "okta.pem", "okta.jwks.json", "robot.key", "robot.jwks.json",
    }  # fmt: skip


def test_no_such_folder(command):
    """A folder that is not there is named."""
    done = command("keygen", "okta", "--kind", "p256", "--out", "nowhere/robot.pem")
    assert done.code == 2
    assert "nowhere" in done.err


def test_encrypted(command, tmp_path, monkeypatch):
    """With a password in a variable the private half is encrypted by it."""
    monkeypatch.setenv("NEW_PASSWORD", "a secret")
    done = command("keygen", "okta", "--kind", "p256", "--password-env", "NEW_PASSWORD")
    assert "encrypted" in done.out
    text = (tmp_path / "okta.pem").read_text()
    assert "ENCRYPTED PRIVATE KEY" in text
    assert from_pem(text, password="a secret").algorithm == "ES256"
    assert "a secret" not in done.out + done.err


def test_to_ask_takes_a_terminal(command, tmp_path):
    """--encrypt without a terminal says what to do instead, and makes nothing."""
    done = command("keygen", "okta", "--encrypt")
    assert done.code == 2
    assert "--password-env" in done.err
    assert not list(tmp_path.glob("okta*"))


def test_a_kind_that_the_vendor_does_not_take(command):
    """A kind that would be refused there is refused here, with those that are taken."""
    done = command("keygen", "snowflake", "--kind", "p256")
    assert done.code == 2
    assert "rsa2048, rsa3072, rsa4096" in done.err


def test_the_certificate_is_as_told(command):
    """Name and days of the certificate are those of the options."""
    told = command("keygen", "netsuite", "--kind", "p256", "--days", "30", "--subject", "my robot", "--json").json
    certificate = told["certificate"]
    assert certificate["subject"] == "CN=my robot"
    assert round((certificate["not_after"] - certificate["not_before"]) / 86_400) == 30


@pytest.mark.parametrize("option", [("--days", "0"), ("--subject", " "), ("--subject", "x" * 65)])
def test_a_bad_certificate(command, option):
    """A name or life that no certificate has costs one sentence."""
    done = command("keygen", "netsuite", "--kind", "p256", *option)
    assert done.code == 2
    assert "certificate" in done.err


def test_unknown_provider(command):
    """A provider that there is not is told those there are."""
    done = command("keygen", "oktaa")
    assert done.code == 2
    assert "okta" in done.err
