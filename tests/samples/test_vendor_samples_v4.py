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


def test_a_statement_at_snowflake(tmp_path: Path) -> None:
    """One statement is one call, with the JWT itself as the token."""
    private, public = new_key("rsa2048")
    write(tmp_path / "rsa_key.p8", private)
    authority = Authority(dialect="snowflake")
    name = "MYORG-MYACCOUNT.ROBOT"
    authority.register(f"{name}.SHA256:{fingerprint_of(from_pem(private).public_jwk())}", public, subjects=name)
    with authority.serve() as server:
        shown = run("snowflake.py", str(tmp_path / "rsa_key.p8"), "myorg-myaccount", "robot", "select 1",
                    "--url", server.api_url)  # fmt: skip
    assert "'path': '/api/api/v2/statements'" in shown
    assert (authority.exchanges, authority.api.calls) == (0, 1)


def test_snowflakes_no(tmp_path: Path) -> None:
    """A key that Snowflake does not know ends in its own words and a status that is not 0."""
    write(tmp_path / "rsa_key.p8", new_key("rsa2048")[0])
    with Authority(dialect="snowflake").serve() as server:
        arguments = [str(tmp_path / "rsa_key.p8"), "myorg-myaccount", "robot", "select 1", "--url", server.api_url]
        done = subprocess.run(
            [sys.executable, str(SAMPLES / "snowflake.py"), *arguments], capture_output=True, text=True, timeout=50
        )
    assert done.returncode == 1
    assert done.stdout.startswith("401: 390144 JWT token is invalid.")
