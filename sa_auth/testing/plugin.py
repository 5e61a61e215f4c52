"""Fixtures for pytest: an authority to sign in to, a clock to move, a key to sign with.

Rule: pytest loads this file in every run, so it imports nothing else until a fixture is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .authority import Authority
    from .clock import ManualClock
    from .server import Server


@pytest.fixture
def sa_clock() -> ManualClock:
    """A clock that stands still until the test moves it."""
    from .clock import ManualClock

    return ManualClock()


@pytest.fixture(scope="session")
def sa_key() -> tuple[str, str]:
    """An RSA key of 2048 bits as PEM: private, public. One for the whole run, as making one takes a moment."""
    from .keyfiles import new_key

    return new_key("rsa2048")


@pytest.fixture
def sa_authority(request: pytest.FixtureRequest) -> Authority:
    """An authority in this process, without a socket: `sa_authority.transport()` reaches it.

    It goes by `sa_clock` where the test asks for that one too, else by the system's clock.
    """
    from .authority import Authority

    if "sa_clock" in request.fixturenames:
        return Authority(clock=request.getfixturevalue("sa_clock"))
    return Authority()


@pytest.fixture
def sa_authority_http(sa_authority: Authority) -> Iterator[Server]:
    """The same authority over HTTP on loopback; its `authority` is `sa_authority`. Closed at the end of the test."""
    with sa_authority.serve() as server:
        yield server
