"""What is decided inside Redis: how a script is told to it. What each decides is tried in `test_redis.py`."""

from __future__ import annotations

import hashlib

import pytest

from sa_auth.caches import redis_scripts
from sa_auth.caches.record import LARGEST
from sa_auth.caches.redis_scripts import GET, PUT, REMOVE, TAKE, Script


def test_a_script() -> None:
    """A script is its text without the space around it, the largest size filled in, and known by SHA-1, as Redis has it."""
    text = f"return {LARGEST} < {LARGEST}".encode()
    assert redis_scripts._script("\n return LARGEST < LARGEST\n") == Script(
        text, hashlib.sha1(text).hexdigest().encode()
    )


@pytest.mark.parametrize("script", [GET, PUT, REMOVE, TAKE])
def test_what_is_told(script: Script) -> None:
    """Every script is told whole: under the name that Redis computes of its text, and with no name left to fill in."""
    assert script.sha == hashlib.sha1(script.text).hexdigest().encode()
    assert b"LARGEST" not in script.text
    assert script.text == script.text.strip()
