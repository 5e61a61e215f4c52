"""Dask, Celery and Spark, as they are: their own worker processes, on this machine, share one token by a Valkey server.

Rule: what the workers did is counted by the authority and its API; what lies between them is searched for secrets.
"""

from __future__ import annotations

import os
import pickle
import shutil
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from sa_auth import ConfigError, ServiceAccountCredentials
from sa_auth.caches import RedisCache
from sa_auth.testing import Authority, Server, google_key_file, new_key
from tests.samples.test_samples import EMAIL, SAMPLES, run
from tests.samples.test_workers import done
from tests.samples.work import PASSWORD, call, redis_url, seen
from tests.servers import started, valkey

PRIVATE, PUBLIC = new_key("rsa2048")
SPARK = {
    # A driver with two threads, and a Python process for each; the JVM without what pays in an hour alone.
    "PYSPARK_SUBMIT_ARGS": "--master local[2] --conf spark.ui.enabled=false --conf spark.driver.host=127.0.0.1 "
    "--conf spark.driver.bindAddress=127.0.0.1 pyspark-shell",
    "PYSPARK_PYTHON": sys.executable,
    "SPARK_LOCAL_IP": "127.0.0.1",
    "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Server]:
    """An authority that takes a while to answer, so that all workers are there before the first has a token."""
    google_key_file(tmp_path / "key.json", email=EMAIL, private_key_pem=PRIVATE)
    authority = Authority(dialect="google")
    authority.register(EMAIL, PUBLIC)
    authority.delay = 0.7
    with authority.serve() as server:
        yield server


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A Valkey server that keeps a journal of all that it was ever told."""
    with valkey("--appendonly", "yes", "--appendfsync", "always", "--dir", str(tmp_path)) as port:
        yield port


def journal(folder: Path) -> bytes:
    """All that the Valkey server was told."""
    return b"".join(path.read_bytes() for path in sorted(folder.glob("appendonlydir/*.aof")))


def kept_secret(live: Server, *told: bytes) -> bool:
    """Whether neither the key nor a token that the API was shown stands in what others were told, which is something."""
    tokens = list(live.authority.api._per_token)
    return bool(tokens) and all(told) and seen(b"".join(told), PRIVATE, *tokens) == []


def sample(name: str, live: Server, port: int, tmp_path: Path, **variables: str) -> str:
    """What a sample printed that was given the key file, the API and the cache."""
    return run(
        name, str(tmp_path / "key.json"), f"{live.api_url}/files", "--token-endpoint", live.token_endpoint,
        "--cache", f"redis://127.0.0.1:{port}/0", "--calls", "40", **variables,
    )  # fmt: skip


def test_a_redis_with_a_password(live: Server, tmp_path: Path) -> None:
    """Where Redis wants a password, a function of a module says where it is; a URL that holds one is not sent anywhere."""
    given = {"scope": "read", "token_endpoint": live.token_endpoint}
    with valkey("--requirepass", PASSWORD) as port:
        url = f"redis://:{PASSWORD}@127.0.0.1:{port}/0"
        creds = ServiceAccountCredentials.from_file(tmp_path / "key.json", cache=RedisCache(redis_url), **given)
        data = pickle.dumps(partial(call, creds, f"{live.api_url}/files"))
        assert [done("pickle", data, REDIS_URL=url) for _ in range(2)] == ["200", "200"]
        with pytest.raises(ConfigError, match="A secret is not pickled"):
            pickle.dumps(ServiceAccountCredentials.from_file(tmp_path / "key.json", cache=url, **given))
    assert kept_secret(live, data)
    assert PASSWORD.encode() not in data
    assert (live.authority.exchanges, live.authority.api.calls) == (1, 2)


def test_dask(live: Server, port: int, tmp_path: Path) -> None:
    """The workers of a local cluster, which are processes, make their calls with one token."""
    pytest.importorskip("distributed", reason="Dask is not installed: pip install distributed")
    shown = sample("workers_dask.py", live, port, tmp_path, DASK_TEMPORARY_DIRECTORY=str(tmp_path))
    assert shown == "40 of 40 calls succeeded, made by 2 processes\n"
    assert (live.authority.exchanges, live.authority.api.calls) == (1, 40)
    assert kept_secret(live, journal(tmp_path))


def test_celery(live: Server, port: int, tmp_path: Path) -> None:
    """Both processes of a prefork worker make their calls with one token, and Redis is told no secret."""
    pytest.importorskip("celery", reason="Celery is not installed: pip install celery[redis]")
    variables = {
        "KEY_FILE": str(tmp_path / "key.json"), "API": f"{live.api_url}/files", "TOKEN_ENDPOINT": live.token_endpoint,
        "REDIS": f"redis://127.0.0.1:{port}/0",
    }  # fmt: skip
    log = tmp_path / "worker.log"
    worker = ["celery", "--app", "workers_celery", "worker", "--concurrency", "2", "--loglevel", "INFO"]
    with started([sys.executable, "-m", *worker], log, cwd=SAMPLES, env={**os.environ, **variables}):
        shown = run("workers_celery.py", "40", **variables)
    assert shown == "40 of 40 calls succeeded\n"
    assert {f"/ForkPoolWorker-{number}] Task workers.call" in log.read_text() for number in (1, 2)} == {True}
    assert (live.authority.exchanges, live.authority.api.calls) == (1, 40)
    assert b"workers.call" in journal(tmp_path)
    assert kept_secret(live, journal(tmp_path), log.read_bytes())


def test_spark(live: Server, port: int, tmp_path: Path) -> None:
    """The Python workers of a local Spark make their calls with one token."""
    pytest.importorskip("pyspark", reason="PySpark is not installed: pip install pyspark")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Spark needs Java 17: apt-get install openjdk-17-jre-headless")
    shown = sample("workers_spark.py", live, port, tmp_path, **SPARK)
    assert shown == "40 of 40 calls succeeded, made by 2 processes\n"
    assert (live.authority.exchanges, live.authority.api.calls) == (1, 40)
    assert kept_secret(live, journal(tmp_path))
