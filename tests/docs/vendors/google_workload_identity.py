"""Google's configuration of a workload identity pool, as the console gives it."""

from __future__ import annotations

import json
from pathlib import Path

from . import write

POOL = "//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/pool/providers/cluster"


def make(folder: Path, private: str) -> None:  # noqa: ARG001 - it holds no key
    """Makes `pool.json`."""
    info = {
        "type": "external_account", "audience": POOL, "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token", "credential_source": {"file": "/var/run/token"},
    }  # fmt: skip
    write(folder / "pool.json", json.dumps(info))
