"""A key file of Google Distributed Cloud, as its console gives it."""

from __future__ import annotations

import json
from pathlib import Path

from sa_auth.testing import new_key

from . import write


def make(folder: Path, private: str) -> None:  # noqa: ARG001 - its keys are elliptic
    """Makes `gdch.json`."""
    info = {
        "type": "gdch_service_account", "format_version": "1", "project": "demo", "name": "robot", "private_key_id": "k1",
        "private_key": new_key("p256")[0], "token_uri": "https://service-identity.gdch.example/authenticate",
    }  # fmt: skip
    write(folder / "gdch.json", json.dumps(info))
