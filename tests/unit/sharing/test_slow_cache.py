"""A cache that is slow: it costs sharing, and no call."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sa_auth._clock import SYSTEM
from sa_auth.caches import FileCache, Record
from sa_auth.testing import Authority
from tests.unit.sharing.kit import warnings_of


class Slow(FileCache):
    """Takes as long for each act as it is told."""

    pause = 0.0

    def get(self, name: str) -> Record | None:
        time.sleep(self.pause)
        return super().get(name)

    def put(self, name: str, data: bytes, seconds: float, *, over: bytes | None) -> bool:
        time.sleep(self.pause)
        return super().put(name, data, seconds, over=over)

    def take(self, name: str, seconds: float, *, lasts: float = 0.0) -> Any:
        time.sleep(self.pause)
        return super().take(name, seconds, lasts=lasts)


@pytest.fixture
def sa_clock() -> Any:
    """The system's: what is tested is that time goes by."""
    return SYSTEM


@pytest.mark.parametrize("timeout", [0.6, 1.0, 1.5, 2.0, 3.0])
def test_it_leaves_time_for_the_exchange(
    process: Callable[..., Any], authority: Authority, folder: Path, caplog: pytest.LogCaptureFixture, timeout: float
) -> None:
    """Whatever time a cache takes, half of that for an exchange is left for it; the log says that the cache is too slow."""
    cache = Slow(folder)
    cache.pause = 0.25
    assert process(cache=cache, timeout=timeout).token()
    assert authority.exchanges == 1
    said = warnings_of(caplog)
    if timeout < 2:
        assert re.search(
            rf"the file cache: it takes up to [\d.]+ s an act, too long within timeout={timeout:g};", said[0]
        )
    assert len(said) <= 1


def test_it_is_shared_where_there_is_time(process: Callable[..., Any], authority: Authority, folder: Path) -> None:
    """A slow cache is used all the same where there is time for both."""
    cache = Slow(folder)
    cache.pause = 0.25
    token = process(cache=cache, timeout=3.0).token()
    assert process(cache=FileCache(folder)).token().access_token == token.access_token
    assert authority.exchanges == 1
