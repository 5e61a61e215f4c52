"""What the REST exchange answers: a token under names of the service's own.

Source: RFC 3339 section 5.6 for the time.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any


def answer_of(names: Mapping[str, str], token: str, expires_at: float, lifetime: float) -> dict[str, Any]:
    """Writes the answer.

    Args:
        names: Where each of "token", "expires_at" and "expires_in" stands, as a dotted path; what has no name is left
            out.
        token: The token.
        expires_at: Unix seconds.
        lifetime: Seconds.

    Example:
        >>> answer_of({"token": "auth.token", "expires_at": "auth.until"}, "abc", 0.0, 60.0)
        {'auth': {'token': 'abc', 'until': '1970-01-01T00:00:00Z'}}
    """
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires_at))
    values: dict[str, Any] = {"token": token, "expires_at": at, "expires_in": int(lifetime)}
    answer: dict[str, Any] = {}
    for name, path in names.items():
        *outer, last = path.split(".")
        place = answer
        for step in outer:
            place = place.setdefault(step, {})
        place[last] = values[name]
    return answer
