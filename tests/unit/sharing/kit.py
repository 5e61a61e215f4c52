"""What the tests of sharing share: a cache of the caller's own, and what is seen of one."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from sa_auth import ServiceAccountCredentials
from sa_auth.caches import Record
from tests.flow.kit import eventually

OWN_KEY = "k" * 40


def settled(creds: ServiceAccountCredentials) -> ServiceAccountCredentials:
    """Waits until nothing is under way."""
    eventually(lambda: creds._source._slot.flight is None)
    return creds


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The warnings so far."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def place_of(folder: Path) -> Path:
    """The only record."""
    (place,) = folder.glob("*.token")
    return place


class Store:
    """A cache of the caller's own, which does as it is told."""

    tier = "mine"
    key = None

    def __init__(self, error: BaseException | None = None) -> None:
        self.error, self.kept, self.calls = error, {}, []  # type: ignore[var-annotated]

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.error is not None:
            raise self.error

    def get(self, name: str) -> Record | None:
        self._call("get")
        return self.kept.get(name)

    def put(self, name: str, data: bytes, seconds: float, *, over: bytes | None) -> bool:
        self._call("put")
        self.kept[name] = Record(data, seconds)
        return True

    def discard(self, name: str, data: bytes) -> None:
        self._call("discard")
        self.kept.pop(name, None)

    def take(self, name: str, seconds: float, *, lasts: float) -> Any:
        self._call("take")
        return self

    def release(self) -> None:
        self.calls.append("release")
