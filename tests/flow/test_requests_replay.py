"""After a 401, over HTTP: one renewal, and the request once more with its whole body or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from sa_auth import ServiceAccountCredentials
from sa_auth.testing import Authority, ManualClock
from sa_auth.wire import Response
from tests.flow.kit import Site, herd


@pytest.fixture
def make(make_robot: Callable[..., ServiceAccountCredentials]) -> Callable[..., ServiceAccountCredentials]:
    """Makes credentials of an identity of their own."""
    return make_robot


CONTENT = bytes(range(256)) * 300


def file_at(folder: Path, position: int) -> Any:
    """An open file that was read so far."""
    (folder / "body").write_bytes(b"x" * position + CONTENT)
    opened = (folder / "body").open("rb")
    opened.seek(position)
    return opened


def in_memory(position: int) -> io.BytesIO:
    """A file in memory that was read so far."""
    body = io.BytesIO(b"x" * position + CONTENT)
    body.seek(position)
    return body


WHOLE: dict[str, Callable[[Path], dict[str, Any]]] = {
    "bytes": lambda _folder: {"data": CONTENT},
    "bytearray": lambda _folder: {"data": bytearray(CONTENT)},
    "text": lambda _folder: {"data": "grüße" * 1000},
    "form": lambda _folder: {"data": {"a": "b" * 5000}},
    "json": lambda _folder: {"json": {"a": ["b"] * 500}},
    "file": lambda folder: {"data": file_at(folder, 0)},
    "file at an offset": lambda folder: {"data": file_at(folder, 77)},
    "BytesIO": lambda _folder: {"data": in_memory(0)},
    "BytesIO at an offset": lambda _folder: {"data": in_memory(5)},
    "multipart": lambda folder: {"files": {"upload": file_at(folder, 0)}, "data": {"a": "b"}},
}


@pytest.mark.parametrize("name", WHOLE)
def test_replay_has_the_whole_body(
    name: str, session: requests.Session, site: Site, authority: Authority, tmp_path: Path
) -> None:
    """After a 401 the token is renewed once and the request sent once more, with the body it had from its beginning."""
    session.get(site.server.api_url, timeout=10)
    given = WHOLE[name](tmp_path)
    body = given.get("data")
    if name == "multipart":
        sent = None  # its boundary is random: the length must do, and that it is no other than the first
    elif hasattr(body, "read"):
        sent = CONTENT
    else:
        prepared: Any = requests.Request("POST", site.server.api_url, **given).prepare().body
        sent = prepared.encode() if isinstance(prepared, str) else bytes(prepared)
    authority.api.refuse_next(1)
    answer = session.post(f"{site.server.api_url}/upload", timeout=10, **given)
    for part in (body, *given.get("files", {}).values()):
        if hasattr(part, "close"):
            part.close()
    assert answer.status_code == 200
    assert [before.status_code for before in answer.history] == [401]
    received = answer.json()
    if sent is None:
        assert received["received"] == int(answer.request.headers["Content-Length"]) > len(CONTENT)
        sent = answer.request.body
    assert received["sha256"] == hashlib.sha256(sent).hexdigest()
    assert (received["received"], received["method"]) == (len(sent), "POST")
    assert (authority.exchanges, authority.api.refused) == (2, 1)


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
def test_replay_without_a_body(method: str, session: requests.Session, site: Site, authority: Authority) -> None:
    """A request without a body is simply sent again."""
    authority.api.refuse_next(1)
    answer = session.request(method, site.server.api_url, timeout=10)
    assert (answer.status_code, answer.json()["received"], authority.exchanges) == (200, 0, 2)


def generated() -> Iterator[bytes]:
    """A body that can be had once."""
    yield CONTENT[:1000]
    yield CONTENT[1000:]


class OneWay(io.RawIOBase):
    """A file that says it cannot be sought in."""

    def __init__(self) -> None:
        self.left = CONTENT

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part, self.left = self.left[: len(buffer)], self.left[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


class Liar(io.BytesIO):
    """A file whose seek does nothing once it was read."""

    read_once = False

    def read(self, size: int | None = -1) -> bytes:
        self.read_once = True
        return super().read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self.tell() if self.read_once else super().seek(offset, whence)


def pipe() -> Any:
    """The reading end of a pipe that somebody fills."""
    reading, writing = os.pipe()

    def fill() -> None:
        with os.fdopen(writing, "wb") as end:
            end.write(CONTENT)

    threading.Thread(target=fill, daemon=True).start()
    return os.fdopen(reading, "rb")


ONCE: dict[str, Callable[[], Any]] = {
    "generator": generated,
    "pipe": pipe,
    "file that cannot be sought in": lambda: io.BufferedReader(OneWay()),
    "file whose seek lies": lambda: Liar(CONTENT),
}


@pytest.mark.parametrize("name", ONCE)
def test_body_that_is_used_up(name: str, session: requests.Session, site: Site, authority: Authority) -> None:
    """A body that cannot be had again is not sent again, least of all empty: the caller gets the 401."""
    session.get(site.server.api_url, timeout=10)
    authority.api.refuse_next(1)
    body = ONCE[name]()
    answer = session.post(f"{site.server.api_url}/upload", data=body, timeout=10)
    assert (answer.status_code, answer.history) == (401, [])
    assert (authority.api.calls, authority.api.refused) == (1, 1)
    if hasattr(body, "close"):
        body.close()
    again = session.post(f"{site.server.api_url}/upload", data=generated(), timeout=10)
    assert again.json()["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert authority.exchanges == 2, "the token was renewed all the same, so the caller's next try succeeds"


@pytest.mark.parametrize("status", [400, 402, 403, 404, 407, 409, 429, 500, 502, 503])
def test_other_refusals_renew_nothing(status: int, session: requests.Session, site: Site, authority: Authority) -> None:
    """Only a 401 says something about the token."""
    url = site.plan("/planned", Response(status, {"www-authenticate": 'Bearer error="invalid_token"'}))
    answer = session.get(url, timeout=10)
    assert (answer.status_code, answer.history, len(site.seen)) == (status, [], 1)
    assert authority.exchanges == 1


def test_persistent_401(session: requests.Session, site: Site, authority: Authority, sa_clock: ManualClock) -> None:
    """An API that says 401 to the new token as well is answered with that 401; renewals stay 30 seconds apart."""
    authority.api.refuse_all = True
    first = session.get(site.server.api_url, timeout=10)
    assert (first.status_code, len(first.history), authority.exchanges) == (401, 1, 2)
    for _ in range(29):
        sa_clock.advance(1)
        answer = session.get(site.server.api_url, timeout=10)
        assert (answer.status_code, answer.history) == (401, [])
    assert authority.exchanges == 2
    sa_clock.advance(1)
    assert len(session.get(site.server.api_url, timeout=10).history) == 1
    assert authority.exchanges == 3


def test_401_while_the_endpoint_is_down(
    session: requests.Session, site: Site, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    """If the token cannot be renewed the caller gets the API's 401, no error of ours, and a log line."""
    session.get(site.server.api_url, timeout=10)
    authority.api.refuse_next(1)
    with authority.down(), caplog.at_level(logging.WARNING, "sa_auth"):
        answer = session.get(site.server.api_url, timeout=10)
    assert (answer.status_code, answer.history) == (401, [])
    assert caplog.records
    assert session.get(site.server.api_url, timeout=10).status_code == 200


def test_threads_with_the_same_refused_token(session: requests.Session, site: Site, authority: Authority) -> None:
    """Threads whose token was revoked all succeed after one renewal."""
    session.get(site.server.api_url, timeout=10)
    authority.revoke_all()
    authority.delay = 0.1

    def call() -> int:
        with requests.Session() as own:
            own.auth = session.auth
            return own.get(site.server.api_url, timeout=10).status_code

    assert herd(20, call) == [200] * 20
    assert authority.exchanges == 2


def test_answer_after_a_replay(session: requests.Session, site: Site) -> None:
    """The second answer stands in the first one's place: its request, its history, its cookies, its own hooks."""
    url = site.plan("/planned", Response(401, {"set-cookie": "sid=fresh; Path=/"}))
    heard = []
    answer = session.get(url, timeout=10, hooks={"response": lambda got, **_: heard.append(got.status_code)})
    assert answer.status_code == 200
    assert [before.status_code for before in answer.history] == [401]
    assert answer.request.headers["Authorization"] == f"Bearer {session.auth.token().access_token}"  # type: ignore[union-attr]
    assert answer.history[0].request.headers["Authorization"] != answer.request.headers["Authorization"]
    assert answer.json()["cookie"] == "sid=fresh", "what the first answer set comes along"
    assert session.cookies["sid"] == "fresh"
    assert heard


def test_stream(session: requests.Session, site: Site, authority: Authority) -> None:
    """stream=True holds for the second answer: its body is still to be read, and the first connection is let go."""
    authority.api.refuse_next(1)
    with session.get(f"{site.server.api_url}/big", stream=True, timeout=10) as answer:
        assert answer.raw.closed is False
        assert answer._content is False  # type: ignore[attr-defined]
        assert json.loads(b"".join(answer.iter_content(16)))["path"] == "/api/big"
    assert answer.history[0].raw.closed
    assert answer.status_code == 200


def test_connection_is_used_again(session: requests.Session, site: Site, authority: Authority) -> None:
    """The replay goes over the connection that brought the 401."""
    session.get(site.server.api_url, timeout=10)
    authority.api.refuse_next(1)
    assert session.get(site.server.api_url, timeout=10).status_code == 200
    pools = session.get_adapter("http://").poolmanager.pools  # type: ignore[attr-defined]
    assert [pool.num_connections for pool in map(pools.get, pools.keys())] == [1]
