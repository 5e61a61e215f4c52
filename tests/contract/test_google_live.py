"""google-auth is asked again in every run: what it sends now is what the vectors hold."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pytest

pytest.importorskip("google.auth")

VECTORS = Path(__file__).parents[1] / "vectors" / "providers"
CAPTURES = sorted(path.stem for path in VECTORS.glob("google*.json"))


@pytest.mark.parametrize("name", CAPTURES)
def test_google_auth_sends_what_the_vector_holds(name: str) -> None:
    """The vendor's own library, captured on loopback now, sends what ours is compared with."""
    vector = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    assert import_module(f"tests.vectors.capture.{name}").capture()["seen"] == vector["seen"]
