"""The samples run as they stand, each in a process of its own, against the local authority."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sa_auth.testing import Authority, google_key_file, new_key

SAMPLES = Path(__file__).parents[2] / "samples"
EMAIL = "robot@demo.iam.gserviceaccount.com"


def run(name: str, *arguments: str, **variables: str) -> str:
    """Runs a sample and gives what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(SAMPLES / name), *arguments],
        capture_output=True,
        text=True,
        timeout=50,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **variables},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def served(tmp_path):
    """Google, served, which knows one service account; and that account's key file."""
    private, public = new_key("rsa2048")
    authority = Authority(dialect="google")
    authority.register(EMAIL, public)
    with authority.serve() as server:
        google_key_file(tmp_path / "key.json", email=EMAIL, private_key_pem=private, token_uri=server.token_endpoint)
        yield server, str(tmp_path / "key.json")


def test_batch_from_a_google_key_file(served):
    """A batch of calls on four threads costs one exchange."""
    server, path = served
    shown = run(
        "batch_google_key.py", path, f"{server.api_url}/files", "--calls", "40",
        "--token-endpoint", server.token_endpoint,
    )  # fmt: skip
    assert shown == "40 of 40 calls succeeded\n"
    assert server.authority.exchanges == 1
    assert server.authority.api.calls == 40


def test_many_users_with_one_key(served):
    """Three users cost three exchanges, however often they call."""
    server, path = served
    shown = run(
        "many_users.py", path, f"{server.api_url}/files", "a@example.com", "b@example.com", "c@example.com",
        "--token-endpoint", server.token_endpoint,
    )  # fmt: skip
    assert shown.count(" 200\n") == 6
    assert server.authority.exchanges == 3
    assert {record.claims["sub"] for record in server.authority.requests} == {
        "a@example.com", "b@example.com", "c@example.com",
    }  # fmt: skip


def test_batch_from_a_pfx(tmp_path):
    """A PFX file signs in, and the certificate's thumbprint stands in the assertion's header."""
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key
    from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

    key = load_pem_private_key(new_key("p256")[0].encode(), None)
    certificate = self_signed(key)
    path = tmp_path / "robot.pfx"
    path.write_bytes(serialize_key_and_certificates(b"robot", key, certificate, None, BestAvailableEncryption(b"pw")))
    path.chmod(0o600)
    authority = Authority()
    authority.register("client-7", key.public_key())
    with authority.serve() as server:
        shown = run("batch_pfx.py", str(path), "client-7", server.token_endpoint, f"{server.api_url}/orders",
                    PFX_PASSWORD="pw")  # fmt: skip
    assert shown.count(" 200\n") == 10
    assert authority.exchanges == 1
    assert "x5t#S256" in authority.requests[0].header


def self_signed(key):
    """A certificate of the key by the key."""
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import NameOID

    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "robot")])
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .sign(key, hashes.SHA256())
    )
