"""The local authority in a process of its own, and credentials for it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from sa_auth import ServiceAccountCredentials
from sa_auth.testing import new_key


class Local:
    """What one served authority is asked and told."""

    def __init__(self, where: dict[str, str]) -> None:
        self.token_endpoint, self.api_url, self._control = (
            where["token_endpoint"], where["api_url"], where["control_url"],
        )  # fmt: skip
        self._session = requests.Session()
        self.private, public = new_key("rsa2048")
        self.tell(register={"issuer": "robot", "public_key": public})

    def tell(self, **orders) -> dict:
        """Steers the authority and gives its counters."""
        answer = self._session.post(self._control, json=orders, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def exchanges(self) -> int:
        """How many tokens it issued."""
        return self._session.get(self._control, timeout=30).json()["exchanges"]

    def credentials(self, key=None, **changes) -> ServiceAccountCredentials:
        """Credentials that sign in there."""
        arguments = {"issuer": "robot", "token_endpoint": self.token_endpoint, **changes}
        return ServiceAccountCredentials(key if key is not None else self.private, **arguments)


@contextmanager
def served(*options: str) -> Iterator[Local]:
    """Starts an authority, and ends it."""
    command = [sys.executable, "-m", "sa_auth.testing", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Local(json.loads(process.stdout.readline()))
        finally:
            process.stdin.close()
            process.wait(10)
