"""Yandex Cloud's key file, as the management console gives it."""

from __future__ import annotations

import json
from pathlib import Path

from . import write


def make(folder: Path, private: str) -> None:
    """Makes `authorized_key.json`."""
    info = {
        "id": "lfkoe35hsk58aks301nl", "service_account_id": "ajepg0mjt06siua65usm", "key_algorithm": "RSA_2048",
        "created_at": "2026-01-01T00:00:00Z",
        "private_key": f"PLEASE DO NOT REMOVE THIS LINE! Yandex.Cloud SA Key ID <lfkoe35hsk58aks301nl>\n{private}",
    }  # fmt: skip
    write(folder / "authorized_key.json", json.dumps(info))
