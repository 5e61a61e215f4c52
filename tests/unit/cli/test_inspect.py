"""`sa-auth inspect`: what a file is, what is wrong with it, and all that is missing."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from sa_auth.keys import from_jwk
from sa_auth.keys.facts import certificate_pem
from sa_auth.keys.making import generate, private_pem, self_signed_certificate
from sa_auth.providers import PROVIDERS
from sa_auth.testing import new_key
from tests.docs.vendors import make_all

PRIVATE, PUBLIC = new_key("rsa2048")


def write(path: Path, content: str | bytes, mode: int = 0o600) -> Path:
    """Writes a file with these rights."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


@pytest.fixture
def pem(tmp_path):
    """A key alone."""
    return write(tmp_path / "robot.pem", PRIVATE)


def certified(tmp_path, days=365, made_days_ago=0):
    """A key with its certificate, in one file."""
    key = generate("rsa2048")
    certificate = self_signed_certificate(key, "robot", days, now=time.time() - made_days_ago * 86_400)
    return write(tmp_path / "both.pem", private_pem(key) + certificate_pem([certificate])), key, certificate


def whats(done):
    """The names of what is missing."""
    return [one["what"] for one in done.json["missing"]]


@pytest.fixture(scope="module")
def vendor_files(tmp_path_factory):
    """A key file of each vendor that has a format of its own."""
    folder = tmp_path_factory.mktemp("vendors")
    make_all(folder, PRIVATE)
    return folder


@pytest.mark.parametrize(
    ("name", "provider", "missing"),
    [
        ("authorized_key.json", "yandex", []),
        ("box_config.json", "box", []),
        ("gdch.json", "google_gdch", ["provider", "besides"]),
        ("pool.json", "google_workload_identity", ["provider", "scope"]),
        ("service-key.json", "sap_xsuaa", []),
        ("okta-key.json", None, ["provider"]),
        ("AuthKey_2X9R4HXF34.p8", None, ["provider"]),
    ],
)
def test_vendor_files(command, vendor_files, name, provider, missing):
    """Each vendor's file is known for what it is, without being told and without any network."""
    done = command("inspect", vendor_files / name, "--json")
    assert (done.code, done.err) == (0, "")
    assert done.json["provider"] == provider
    assert whats(done) == missing
    assert "PRIVATE" not in done.out


def test_google(command, keyfile):
    """Of a whole file the vendor, issuer, endpoint and key are named, and the scope alone is missing."""
    done = command("inspect", keyfile)
    assert done.code == 1  # its endpoint is plain http, as this test's is
    assert "Google service accounts (google)" in done.out
    assert "robot@demo.iam.gserviceaccount.com" in done.out
    assert "RSA 2048" in done.out
    assert [one["what"] for one in command("inspect", keyfile, "--json").json["missing"]] == ["scope"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_all_that_is_missing(command, pem, provider):
    """Of a key alone everything that a provider's data ask for is listed at once, with an option and a hint."""
    done = command("inspect", pem, "--provider", provider, "--json")
    vendor, found = PROVIDERS[provider], whats(done)
    assert ("subject" in found) == (vendor.subject in {"required", "address"})
    assert ("scope" in found) == (vendor.scope_needed or vendor.scope_claim == "always")
    assert ("key id" in found) == vendor.key_id
    assert ("certificate" in found) == vendor.certificate
    assert all(one["hint"] for one in done.json["missing"])
    assert done.json["console"] == (vendor.page.console or None)
    kinds = {fault["code"] for fault in done.json["faults"]}
    wrong = "bad_algorithm" if vendor.algorithms and not _takes_rsa(vendor) else "key_too_small"
    assert kinds == ({wrong} if wrong == "bad_algorithm" or vendor.rsa_bits > 2048 else set())
    assert done.code == (1 if kinds else 0)


def _takes_rsa(vendor):
    return any(name[:2] in {"RS", "PS"} for name in vendor.algorithms)


def test_where_to_get_it(command, pem):
    """What is missing stands with its option, the vendor's own hint, and the console's words."""
    done = command("inspect", pem, "--provider", "snowflake")
    assert "--subject  It is the user's LOGIN_NAME" in done.out
    assert "Where to get it: The account identifier" in done.out
    assert "`" not in done.out


def test_standard_input(command, monkeypatch):
    """A key that comes through a pipe is looked into as well."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(PRIVATE.encode())))
    done = command("inspect", "-", "--json")
    assert done.code == 0
    assert done.json["key"]["kind"] == "RSA 2048"
    assert done.json["mode"] is None


def test_nothing_on_standard_input(command, monkeypatch):
    """An empty pipe is said to be one."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    done = command("inspect", "-")
    assert done.code == 2
    assert "in what came by standard input" in done.err


def test_jwk(command, tmp_path):
    """A JWK says its key id, and what algorithm it is for."""
    key = generate("p256").private_key.private_numbers()
    from sa_auth._encoding import b64url

    numbers = key.public_numbers
    jwk = {"kty": "EC", "crv": "P-256", "kid": "one", **{
        name: b64url(value.to_bytes(32, "big")) for name, value in
        (("x", numbers.x), ("y", numbers.y), ("d", key.private_value))}}  # fmt: skip
    assert from_jwk(jwk).key_id == "one"
    done = command("inspect", write(tmp_path / "key.jwk", json.dumps(jwk)), "--json")
    assert (done.json["key_id"], done.json["key"]["algorithms"]) == ("one", ["ES256"])
    assert jwk["d"] not in done.out


def test_pfx(command, tmp_path, monkeypatch):
    """A PFX opens by the password in a variable, and shows its certificate's thumbprints."""
    key = generate("rsa2048")
    certificate = self_signed_certificate(key, "robot", 365)
    data = serialize_key_and_certificates(
        b"x", key.private_key, certificate, None, BestAvailableEncryption(b"a secret")
    )
    path = write(tmp_path / "robot.pfx", data)
    monkeypatch.setenv("KEY_PASSWORD", "a secret")
    done = command("inspect", path, "--password-env", "KEY_PASSWORD", "--provider", "entra", "--json")
    assert done.code == 0
    (leaf,) = done.json["certificates"]
    assert leaf["subject"] == "CN=robot"
    assert len(leaf["x5t_s256"]) == 43
    assert "certificate" not in whats(done)
    assert "a secret" not in done.out


def test_encrypted_without_a_password(command, tmp_path):
    """An encrypted key is no use without its password, and the option for it is named."""
    path = write(tmp_path / "robot.pem", private_pem(generate("p256"), "a secret"))
    done = command("inspect", path)
    assert done.code == 2
    assert done.err.startswith("password_missing: ")
    assert "--password-env" in done.err


@pytest.mark.parametrize(("days", "code", "said"), [(-10, 1, "expired 10 days ago"), (20, 0, "expires in 19 days")])
def test_dates(command, tmp_path, days, code, said):
    """A certificate that is over is wrong, and one that soon will be is marked."""
    path, _, _ = certified(tmp_path, days=100, made_days_ago=100 - days)
    done = command("inspect", path)
    assert done.code == code
    assert said in done.out
    assert done.err == ""


def test_escaped_line_ends(command, tmp_path, pem):
    """A key whose line ends were copied as backslash and n is read, and the command that mends the file is there."""
    path = write(tmp_path / "escaped.pem", pem.read_text().replace("\n", "\\n"))
    done = command("inspect", path, "--json")
    (note,) = done.json["warnings"]
    assert (done.code, note["code"], "escaped.mended.pem" in note["hint"]) == (0, "escaped_newlines", True)
    assert "Note: The key's line ends are written as \\n." in command("inspect", path).out


def test_not_yet_valid(command, tmp_path):
    """A certificate of tomorrow is wrong today."""
    path, _, _ = certified(tmp_path, days=100, made_days_ago=-2)
    done = command("inspect", path)
    assert done.code == 1
    assert "not valid yet" in done.out


def test_a_certificate_alone(command, tmp_path):
    """A certificate alone is shown, with word that the private key is missing and where it is."""
    _, _, certificate = certified(tmp_path)
    done = command(
        "inspect", write(tmp_path / "cert.pem", certificate_pem([certificate]), 0o644), "-p", "entra", "--json"
    )
    assert done.code == 0
    assert done.json["what"] == "a certificate without its private key"
    assert whats(done)[0] == "private key"
    assert done.json["certificates"][0]["subject"] == "CN=robot"
    assert done.json["fingerprint"]


def test_a_certificate_in_der(command, tmp_path):
    """The same holds of its bytes."""
    _, _, certificate = certified(tmp_path)
    done = command("inspect", write(tmp_path / "cert.der", certificate.public_bytes(Encoding.DER)), "--json")
    assert (done.code, done.json["what"]) == (0, "a certificate without its private key")
    assert done.json["certificates"]


def test_a_public_key_alone(command, tmp_path):
    """A public key alone says that its other half is missing."""
    done = command("inspect", write(tmp_path / "public.pem", PUBLIC))
    assert done.code == 0
    assert "a public key alone" in done.out
    assert "private key" in done.out


def test_a_certificate_beside_it(command, tmp_path):
    """A certificate from another file is looked at with the key."""
    _, key, certificate = certified(tmp_path)
    path = write(tmp_path / "key.pem", private_pem(key))
    beside = write(tmp_path / "cert.pem", certificate_pem([certificate]))
    done = command("inspect", path, "--certificate", beside, "--json")
    assert done.json["certificates"][0]["subject"] == "CN=robot"


@pytest.mark.parametrize(
    ("info", "said"),
    [
        ({"installed": {}}, "an OAuth client"),
        ({"type": "authorized_user"}, "a person's login"),
        ({"a": 1}, "no known kind"),
    ],
)
def test_no_key_file(command, tmp_path, info, said):
    """A file that is no service account's key is called what it is."""
    done = command("inspect", write(tmp_path / "client.json", json.dumps(info)))
    assert done.code == 2
    assert said in done.err


@pytest.mark.parametrize(("mode", "said"), [(0o644, "read by others"), (0o666, "changed by others")])
def test_rights(command, tmp_path, mode, said):
    """Rights that let others in are wrong, and the command that mends them is named."""
    path = write(tmp_path / "robot.pem", PRIVATE, mode)
    done = command("inspect", path, "--json")
    assert done.code == 1
    (fault,) = done.json["faults"]
    assert said in fault["message"]
    assert f"chmod 600 {path}" in fault["hint"]
    assert done.json["mode"] == f"{mode:04o}"


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"{", b"-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----"]
)
def test_unreadable(command, tmp_path, content):
    """What cannot be read costs one sentence and the code 2."""
    done = command("inspect", write(tmp_path / "key.pem", content))
    assert (done.code, done.out) == (2, "")
    assert "Traceback" not in done.err
    assert "key.pem" in done.err


def test_a_folder(command, tmp_path):
    """A folder is no key file."""
    done = command("inspect", tmp_path)
    assert done.code == 2
    assert "not a regular file" in done.err


def test_a_secret_that_proves_the_client(command, tmp_path):
    """A file with a client secret in place of a key lacks no key."""
    info = {
        "clientid": "sb-orders!t1", "clientsecret": "hush-hush", "url": "https://acme.authentication.eu10.hana.ondemand.com",
        "uaadomain": "authentication.eu10.hana.ondemand.com",
    }  # fmt: skip
    done = command("inspect", write(tmp_path / "key.json", json.dumps(info)), "--json")
    assert (done.code, done.json["provider"], whats(done)) == (0, "sap_xsuaa", [])
    assert "hush-hush" not in done.out


def test_a_strangers_name(command, tmp_path):
    """Nothing in a certificate's name reaches the terminal as a control."""
    key = generate("p256")
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    made = self_signed_certificate(key, "robot", 10)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "red\x1b[31m")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(5)
    builder = builder.not_valid_before(made.not_valid_before_utc).not_valid_after(made.not_valid_after_utc)
    strange = builder.public_key(key.private_key.public_key()).sign(key.private_key, hashes.SHA256())
    done = command("inspect", write(tmp_path / "both.pem", private_pem(key) + certificate_pem([strange])))
    assert "\x1b" not in done.out


def test_snowflakes_fingerprint(command, pem):
    """The fingerprint is the one that Snowflake shows: SHA-256 of the public key."""
    import base64
    import hashlib

    public = load_pem_private_key(PRIVATE.encode(), None).public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    expected = base64.b64encode(hashlib.sha256(der).digest()).decode()
    assert command("inspect", pem, "--json").json["fingerprint"] == f"SHA256:{expected}"


def test_no_such_certificate(command, pem, tmp_path):
    """A certificate's file that is not there is the one that is named."""
    done = command("inspect", pem, "--certificate", tmp_path / "none.pem")
    assert done.code == 2
    assert "none.pem" in done.err
    assert "robot.pem" not in done.err
