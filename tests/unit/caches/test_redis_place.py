"""Which Redis a fault was met at: by its place, on real sockets, and never by its user or password."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis
import valkey as valkey_py
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from sa_auth import ServiceAccountCredentials
from sa_auth.caches import CacheFault, RedisCache
from sa_auth.testing import Authority, new_key
from tests.servers import valkey

CANARY = "canary-7391"
BRIEF: dict[str, Any] = {"socket_timeout": 0.3, "socket_connect_timeout": 0.3, "retry": Retry(NoBackoff(), 0)}


def fault(cache: RedisCache) -> tuple[str, str]:
    """Code and text of the fault that a look into it gives."""
    with pytest.raises(CacheFault) as caught:
        cache.get("a" * 64)
    assert CANARY not in str(caught.value)
    return caught.value.code, str(caught.value.with_traceback(None))


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """A server that gives one caller that answer; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            taken, _ = server.accept()
            with taken, suppress(OSError):  # it is let go as soon as the answer is read
                taken.recv(1000)
                taken.sendall(answer)
                taken.recv(1000)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join(10)


@pytest.mark.parametrize(
    ("where", "named"),
    [
        (f"redis://robot:{CANARY}@127.0.0.1:1/2", "Redis at 127.0.0.1:1/2"),
        (f"valkey://:{CANARY}@[::1]:1", "Redis at [::1]:1/0"),
        (f"rediss://127.0.0.1:1?password={CANARY}", "Redis at 127.0.0.1:1/0"),
        (f"unix://:{CANARY}@/no/such.sock", "Redis at /no/such.sock"),
        (lambda: f"redis://:{CANARY}@127.0.0.1:1/3", "Redis at 127.0.0.1:1/3"),
        (lambda: redis.Redis(port=1, db=4, password=CANARY, **BRIEF), "Redis at localhost:1/4"),
        (redis.Redis(port=1, password=CANARY, **BRIEF), "Redis at localhost:1/0"),
        (valkey_py.Valkey(port=1, password=CANARY, socket_timeout=0.3), "Redis at localhost:1/0"),
        (Sentinel([("127.0.0.1", 1)], sentinel_kwargs=BRIEF, **BRIEF).master_for("m", password=CANARY), "Redis"),
    ],
)
def test_nobody_there(where: Any, named: str) -> None:
    """The fault names the place that could not be reached, of a URL, a client, or what a function gave; or says Redis."""
    code, text = fault(RedisCache(where))
    assert code == "unreachable"
    assert text.startswith(f"{named} cannot be reached (")


def test_whoever_does_not_answer() -> None:
    """A server that accepts and is silent is named by its place; by rediss:// it is said that it may not speak TLS."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        slow = f"Redis at 127.0.0.1:{port}/0 did not answer in time"
        assert fault(RedisCache(f"redis://:{CANARY}@127.0.0.1:{port}")) == ("timeout", slow)
        assert fault(RedisCache(f"rediss://:{CANARY}@127.0.0.1:{port}")) == (
            "timeout",
            f"{slow}, nor begin TLS: if it does not speak TLS, use redis://",
        )


@pytest.mark.parametrize("answer", [b"-ERR unknown command\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
@pytest.mark.parametrize(
    "make",
    [
        lambda port: f"rediss://:{CANARY}@127.0.0.1:{port}",
        lambda port: valkey_py.Valkey(host="127.0.0.1", port=port, ssl=True, socket_timeout=0.3, password=CANARY),
    ],
)
def test_plain_text_in_answer_to_tls(make: Callable[[int], Any], answer: bytes) -> None:
    """A server that answers a TLS greeting in plain text is said not to speak TLS, and what to use."""
    with answering(answer) as port:
        code, text = fault(RedisCache(make(port)))
    assert code == "no_tls"
    assert text == f"Redis at 127.0.0.1:{port}/0 cannot be reached: it does not speak TLS: use redis://"


def test_tls_to_a_plain_server() -> None:
    """A Redis without TLS that is spoken to by it may be silent or answer: either way the fault names redis://."""
    with valkey() as port:
        code, text = fault(RedisCache(f"rediss://:{CANARY}@127.0.0.1:{port}"))
    assert code in {"timeout", "no_tls"}
    assert text.startswith(f"Redis at 127.0.0.1:{port}/0 ")
    assert text.endswith("use redis://")


def test_refusals_name_the_place(tmp_path: Path) -> None:
    """A Redis that says no is named by its place too, the path of a socket as well."""
    place = tmp_path / "s"
    with valkey("--requirepass", CANARY, "--unixsocket", str(place)) as port:
        for where, named in ((f"redis://127.0.0.1:{port}", f"127.0.0.1:{port}/0"), (f"unix://{place}", str(place))):
            code, text = fault(RedisCache(where))
            assert code == "auth"
            assert text.startswith(f"Redis at {named} asks for a password: ")


def test_the_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever reads the log finds the place, and no password."""
    private, public = new_key("p256")
    authority = Authority()
    authority.register("robot", public)
    creds = ServiceAccountCredentials(
        private, issuer="robot", token_endpoint=authority.token_endpoint, transport=authority.transport(),
        cache=RedisCache(f"redis://robot:{CANARY}@127.0.0.1:1/0"),
    )  # fmt: skip
    with caplog.at_level(logging.WARNING, "sa_auth"):
        creds.token()
    assert "the redis cache: Redis at 127.0.0.1:1/0 cannot be reached (ConnectionRefusedError)" in caplog.text
    assert CANARY not in caplog.text


def test_a_functions_place_is_that_of_its_last_client() -> None:
    """A function that leads elsewhere by now is named by where it leads to now, and by nothing where it fails."""
    given = iter(["redis://127.0.0.1:1/0", "redis://127.0.0.1:1/1"])
    engine = RedisCache(partial(next, given))._engine
    assert engine.named == "Redis"
    for number in range(2):
        engine.forget()
        engine.client()
        assert engine.named == f"Redis at 127.0.0.1:1/{number}"
    engine.forget()
    with pytest.raises(StopIteration):
        engine.client()
    assert engine.named == "Redis"
