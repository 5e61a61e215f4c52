"""The sample for Google workload identity federation runs as it stands, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt

from sa_auth.testing import Authority, new_key
from tests.docs.vendors import write
from tests.samples.test_samples import SAMPLES, run

POOL = "//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/pool/providers/idp"
PRIVATE, PUBLIC = new_key("rsa2048")


def config(folder: Path, source: Mapping[str, Any], issuer: str = "https://idp.example") -> str:
    """The file of a pool, whose source is a file with a token unless said otherwise."""
    now = int(time.time())
    claims = {"iss": issuer, "sub": "job", "aud": f"https:{POOL}", "iat": now, "exp": now + 300}
    write(folder / "token", jwt.encode(claims, PRIVATE, algorithm="RS256"))
    told = {
        "type": "external_account", "audience": POOL, "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token", "credential_source": source,
    }  # fmt: skip
    write(folder / "pool.json", json.dumps(told))
    return str(folder / "pool.json")


def test_buckets(tmp_path: Path) -> None:
    """The other side's token, from a file, is exchanged once by Google's rules, and the API called once."""
    authority = Authority(dialect="google_workload_identity")
    authority.register("https://idp.example", PUBLIC)
    with authority.serve() as server:
        shown = run("google_workload_identity.py", config(tmp_path, {"file": str(tmp_path / "token")}), "demo",
                    "--token-endpoint", f"{server.url}/v1/token", "--api", f"{server.api_url}/b")  # fmt: skip
    assert shown == "buckets 200\n"
    assert (authority.exchanges, authority.api.calls) == (1, 1)


def test_a_no(tmp_path: Path) -> None:
    """An issuer that the pool does not trust ends the sample with what to compare, and a status that is not 0."""
    authority = Authority(dialect="google_workload_identity")
    authority.register("https://idp.example", PUBLIC)
    path = config(tmp_path, {"file": str(tmp_path / "token")}, issuer="https://other.example")
    with authority.serve() as server:
        done = subprocess.run(
            [sys.executable, str(SAMPLES / "google_workload_identity.py"), path, "demo",
             "--token-endpoint", f"{server.url}/v1/token"],
            capture_output=True, text=True, timeout=50,
        )  # fmt: skip
    assert done.returncode == 1
    assert "Not signed in." in done.stderr
    assert "https://other.example" in done.stderr
