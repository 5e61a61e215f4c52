"""What the tests of samples share: whatever a worker system changes or a cache opens, it does for its own test alone."""

from __future__ import annotations

import copyreg
from collections.abc import Iterator

import pytest

from tests.servers import closed_connections

__all__ = ["closed_connections"]


@pytest.fixture(autouse=True)
def own_ways_of_pickling() -> Iterator[None]:
    """Takes back what importing `distributed` does: from then on every exception would be copied with its traceback."""
    before = dict(copyreg.dispatch_table)
    yield
    copyreg.dispatch_table.clear()
    copyreg.dispatch_table.update(before)
