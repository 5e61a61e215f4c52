"""The sample for Docusign runs as it stands, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sa_auth.testing import Authority, new_key
from tests.docs.vendors import write
from tests.samples.test_samples import SAMPLES, run
from tests.vectors.capture import Got, recording

APP, USER = "5c2b8d7e-1f6a-4a7e-9c53-2f6f1d0e8a11", "8f3a1c20-6b7d-4e55-a1c4-90d2e7b6f314"


def test_a_user_who_consented(tmp_path: Path) -> None:
    """One exchange, judged by Docusign's rules, and one call with its token."""
    private, public = new_key("rsa2048")
    write(tmp_path / "private.key", private)
    authority = Authority(dialect="docusign")
    authority.register(APP, public, subjects=USER)
    with authority.serve() as server:
        shown = run("docusign.py", str(tmp_path / "private.key"), APP, USER, "--server", server.url,
                    "--userinfo", f"{server.api_url}/userinfo")  # fmt: skip
    assert shown == "user 200\n"
    assert (authority.exchanges, authority.api.calls) == (1, 1)
    assert authority.requests[0].claims["scope"] == "signature impersonation"


def test_its_envelopes(tmp_path: Path) -> None:
    """Each account is asked where Docusign says that its API is, with the same token."""
    write(tmp_path / "private.key", new_key("rsa2048")[0])

    def answer(got: Got) -> Mapping[str, Any]:
        here = {"account_id": "a1", "account_name": "Acme", "base_uri": f"http://{got.headers['host']}"}
        return {
            "access_token": "t",
            "token_type": "Bearer",
            "expires_in": 3600,
            "accounts": [here],
            "totalSetSize": "3",
        }

    with recording(answer) as server:
        shown = run("docusign.py", str(tmp_path / "private.key"), APP, USER, "--server", server.url)
    assert shown == "user 200\nAcme: 3\n"
    paths = [got.path.partition("?")[0] for got in server.requests]
    assert paths == ["/oauth/token", "/oauth/userinfo", "/restapi/v2.1/accounts/a1/envelopes"]
    assert {got.headers["authorization"] for got in server.requests[1:]} == {"Bearer t"}


def test_a_user_who_did_not(tmp_path: Path) -> None:
    """Without consent the sample ends with the address that the user opens, and a status that is not 0."""
    private, public = new_key("rsa2048")
    write(tmp_path / "private.key", private)
    authority = Authority(dialect="docusign")
    authority.register(APP, public, subjects="nobody")
    with authority.serve() as server:
        done = subprocess.run(
            [sys.executable, str(SAMPLES / "docusign.py"), str(tmp_path / "private.key"), APP, USER, "--server", server.url],
            capture_output=True, text=True, timeout=50,
        )  # fmt: skip
    assert done.returncode == 1
    assert "/oauth/auth?response_type=code&scope=signature%20impersonation" in done.stderr
