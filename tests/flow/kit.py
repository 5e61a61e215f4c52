"""What the files of flows share: a key, the error that comes of a call, threads at once, and a site beside the server.

Stands on the local authority; the fixtures that make use of it are in `conftest.py`.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from sa_auth import SaAuthError, ServiceAccountCredentials
from sa_auth.testing import Authority, Server, new_key
from sa_auth.wire import Request, Response

PRIVATE, PUBLIC = new_key("p256")
LIFE = 3600.0
STALE, EXPIRED, OVER = 3400.0, 3571.0, LIFE  # seconds into that life by which a token surely is the one or the other


def fails(creds: ServiceAccountCredentials) -> SaAuthError:
    """The error that comes of asking for a token."""
    with pytest.raises(SaAuthError) as caught:
        creds.token()
    return caught.value


def herd(count: int, call: Callable[[], Any], *, within: float = 30.0) -> list[Any]:
    """Calls from so many threads at the same moment, and gives what each got: a value or an error."""
    barrier = threading.Barrier(count)
    outcomes: list[Any] = []

    def run() -> None:
        barrier.wait(within)
        try:
            outcomes.append(call())
        except BaseException as error:
            outcomes.append(error)

    threads = [threading.Thread(target=run, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    ends_at = time.monotonic() + within
    for thread in threads:
        thread.join(max(0.0, ends_at - time.monotonic()))
    assert len(outcomes) == count, "somebody is still waiting"
    return outcomes


def eventually(condition: Callable[[], object], *, within: float = 10.0) -> None:
    """Waits until something holds."""
    ends_at = time.monotonic() + within
    while not condition():
        assert time.monotonic() < ends_at, "it did not come to that"
        time.sleep(0.002)


class Site:
    """What answers beside the token endpoint and the API: a few paths for the tests, and all that came in there."""

    def __init__(self, authority: Authority) -> None:
        self.seen: list[Request] = []
        self.answers: dict[str, list[Response]] = {}
        paths = ("/echo", "/away", "/near", "/planned")
        self.server = Server(authority, routes=dict.fromkeys(paths, self.answer))
        self.url = self.server.url

    def plan(self, path: str, *answers: Response) -> str:
        """Gives these answers there, one after another, and then the echo; gives the URL."""
        self.answers[path] = list(answers)
        return f"{self.url}{path}"

    def answer(self, request: Request) -> Response:
        """The planned answer, or the request's header fields as JSON."""
        self.seen.append(request)
        planned = self.answers.get(request.url)
        if planned:
            return planned.pop(0)
        return Response(200, {"content-type": "application/json"}, json.dumps(dict(request.headers)).encode())
