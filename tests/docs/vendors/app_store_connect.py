"""App Store Connect's key file, whose name holds the id of the key."""

from __future__ import annotations

from pathlib import Path

from sa_auth.testing import new_key

from . import write


def make(folder: Path, private: str) -> None:
    """Makes `AuthKey_2X9R4HXF34.p8`, which is an EC key."""
    write(folder / "AuthKey_2X9R4HXF34.p8", new_key("p256")[0])
