"""The samples for Snowflake and SMART on FHIR run as they stand, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sa_auth.keys import from_pem
from sa_auth.keys.spki import fingerprint_of
from sa_auth.testing import Authority, new_key
from tests.docs.vendors import write
from tests.samples.test_samples import SAMPLES, run
from tests.vectors.capture import recording


def ended(name: str, *arguments: str) -> tuple[int, str]:
    """Runs a sample that does not succeed, and gives its status and what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(SAMPLES / name), *arguments], capture_output=True, text=True, timeout=50
    )
    return done.returncode, done.stdout


def test_a_statement_at_snowflake(tmp_path: Path) -> None:
    """One statement is one call, with the JWT itself as the token."""
    private, public = new_key("rsa2048")
    write(tmp_path / "rsa_key.p8", private)
    authority = Authority(dialect="snowflake")
    name = "MYORG-MYACCOUNT.ROBOT"
    authority.register(f"{name}.SHA256:{fingerprint_of(from_pem(private).public_jwk())}", public, subjects=name)
    with authority.serve() as server:
        shown = run("snowflake_sql_api.py", str(tmp_path / "rsa_key.p8"), "myorg-myaccount", "robot", "select 1",
                    "--url", server.api_url)  # fmt: skip
    assert "'path': '/api/api/v2/statements'" in shown
    assert (authority.exchanges, authority.api.calls) == (0, 1)


def test_snowflakes_no(tmp_path: Path) -> None:
    """A key that Snowflake does not know ends in its own words and a status that is not 0."""
    write(tmp_path / "rsa_key.p8", new_key("rsa2048")[0])
    with Authority(dialect="snowflake").serve() as server:
        code, shown = ended("snowflake_sql_api.py", str(tmp_path / "rsa_key.p8"), "myorg-myaccount", "robot", "select 1",
                            "--url", server.api_url)  # fmt: skip
    assert code == 1
    assert shown.startswith("401: 390144 JWT token is invalid.")


def test_a_page_of_patients(tmp_path: Path) -> None:
    """With the token endpoint known, one exchange and one call read a page."""
    private, public = new_key("p384")
    write(tmp_path / "key.pem", private)
    authority = Authority(dialect="smart")
    authority.register("my-client-id", public, key_id="k1")
    with authority.serve() as server:
        shown = run("smart_backend.py", str(tmp_path / "key.pem"), "my-client-id", f"{server.api_url}/r4", "--key-id", "k1",
                    "--token-endpoint", server.token_endpoint)  # fmt: skip
    assert shown == "Patient 200\n"
    assert authority.requests[0].form["scope"] == "system/Patient.rs"
    assert (authority.exchanges, authority.api.calls) == (1, 1)


def test_where_smart_has_its_token_endpoint(tmp_path: Path) -> None:
    """Without it the address in the server's configuration is shown, and nothing is signed."""
    with recording({"token_endpoint": "https://auth.example/token"}) as server:
        code, shown = ended("smart_backend.py", str(tmp_path / "none.pem"), "my-client-id", f"{server.url}/r4")
    assert code == 2
    assert "--token-endpoint https://auth.example/token" in shown
    assert [got.path for got in server.requests] == ["/r4/.well-known/smart-configuration"]
