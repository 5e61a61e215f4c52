"""The parameters in the URL of a Redis: which are slips, and which are left to redis-py."""

from __future__ import annotations

import inspect

import pytest
import redis
from redis import connection

from sa_auth.caches import RedisCache
from tests.unit.caches.test_redis_client import BRIEF, CANARY, refused


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ssl_ca_cert", "ssl_ca_certs"), ("ssl_ca_crets", "ssl_ca_certs"), ("tls_ca_certs", "ssl_ca_certs"),
        ("socket_timout", "socket_timeout"), ("Socket_Timeout", "socket_timeout"), ("socket-timeout", "socket_timeout"),
        ("connect_timeout", "socket_connect_timeout"), ("passwd", "password"), ("passwrod", "password"), ("DB", "db"),
        ("max_connection", "max_connections"), ("socket_timout=1&db", "socket_timeout"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("scheme", ["redis", "rediss", "valkey"])
def test_a_misspelt_parameter(scheme: str, name: str, meant: str) -> None:
    """A parameter of the URL that is misspelt is refused as the cache is made, with the right one, and not repeated."""
    error = refused(f"{scheme}://h/0?{name}={CANARY}")
    assert error.code == "bad_argument"
    assert error.message == "The URL of the Redis has a parameter that redis-py does not know."
    assert error.hint == f"Write {meant}=, if that was meant."
    assert name not in str(error).replace(meant, "")


def test_a_misspelt_parameter_without_a_value() -> None:
    """One that is left empty is a slip as well."""
    assert refused("redis://h/0?socket_timout=").hint == "Write socket_timeout=, if that was meant."


@pytest.mark.parametrize("name", ["nothing", "user", "x", CANARY, "idle_check"])
def test_a_parameter_that_is_like_no_other(name: str) -> None:
    """A parameter that resembles none is left to redis-py, which may be of a later version."""
    RedisCache(f"redis://h/0?{name}=1")


def test_what_redis_py_takes() -> None:
    """Whatever the installed redis-py's connections and pools can be told in a URL is no slip."""
    kinds = (
        connection.AbstractConnection, redis.Connection, redis.SSLConnection, redis.UnixDomainSocketConnection,
        redis.ConnectionPool, redis.BlockingConnectionPool,
    )  # fmt: skip
    names = {name for kind in kinds for name in inspect.signature(kind.__init__).parameters}
    for name in names - {"decode_responses"}:  # which is refused for what it does
        if not name.startswith("orig_"):  # which redis-py notes for itself
            RedisCache(f"rediss://h/0?{name}=1")
    assert {"ssl_ca_certs", "socket_timeout", "max_connections"} <= names


@pytest.mark.parametrize(
    "query",
    [
        "ssl_cert_reqs=none", "ssl_cert_reqs=None", "ssl_cert_reqs=none&ssl_cert_reqs=required", "db=1&ssl_cert_reqs=none",
        "ssl_check_hostname=False", *(f"ssl_check_hostname={no}" for no in connection.FALSE_STRINGS),
    ],
)  # fmt: skip
@pytest.mark.parametrize("scheme", ["rediss", "valkeys"])
def test_a_certificate_that_is_not_checked(scheme: str, query: str) -> None:
    """A URL that turns the check of the server's certificate off is refused, with the client that may for whoever knows why."""
    assert str(refused(f"{scheme}://:{CANARY}@h/0?{query}")) == (
        "bad_argument: The URL of the Redis turns off that its certificate is checked. Hint: Name a CA of your own by "
        "ssl_ca_certs=PATH; who knows why it has to be unchecked gives a client: RedisCache(client). More: "
        "docs/errors/bad_argument.md."
    )


@pytest.mark.parametrize(
    "query", ["ssl_cert_reqs=required", "ssl_cert_reqs=", "ssl_check_hostname=", "ssl_check_hostname=1"]
)
def test_a_certificate_that_is_checked(query: str) -> None:
    """A URL that says what holds anyway is taken, as is a client whose maker decided otherwise."""
    RedisCache(f"rediss://h/0?{query}")
    client = redis.Redis(ssl=True, ssl_cert_reqs="none", **BRIEF)
    assert repr(RedisCache(client)) == "RedisCache(localhost:6379/0)"
