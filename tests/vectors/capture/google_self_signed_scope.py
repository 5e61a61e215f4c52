"""google-auth: a token that the key signs itself, for scopes."""

from __future__ import annotations

from typing import Any

from tests.vectors.capture.google import SCOPES
from tests.vectors.capture.google_self_signed import signed


def capture() -> dict[str, Any]:
    """The token that google-auth makes."""
    return signed(scopes=SCOPES)
