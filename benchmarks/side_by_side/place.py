"""The endpoint from the clients' side."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import requests

_numbers = itertools.count()


class Place:
    """A corner of the endpoint that nobody else uses."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/p{os.getpid()}-{next(_numbers)}"
        self.token_endpoint, self.api = f"{self._url}/token", f"{self._url}/files"

    def set(self, **settings) -> None:
        """Sets `delay` (seconds), `status`, or `fields` of the answer."""
        self._control(settings)

    def exchanges(self) -> int:
        """How often a token was asked for."""
        return self._control({})["exchanges"]

    def _control(self, settings: dict) -> dict:
        return requests.post(f"{self._url}/control", json=settings, timeout=10).json()


@contextmanager
def endpoint() -> Iterator[str]:
    """Starts the endpoint, and ends it; gives its URL."""
    command = [sys.executable, "-m", "benchmarks.side_by_side.endpoint"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait(10)
