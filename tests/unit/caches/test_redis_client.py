"""What a Redis cache is given to reach its server by: URLs, clients and functions; which are refused, and what is shown."""

from __future__ import annotations

import asyncio
import os
import pickle
import subprocess
import sys
import traceback
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis
import valkey
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from sa_auth.caches import CACHES, RedisCache
from sa_auth.caches import redis_client as module
from sa_auth.caches.base import CacheFault
from sa_auth.caches.record import LARGEST
from sa_auth.caches.redis_client import Engine
from sa_auth.errors import ConfigError, MissingExtra

CANARY = "canary-7391"
ONCE = Retry(NoBackoff(), 0)
BRIEF: dict[str, Any] = {"socket_timeout": 0.3, "socket_connect_timeout": 0.3, "retry": ONCE}


def of_a_module() -> str:
    """Gives a URL, as one that reads a secret store does."""
    return f"redis://:{CANARY}@127.0.0.1:1/0"


def refused(where: Any, **more: Any) -> ConfigError:
    """The error that comes of it, which holds nothing of it."""
    with pytest.raises(ConfigError) as caught:
        RedisCache(where, **more)
    error = caught.value
    assert (error.__cause__, error.__context__) == (None, None)
    whole = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [repr(frame.locals) for frame in whole.stack if "/sa_auth/" in frame.filename]
    assert ours
    assert CANARY not in "".join([str(error), repr(error), repr(vars(error)), *ours])
    return error


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://cache.example:6379/0", "cache.example:6379/0"),
        ("redis://cache.example", "cache.example:6379/0"),
        ("rediss://robot:canary-7391@cache.example:6380/7", "cache.example:6380/7"),
        ("valkey://:canary-7391@cache.example/?db=3", "cache.example:6379/3"),
        ("valkeys://canary-7391@[2001:db8::1]:1234/2", "[2001:db8::1]:1234/2"),
        ("redis://", "localhost:6379/0"),
        ("redis://:canary-7391%2F%40%23@cache.example/1", "cache.example:6379/1"),
        ("redis://:canary-7391:x@y@cache.example/1", "cache.example:6379/1"),
        ("redis://cache.example?password=canary-7391", "cache.example:6379/0"),
        ("rediss://cache.example/0?ssl_ca_certs=/x/ca.pem&ssl_password=canary-7391", "cache.example:6379/0"),
        ("redis://cache.example/?db=canary-7391", "cache.example:6379/0"),
        ("unix:///run/redis.sock", "/run/redis.sock"),
        ("unix://robot:canary-7391@/run/redis.sock?db=2", "/run/redis.sock"),
        ("redis://cache.example/0?socket_timeout=0.8", "cache.example:6379/0"),
    ],
)
def test_urls(url: str, shown: str) -> None:
    """A URL of any of the five schemes is taken; host, port and number of the database are shown, user and password never."""
    cache = RedisCache(url)
    assert repr(cache) == str(cache) == f"RedisCache({shown})"
    assert cache.tier == "redis"
    assert cache.key is None


@pytest.mark.parametrize("scheme", ["redis", "rediss", "unix", "valkey", "valkeys"])
def test_schemes_of_the_shelf(scheme: str) -> None:
    """Each scheme that begins such a URL finds this cache on its shelf."""
    assert CACHES[scheme] is RedisCache


@pytest.mark.parametrize(
    "url",
    [
        "http://robot:canary-7391@cache.example", "https://cache.example", "memcached://cache.example", "cache.example:6379",
        "REDIS://:canary-7391@cache.example", "redis:canary-7391@cache.example", "redis:/cache.example", "redis", "", " ",
        " redis://cache.example", "://cache.example", "file:///tmp/x", "redis+sentinel://:canary-7391@cache.example",
    ],
)  # fmt: skip
def test_wrong_scheme(url: str) -> None:
    """A text that is no URL of a Redis is refused as the cache is made, and not repeated."""
    error = refused(url)
    assert error.code == "bad_argument"
    assert "rediss://" in error.hint


@pytest.mark.parametrize(
    "url",
    [
        "redis://:canary-7391/x@cache.example:6379/0", "redis://:canary-7391?x@cache.example/0",
        "redis://:canary-7391#x@cache.example/0", "redis://:1/canary-7391@cache.example/0",
        "redis://:1?canary-7391@cache.example/0", "redis://:1#canary-7391@cache.example", "redis://:[canary-7391@cache.example",
        "redis://cache.example:canary-7391/0", "redis://cache.example:99999/0", "unix:///run/x.sock?password=canary-7391@x",
    ],
)  # fmt: skip
def test_password_that_was_not_encoded(url: str) -> None:
    """A password that would be taken for host, port, path or query is refused with how to write it, and not repeated."""
    error = refused(url)
    assert error.code == "bad_argument"
    assert "%40 for @" in error.hint


@pytest.mark.parametrize(
    "url", ["unix://run/redis.sock", "unix://", "unix://robot@", "redis://h/canary-7391", "redis://h/0/1"]
)
def test_what_redis_py_would_pass_over(url: str) -> None:
    """A socket written as a host, or a path that is no number, would lead to another place in silence: it is refused."""
    assert refused(url).code == "bad_argument"


@pytest.mark.parametrize("seconds", ["5", "1.01", "0", "-1", "inf", "nan", "canary-7391"])
@pytest.mark.parametrize("name", ["socket_timeout", "socket_connect_timeout", "timeout"])
def test_time_outs_in_a_url(name: str, seconds: str) -> None:
    """A URL may shorten or lengthen the time-outs to a second, and no further."""
    error = refused(f"redis://h/0?{name}={seconds}")
    assert error.code == "no_timeout"
    assert "socket_timeout=0.3" in error.hint


@pytest.mark.parametrize("where", [None, 5, b"redis://h", ["redis://h"], object(), redis.Redis, dict, Path("/x")])
def test_wrong_type(where: Any) -> None:
    """What is no text, client or function is refused by its type, a client's class as well."""
    error = refused(where)
    assert error.code == "bad_argument"
    assert type(where).__name__ in error.message


@pytest.mark.parametrize("lease", [0, -1, True, "5", None, float("inf"), float("nan")])
def test_bad_lease(lease: Any) -> None:
    """The lease is a positive number of seconds."""
    assert refused("redis://h", lease=lease).code == "bad_argument"


@pytest.mark.parametrize("prefix", [b"x", None, 5, "\udcff", "x\n", "\0"])
def test_bad_prefix(prefix: Any) -> None:
    """The prefix is a text that can be read in a list of keys."""
    assert refused("redis://h", prefix=prefix).code == "bad_argument"


@pytest.mark.parametrize("key", ["short", b"short", 5, ["x" * 32]])
def test_bad_key(key: Any) -> None:
    """A key of its own is text or bytes that nobody guesses, or a function."""
    error = refused("redis://h", key=key)
    assert "RedisCache(key=)" in error.message


def test_clients_that_are_taken() -> None:
    """Clients of redis-py and valkey-py that give bytes and wait for a second at most are taken as they are."""
    pool = redis.ConnectionPool(host="h", port=1, db=2, socket_timeout=0.3, socket_connect_timeout=0.3)
    shown = {
        redis.Redis(host="h", port=1, db=2, password=CANARY, username=CANARY, **BRIEF): "h:1/2",
        redis.Redis(connection_pool=pool): "h:1/2",
        redis.Redis(unix_socket_path="/run/x.sock", socket_timeout=0.3, retry=ONCE): "/run/x.sock",
        redis.Redis(host="h", socket_timeout=1, socket_connect_timeout=None, retry=Retry(NoBackoff(), 1)): "h:6379/0",
        valkey.Valkey(host="h", password=CANARY, socket_timeout=0.3): "h:6379/0",
        Sentinel([("h", 1)], sentinel_kwargs=BRIEF, **BRIEF).master_for("m", password=CANARY): "Redis",
    }
    for client, place in shown.items():
        assert repr(RedisCache(client)) == f"RedisCache({place})"


def test_a_client_of_another_make() -> None:
    """Anything with the two commands is taken; of what cannot be seen of it nothing is demanded."""

    class Own:
        def eval(self, *_: Any) -> None: ...
        def evalsha(self, *_: Any) -> None: ...

    assert repr(RedisCache(Own())) == "RedisCache(Own)"


@pytest.mark.parametrize(
    "changes",
    [
        {"socket_timeout": None}, {"socket_timeout": 5}, {"socket_timeout": "0.3"}, {"socket_connect_timeout": 5},
        {"retry": Retry(NoBackoff(), 3)}, {"retry": Retry(NoBackoff(), -1)},
    ],
)  # fmt: skip
def test_clients_that_wait_for_long(changes: dict[str, Any]) -> None:
    """A client that might wait for long is refused, and told with which arguments it would not."""
    error = refused(redis.Redis(password=CANARY, **{**BRIEF, **changes}))
    assert error.code == "no_timeout"
    assert "socket_timeout=0.3, socket_connect_timeout=0.3" in error.hint


def test_clients_as_their_libraries_make_them() -> None:
    """What redis-py and valkey-py wait by themselves is seconds, ten times over, and is refused."""
    assert refused(redis.Redis()).code == "no_timeout"
    assert refused(redis.Redis(socket_timeout=0.3)).code == "no_timeout"
    assert refused(redis.Redis.from_url("redis://h")).code == "no_timeout"
    assert refused(redis.Redis(connection_pool=redis.ConnectionPool(host="h"))).code == "no_timeout"
    assert refused(valkey.Valkey()).code == "no_timeout"
    forever = valkey.retry.Retry(valkey.backoff.NoBackoff(), -1)
    assert refused(valkey.Valkey(socket_timeout=0.3, retry=forever)).code == "no_timeout"


def test_a_sentinels_client_asks_sentinels() -> None:
    """Whoever asks a Sentinel waits for that as well: its own clients are judged with the one that it gives."""
    sentinel = Sentinel([("h", 1)], socket_timeout=0.3, socket_connect_timeout=0.3)
    error = refused(sentinel.master_for("m"))
    assert error.code == "no_timeout"
    assert "sentinel_kwargs=" in error.hint


def test_clients_that_decode() -> None:
    """A record is bytes: a client that decodes what it reads is refused, by object and by URL."""
    error = refused(redis.Redis(decode_responses=True, password=CANARY, **BRIEF))
    assert error.code == "decode_responses"
    assert "without decode_responses=True" in error.hint
    assert refused("redis://h/0?decode_responses=True").code == "decode_responses"


def test_asyncio_clients() -> None:
    """A client for asyncio is refused: renewals run on threads, whoever waits for them."""

    async def made() -> Any:
        return redis.asyncio.Redis(**{**BRIEF, "retry": None})

    error = refused(asyncio.run(made()))
    assert error.code == "bad_argument"
    assert "asyncio" in error.message


def test_a_function_is_called_late_and_once() -> None:
    """A function is not called where the cache is made, but where it is first used, and once in a process."""
    calls = []

    def given() -> Any:
        calls.append(1)
        return redis.Redis(**BRIEF)

    engine = Engine(given)
    assert calls == []
    assert engine.client() is engine.client()
    assert calls == [1]
    assert engine.shown == "test_a_function_is_called_late_and_once.<locals>.given"
    engine.forget()
    engine.client()
    assert calls == [1, 1]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (lambda: None, "bad_argument"), (lambda: 5, "bad_argument"), (lambda: redis.Redis, "bad_argument"),
        (lambda: lambda: "redis://h", "bad_argument"), (lambda: "http://h", "bad_argument"),
        (partial(redis.Redis), "no_timeout"), (partial(redis.Redis, decode_responses=True, **BRIEF), "decode_responses"),
    ],
)  # fmt: skip
def test_what_a_function_gives(given: Any, code: str) -> None:
    """What a function gives is judged as if it had been given itself."""
    with pytest.raises(ConfigError) as caught:
        Engine(given).client()
    assert caught.value.code == code


def test_made_anew_in_a_forked_child() -> None:
    """A forked child makes a client of its own: it has no connection of its parent's."""
    engine = Engine("redis://127.0.0.1:1")
    ours = engine.client()
    child = os.fork()
    if child == 0:
        os._exit(0 if engine.client() is not ours else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert engine.client() is ours


def test_a_url_makes_a_hasty_client() -> None:
    """By a URL a client waits 0.3 seconds, tries once, gives bytes, and has a small pool of connections."""
    for url in ("redis://h", "rediss://h", "unix:///x", "valkey://h", "valkeys://h", "redis://h?retry_on_timeout=1"):
        pool = Engine(url).client().connection_pool
        connection = pool.make_connection()
        assert connection.socket_timeout == connection.socket_connect_timeout == 0.3
        assert connection.retry.get_retries() == 0
        assert connection.encoder.decode_responses is False
        assert pool.max_connections == 16
        assert ("SSL" in type(connection).__name__) is url.startswith(("rediss", "valkeys"))


def test_nothing_is_loaded_before_it_is_used() -> None:
    """Making a cache loads no redis-py: a process that never renews does not pay for it."""
    code = "import sys; from sa_auth.caches import RedisCache; RedisCache('redis://h'); print('redis' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_extra_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without redis-py a URL says how to get it, at construction, in one sentence; another library's client needs none."""
    monkeypatch.setattr(module, "is_installed", lambda package: package != "redis")
    with pytest.raises(MissingExtra, match="needs the package 'redis'") as caught:
        RedisCache("redis://h")
    assert caught.value.hint == 'Install it with: pip install "sa_auth[redis]"'
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    RedisCache(valkey.Valkey(socket_timeout=0.3))
    with pytest.raises(MissingExtra):
        Engine(of_a_module).client()


def test_pickles() -> None:
    """A URL without a password travels, and a function by its name, with lease, prefix and a key's function."""
    cache = RedisCache("rediss://h:1/2?ssl_ca_certs=/x.pem", key=of_a_module, lease=1.5, prefix="mine:")
    found = pickle.loads(pickle.dumps(cache))
    assert repr(found) == repr(cache) == "RedisCache(h:1/2)"
    assert (found.key, found._lease, found._prefix) == (of_a_module, 1.5, "mine:")
    assert found._engine.recipe() == "rediss://h:1/2?ssl_ca_certs=/x.pem"
    data = pickle.dumps(RedisCache(of_a_module))
    assert CANARY.encode() not in data
    assert pickle.loads(data)._engine.recipe() is of_a_module


@pytest.mark.parametrize(
    "where",
    [
        f"redis://:{CANARY}@h", f"redis://{CANARY}@h", f"redis://h?password={CANARY}", f"rediss://h?ssl_password={CANARY}",
        f"redis://h?pass%77ord={CANARY}", redis.Redis(password=CANARY, **BRIEF), lambda: "redis://h", partial(of_a_module),
        Path("/x").resolve,
    ],
)  # fmt: skip
def test_what_does_not_pickle(where: Any) -> None:
    """A password, a client and what has no name in a module stay in their process, with what to do instead."""
    with pytest.raises(ConfigError) as caught:
        pickle.dumps(RedisCache(where))
    assert caught.value.code == "not_picklable"
    assert "a function of a module" in caught.value.hint
    assert CANARY not in str(caught.value)


def test_a_key_does_not_pickle() -> None:
    """A key of its own that was given as text refuses to travel."""
    with pytest.raises(ConfigError) as caught:
        pickle.dumps(RedisCache("redis://h", key="k" * 32))
    assert caught.value.code == "not_picklable"


KINDS = (
    'A URL ("redis://cache.example:6379/0"; rediss:// by TLS; unix:///path); a client (redis.Redis, redis.RedisCluster, a '
    "Sentinel's master_for(), valkey.Valkey); or a function that gives one of these."
)
ENCODE = "Percent-encode what is special in its password: %40 for @, %2F for /, %23 for #, %3F for ?, %3A for :."
WAITS = (
    "no_timeout: The client given to RedisCache may wait for longer than a second for a Redis that does not answer, and "
    "renewals would wait with it. Hint: Make it with socket_timeout=0.3, socket_connect_timeout=0.3, retry=Retry(NoBackoff(), "
    "0), and a Sentinel with the same in sentinel_kwargs= as well. A URL alone brings them by itself."
)
DECODES = (
    "decode_responses: The client given to RedisCache decodes what it reads (decode_responses), and records are bytes. Hint: "
    "Make one of its own for the cache, without decode_responses=True."
)


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("http://h", f"bad_argument: RedisCache(where) is a text, and no URL of a Redis. Hint: {KINDS}"),
        ("redis://h:0", f"bad_argument: The URL of the Redis cannot be read. Hint: {ENCODE}"),
        ("redis://h:x", f"bad_argument: The URL of the Redis cannot be read. Hint: {ENCODE}"),
        ("redis://h#x", f"bad_argument: The URL of the Redis cannot be read. Hint: {ENCODE}"),
        ("redis://h/a@b", f"bad_argument: The URL of the Redis cannot be read. Hint: {ENCODE}"),
        ("redis://h/0?a=b@c", f"bad_argument: The URL of the Redis cannot be read. Hint: {ENCODE}"),
        ("unix://h/x", f"bad_argument: The URL of the Redis names no socket. Hint: {KINDS}"),
        ("unix://", f"bad_argument: The URL of the Redis names no socket. Hint: {KINDS}"),
        ("redis://h/x", f"bad_argument: The URL's path is no database's number. Hint: {KINDS}"),
        ("redis://h/0/", f"bad_argument: The URL's path is no database's number. Hint: {KINDS}"),
        ("redis://h?decode_responses=", DECODES),
        ("redis://h?socket_timeout=1.001", WAITS),
        ("redis://h?timeout=x", WAITS),
        (5, f"bad_argument: RedisCache(where) is of type int. Hint: {KINDS}"),
        (dict, f"bad_argument: RedisCache(where) is of type type. Hint: {KINDS}"),
        (redis.Redis(decode_responses=True, **BRIEF), DECODES),
        (redis.Redis(), WAITS),
    ],
)
def test_what_a_refusal_says(where: Any, says: str) -> None:
    """What cannot be used is refused in a sentence that says why, and how it could be."""
    error = refused(where)
    assert str(error) == f"{says} More: docs/errors/{error.code}.md."


@pytest.mark.parametrize(
    "query", ["", "?socket_timeout=", "?socket_timeout=1", "?timeout=1.0&socket_connect_timeout=0.01"]
)
def test_time_outs_that_are_short(query: str) -> None:
    """A second is short enough, and one that is named and left empty is redis-py's own to judge."""
    RedisCache(f"redis://h/0{query}")


def test_what_an_asyncio_client_is_told() -> None:
    """A client for asyncio is told what to give instead."""

    class Own:
        __module__ = "redis.asyncio.client"
        set = eval = evalsha = print

    assert str(refused(Own())) == (
        "bad_argument: RedisCache(where) is a client for asyncio. Hint: Renewals run on threads of their own, for tasks as "
        "well: pass a redis.Redis, or a URL. More: docs/errors/bad_argument.md."
    )


@pytest.mark.parametrize("lacks", ["eval", "evalsha"])
def test_what_lacks_a_command(lacks: str) -> None:
    """What lacks one of the commands that are needed is no client."""
    own = type("Own", (), {name: print for name in ("eval", "evalsha") if name != lacks})
    assert refused(own()).message == "RedisCache(where) is of type Own."


def test_what_a_function_is_told() -> None:
    """What a function gave is refused by its type."""
    with pytest.raises(ConfigError) as caught:
        Engine(lambda: 5).client()
    assert (
        str(caught.value)
        == f"bad_argument: The function given to RedisCache gave a int. Hint: {KINDS} More: docs/errors/bad_argument.md."
    )


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("redis://:x@h", "A URL with a password in it"),
        ("redis://h?password=x", "A URL with a password in it"),
        (redis.Redis(**BRIEF), "A Redis given to RedisCache"),
        (lambda: "redis://h", "The function <lambda>, which has no name in a module,"),
        (partial(of_a_module), "A partial given to RedisCache"),
    ],
)
def test_what_a_pickle_is_told(where: Any, what: str) -> None:
    """What does not travel is named, and what would is said."""
    with pytest.raises(ConfigError) as caught:
        Engine(where).recipe()
    assert str(caught.value) == (
        f"not_picklable: {what} is not pickled. Hint: Pass a function of a module (def, at the left margin) that gives the URL "
        "or the client: it travels by name, and is called in the process that uses it. More: docs/errors/not_picklable.md."
    )


def test_what_is_shown() -> None:
    """A function is shown by its name, a thing that can be called by its class, and a client without an address as well."""
    assert Engine(of_a_module).shown == "of_a_module"
    assert Engine(partial(of_a_module)).shown == "partial"
    assert Engine("redis://h/?db=x").shown == "h:6379/0"
    assert Engine("redis://h/7?db=").shown == "h:6379/7"
    assert Engine("redis://h/7?db=3").shown == "h:6379/3"
    pool = redis.ConnectionPool(socket_timeout=0.3, socket_connect_timeout=0.3)
    pool.connection_kwargs.pop("host", None)
    assert Engine(redis.Redis(connection_pool=pool)).shown == "Redis"
    pool.connection_kwargs["host"] = "h"
    for name in ("port", "db"):
        pool.connection_kwargs.pop(name, None)
    assert Engine(redis.Redis(connection_pool=pool)).shown == "h:6379/0"


@pytest.mark.parametrize(
    ("lease", "prefix", "says"),
    [
        (
            0,
            "x",
            "RedisCache(lease=) is no positive number of seconds. Hint: It is how long the lock of a process that died holds up the others.",
        ),
        (1, 5, 'RedisCache(prefix=) is no text. Hint: For example "sa_auth:", which is its default.'),
    ],
)
def test_what_is_said_of_lease_and_prefix(lease: Any, prefix: Any, says: str) -> None:
    """A lease or prefix that cannot be used is named, with what it is for."""
    assert (
        str(refused("redis://h", lease=lease, prefix=prefix))
        == f"bad_argument: {says} More: docs/errors/bad_argument.md."
    )


class Seen:
    """A client of another make, which tells what it makes its connections with."""

    set = eval = evalsha = print

    def __init__(self, kwargs: Any, *, cluster: bool = False, **more: Any) -> None:
        place = SimpleNamespace(connection_kwargs=kwargs)
        vars(self).update({"nodes_manager" if cluster else "connection_pool": place, **more})


SHORT = {"socket_timeout": 0.3, "socket_connect_timeout": 0.3}


@pytest.mark.parametrize("cluster", [False, True])
@pytest.mark.parametrize(
    ("kwargs", "more", "taken"),
    [
        (SHORT, {}, True), ({"socket_timeout": 1.0, "socket_connect_timeout": 1}, {}, True), (None, {}, True), (5, {}, True),
        ({**SHORT, "socket_timeout": 1.01}, {}, False), ({**SHORT, "socket_connect_timeout": 1.01}, {}, False),
        ({"socket_timeout": 0.3}, {}, False), ({"socket_timeout": 0.3, "path": "/x"}, {}, True), ({"path": "/x"}, {}, False),
        ({**SHORT, "socket_connect_timeout": None}, {}, True), ({**SHORT, "retry": Retry(NoBackoff(), 1)}, {}, True),
        ({**SHORT, "retry": Retry(NoBackoff(), 2)}, {}, False), (SHORT, {"retry": Retry(NoBackoff(), 2)}, False),
        (SHORT, {"retry": Retry(NoBackoff(), 1)}, True), (SHORT, {"retry": object()}, True),
        (SHORT, {"cluster_error_retry_attempts": 1}, True), (SHORT, {"cluster_error_retry_attempts": 2}, False),
        ({**SHORT, "decode_responses": True}, {}, False), ({**SHORT, "decode_responses": False}, {}, True),
    ],
)  # fmt: skip
def test_what_is_seen_of_a_client(kwargs: Any, more: dict[str, Any], taken: bool, cluster: bool) -> None:
    """Of one server or a cluster: what it waits and how often it tries are judged wherever they stand; what it does not tell is not."""
    client = Seen(kwargs, cluster=cluster, **more)
    if taken:
        assert Engine(client).client() is client
    else:
        assert refused(client).code in {"no_timeout", "decode_responses"}


def test_a_separator_in_the_query() -> None:
    """What follows in a URL does not change which server it names."""
    client = Engine("redis://h:1/2?ssl_ca_certs=file:///x").client()
    assert client.connection_pool.connection_kwargs["host"] == "h"


def test_what_a_url_spares() -> None:
    """By a URL a client speaks the older protocol and does not introduce itself, which would be two more round trips; a full pool is waited for as briefly as an answer."""
    pool = Engine("redis://h").client().connection_pool
    connection = pool.make_connection()
    assert (pool.timeout, connection.protocol, connection.driver_info) == (0.3, 2, None)


def test_what_is_said_of_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without redis-py the whole sentence names the package."""
    monkeypatch.setattr(module, "is_installed", lambda package: package != "redis")
    with pytest.raises(MissingExtra) as caught:
        RedisCache("redis://h")
    assert caught.value.message == "The Redis cache needs the package 'redis'."


def test_what_a_nameless_key_is_told() -> None:
    """A key's function without a name does not travel, and the refusal names the cache that it was given to."""
    with pytest.raises(ConfigError) as caught:
        pickle.dumps(RedisCache("redis://h", key=lambda: "k" * 32))
    assert caught.value.message == "RedisCache(key=) is a function without a name in a module, which is not pickled."


@pytest.mark.parametrize("answer", ["OK", b"x", [], [b"x"], [b"x", b"y"], object(), 7])
def test_what_is_no_answer(answer: Any) -> None:
    """What a client gives that no Redis would have given is a fault that says where to look."""

    class Own:
        def set(self, *_: Any, **__: Any) -> None: ...
        def eval(self, *_: Any) -> None: ...

        def evalsha(self, *_: Any) -> Any:
            return answer

    for act in (lambda cache: cache.get("a" * 64), lambda cache: cache.take("a" * 64, 0)):
        with pytest.raises(CacheFault) as caught:
            act(RedisCache(Own()))
        assert (caught.value.code, str(caught.value)) == (
            "no_answer", "that was no answer of a Redis: see where it leads to, and that it is no pipeline",
        )  # fmt: skip


@pytest.mark.parametrize("more", [0, 1])
def test_a_server_that_lies_about_a_length(more: int) -> None:
    """A record is measured when it is here as well: whoever answers in Redis's place does not measure it there."""

    class Lies:
        def evalsha(self, *_: object) -> list[object]:
            return [b"sa_auth 1 9999999999999 0\n".ljust(LARGEST + more, b"x"), -1 if more else 1000]

        eval = evalsha

    cache = RedisCache(Lies())
    if not more:
        got = cache.get("a" * 64)
        assert got is not None
        assert len(got.data) == LARGEST
        return
    with pytest.raises(CacheFault) as caught:
        cache.get("a" * 64)
    assert (caught.value.code, str(caught.value)) == (
        "too_large", "a record is larger than any that this library writes",
    )  # fmt: skip


def answering(answer: Any) -> RedisCache:
    """A cache whose client gives that."""

    class Own:
        def eval(self, *_: Any) -> None: ...

        def evalsha(self, *_: Any) -> Any:
            return answer

    return RedisCache(Own())


@pytest.mark.parametrize("milliseconds", [0, 1, 60_000])
def test_what_is_left_of_a_record(milliseconds: int) -> None:
    """A record is given with the seconds that Redis says are left of it, in its last millisecond as well."""
    found = answering([b"x", milliseconds]).get("a" * 64)
    assert found is not None
    assert (found.data, found.left) == (b"x", milliseconds / 1000)


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        ([b"x", -1], "no_expiry", "a record has no end, which none of this library's lacks"),
        (["x", 5], "decode_responses", "its client decodes what it reads; give it none that does"),
        (0, "too_large", "a record is larger than any that this library writes"),
    ],
)
def test_what_is_no_record(answer: Any, code: str, says: str) -> None:
    """What is kept for ever, comes as text or is too large is a fault that says so."""
    with pytest.raises(CacheFault) as caught:
        answering(answer).get("a" * 64)
    assert (caught.value.code, str(caught.value)) == (code, says)
