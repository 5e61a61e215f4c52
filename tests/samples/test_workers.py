"""Credentials in worker processes: what is sent there, and that it works on the other side.

Rule: the other side is always a process of its own, and what it did is counted by the authority and its API.
"""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing import get_all_start_methods
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

import pytest

from sa_auth import ServiceAccountCredentials
from sa_auth.caches import FileCache
from sa_auth.testing import Authority, Server, google_key_file, new_key
from tests.docs.vendors import write
from tests.samples.test_samples import EMAIL, SAMPLES, run
from tests.samples.work import PASSWORD, call, closed_over, password, seen

ROOT = Path(__file__).parents[2]


def with_kombu(sent: Any) -> bytes:
    """As Celery does with `task_serializer="pickle"`."""
    from kombu.serialization import dumps

    return bytes(dumps(sent, "pickle")[2])


def with_distributed(sent: Any) -> bytes:
    """As Dask does: a header, and frames, which are one for what is small."""
    from distributed.protocol import serialize

    header, frames = serialize(sent, serializers=["pickle"], on_error="raise")
    return pickle.dumps((header, [bytes(frame) for frame in frames]))


def with_cloudpickle(sent: Any) -> bytes:
    """As Dask does with a function that has no name of its own."""
    import cloudpickle

    return cloudpickle.dumps(sent)


def with_pyspark(sent: Any) -> bytes:
    """As PySpark does with the function of a job."""
    from pyspark.serializers import CloudPickleSerializer

    return CloudPickleSerializer().dumps(sent)


# Who sends -> how it is written there, how it is read here, and as what.
PICKLERS: dict[str, tuple[Callable[[Any], bytes], str, Callable[..., Any]]] = {
    "pickle": (pickle.dumps, "from pickle import loads", partial),
    "multiprocessing": (lambda sent: bytes(ForkingPickler.dumps(sent)), "from pickle import loads", partial),
    "distributed": (
        with_distributed,
        "import pickle; from distributed.protocol import deserialize; loads = lambda data: deserialize(*pickle.loads(data))",
        partial,
    ),
    "cloudpickle": (with_cloudpickle, "from cloudpickle import loads", closed_over),
    "kombu": (
        with_kombu,
        "import kombu.serialization as k; loads = lambda data: k.loads(data, 'application/x-python-serialize', 'binary', {k.registry.name_to_type['pickle']})",
        partial,
    ),
    "pyspark": (
        with_pyspark,
        "from pyspark.serializers import CloudPickleSerializer; loads = CloudPickleSerializer().loads",
        closed_over,
    ),
}


def sent(pickler: str, creds: ServiceAccountCredentials, url: str) -> bytes:
    """A call of the API with those credentials, as it goes to a worker."""
    dumps, _, shape = PICKLERS[pickler]
    return dumps(shape(call, creds, url) if shape is partial else shape(creds, url))


def done(pickler: str, data: bytes, **variables: str) -> str:
    """What becomes of it in a fresh process."""
    script = f"import sys; {PICKLERS[pickler][1]}; print(loads(sys.stdin.buffer.read())())"
    process = subprocess.run(
        [sys.executable, "-c", script], input=data, capture_output=True, timeout=50, cwd=ROOT,
        env={**os.environ, **variables},
    )  # fmt: skip
    assert process.returncode == 0, process.stderr.decode()
    return process.stdout.decode().strip()


@pytest.fixture
def live() -> Iterator[Server]:
    """An authority that takes a while to answer, so that all workers are there before the first has a token."""
    authority = Authority(dialect="google")
    authority.delay = 0.7
    with authority.serve() as server:
        yield server


@pytest.fixture
def robot(live: Server, tmp_path: Path) -> tuple[str, str, str]:
    """A service account's key file, and what a sample's command line has after its name."""
    private, public = new_key("rsa2048")
    live.authority.register(EMAIL, public)
    google_key_file(tmp_path / "key.json", email=EMAIL, private_key_pem=private)
    return str(tmp_path / "key.json"), f"{live.api_url}/files", f"--token-endpoint={live.token_endpoint}"


@pytest.mark.parametrize("pickler", PICKLERS)
def test_what_travels(pickler: str, tmp_path: Path) -> None:
    """A recipe travels and no key, password or token; a fresh process makes the credentials of it, and has the token by the cache."""
    pytest.importorskip(pickler)
    private, public = new_key("p256")
    sealed = encrypted(private)
    write(tmp_path / "robot.pem", sealed)
    authority = Authority()
    authority.register("robot", public)
    with authority.serve() as server:
        creds = ServiceAccountCredentials.from_file(
            tmp_path / "robot.pem", password=password, issuer="robot", token_endpoint=server.token_endpoint,
            cache=FileCache(tmp_path / "tokens"),
        )  # fmt: skip
        token = creds.token().access_token
        data = sent(pickler, creds, f"{server.api_url}/files")
        assert done(pickler, data) == "200"
    assert b"robot.pem" in data
    assert seen(data, private, token, PASSWORD, *sealed.splitlines()[1:-1]) == []
    assert (authority.exchanges, authority.api.calls) == (1, 1)


def test_what_is_looked_for_would_be_seen() -> None:
    """A pickle that does hold the key, in any of its forms, or the token is found to."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    private, _ = new_key("p256")
    value = load_pem_private_key(private.encode(), None).private_numbers().private_value
    for held in (private, value, f"{value:x}", {"token": "the-token"}):
        assert seen(pickle.dumps(held), private, "the-token"), held


def test_a_variable_travels_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of credentials that came from an environment variable its name travels, and the worker's own variable is read."""
    private, public = new_key("p256")
    monkeypatch.setenv("ROBOT_KEY", private)
    authority = Authority()
    authority.register("robot", public)
    with authority.serve() as server:
        creds = ServiceAccountCredentials.from_env("ROBOT_KEY", issuer="robot", token_endpoint=server.token_endpoint)
        data = sent("pickle", creds, f"{server.api_url}/files")
        monkeypatch.delenv("ROBOT_KEY")
        assert done("pickle", data, ROBOT_KEY=private) == "200"
    assert b"ROBOT_KEY" in data
    assert seen(data, private) == []


@pytest.mark.parametrize("pickler", PICKLERS)
def test_what_does_not_travel(pickler: str) -> None:
    """Credentials of a key that is in memory alone are refused by every pickler, in our words, and not sent."""
    pytest.importorskip(pickler)
    creds = ServiceAccountCredentials(new_key("p256")[0], issuer="robot", token_endpoint="https://login.example/token")
    with pytest.raises(Exception) as refusal:
        sent(pickler, creds, "https://api.example/")
    told = f"{refusal.value} {refusal.value.__cause__}"  # distributed has a word of its own before ours
    assert "Credentials made of a key in memory are not pickled" in told


@pytest.mark.parametrize("method", get_all_start_methods())
def test_multiprocessing(method: str, robot: tuple[str, str, str], live: Server, tmp_path: Path) -> None:
    """Four processes, forked, spawned or of a fork server, make their calls with one token."""
    shown = run("workers_multiprocessing.py", *robot, "--start", method, "--calls", "40", XDG_CACHE_HOME=str(tmp_path))
    assert len(re.findall(r"^\w+Process-\d ended with 0$", shown, re.MULTILINE)) == 4
    assert (live.authority.exchanges, live.authority.api.calls) == (1, 40)


def test_futures(robot: tuple[str, str, str], live: Server, tmp_path: Path) -> None:
    """The spawned workers of a ProcessPoolExecutor make their calls with one token."""
    live.authority.delay = 1.5  # the second is there by then, however busy the machine
    shown = run("workers_futures.py", *robot, "--workers", "2", "--calls", "40", XDG_CACHE_HOME=str(tmp_path))
    assert shown == "40 of 40 calls succeeded, made by 2 processes\n"
    assert (live.authority.exchanges, live.authority.api.calls) == (1, 40)


def test_a_refusal_comes_back(live: Server, tmp_path: Path) -> None:
    """What the token endpoint refused in a worker is said by the program that started it, with its advice."""
    google_key_file(tmp_path / "key.json", email=EMAIL, private_key_pem=new_key("rsa2048")[0])
    said = subprocess.run(
        [sys.executable, "-W", "error", str(SAMPLES / "workers_futures.py"), str(tmp_path / "key.json"), live.api_url,
         "--token-endpoint", live.token_endpoint, "--workers", "2", "--calls", "2"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=50,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
    )  # fmt: skip
    assert said.returncode == 1
    assert said.stderr.startswith("Not signed in. invalid_grant: ")
    assert f"Hint: Google knows no service account {EMAIL}" in said.stderr


def encrypted(private: str) -> str:
    """The key under its password."""
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    key = load_pem_private_key(private.encode(), None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSWORD.encode())).decode()
