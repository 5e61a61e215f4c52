"""Processes on paper: credentials with a memory of their own each, over one folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sa_auth import ServiceAccountCredentials, events, slot
from sa_auth.caches import FileCache
from sa_auth.testing import Authority, ManualClock
from tests.flow.kit import PRIVATE, PUBLIC, eventually


@pytest.fixture
def authority(sa_clock: ManualClock) -> Authority:
    """An authority in process, which knows "robot" by its key and "app" by its secret."""
    made = Authority(clock=sa_clock)
    made.register("robot", PUBLIC)
    made.register("app", client_secret="canary-secret", redirect_uris="https://app.example/cb")
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the file caches of a test are."""
    return tmp_path / "cache"


@pytest.fixture
def process(authority: Authority, sa_clock: ManualClock, folder: Path) -> Callable[..., ServiceAccountCredentials]:
    """Makes credentials as a process of its own has them: with a memory of its own over the same folder."""

    def credentials(key: Any = PRIVATE, **changes: Any) -> ServiceAccountCredentials:
        given = {
            "issuer": "robot", "token_endpoint": authority.token_endpoint, "transport": authority.transport(),
            "clock": sa_clock, "cache": FileCache(folder), **changes,
        }  # fmt: skip
        return ServiceAccountCredentials(key, **given)

    return credentials


@pytest.fixture
def counts() -> Iterator[events.Counts]:
    """What is told during the test, and not by a renewal that an earlier one left behind."""
    eventually(lambda: not slot._crew._running)
    made = events.Counts()
    stop = events.listen(made)
    yield made
    stop()
