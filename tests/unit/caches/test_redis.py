"""The Redis cache on a real server: what replaces what, the lock, and whatever a server can do to its callers."""

from __future__ import annotations

import gc
import logging
import os
import pickle
import signal
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis
import trustme
import valkey as valkey_py
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from sa_auth._clock import Instant
from sa_auth.caches import RedisCache
from sa_auth.caches.base import CacheFault
from sa_auth.caches.breaker import Breaker
from sa_auth.caches.record import LARGEST, Seal, worth
from sa_auth.policy import Held
from sa_auth.testing import ManualClock
from sa_auth.token import Token
from tests.servers import started, valkey, valkey_binary

SEAL = Seal(b"s" * 32, b"i" * 32)
NAME = SEAL.name
KEY, LOCK = f"sa_auth:{{{NAME}}}", f"sa_auth:{{{NAME}}}:lock"
CANARY = "canary-7391"
HOLD = 0.3  # seconds that a server which does not answer may hold a caller
BRIEF: dict[str, Any] = {"socket_timeout": 0.3, "socket_connect_timeout": 0.3, "retry": Retry(NoBackoff(), 0)}
NEW_ANSWERS: dict[str, Any] = {"legacy_responses": False} if redis.VERSION >= (8,) else {}


def record(lives: float = 3600.0, value: str = "token") -> bytes:
    """A sealed token with so many seconds to live."""
    ends = time.time() + lives
    token = Token(value, expires_at=ends, refresh_at=ends, issued_at=ends - 7200)
    return SEAL.close(Held(token, 0.0), boot_id="")


def keep(cache: RedisCache, data: bytes, over: bytes | None = None, name: str = NAME) -> bool:
    """Puts a record for as long as it is worth it."""
    return cache.put(name, data, worth(data, time.time()), over=over)


def found(cache: RedisCache, name: str = NAME) -> bytes | None:
    """What is there."""
    got = cache.get(name)
    return None if got is None else got.data


def fault(act: Callable[[], Any], within: float = 5.0) -> CacheFault:
    """The fault that comes of it in time; nothing hangs on it."""
    began = time.monotonic()
    with pytest.raises(CacheFault) as caught:
        act()
    assert time.monotonic() - began < within
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    whole = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    ours = [repr(frame.locals) for frame in whole.stack if "/sa_auth/" in frame.filename]
    assert ours
    assert CANARY not in "".join([str(caught.value), repr(caught.value), *ours])
    # Without its frames, which would hold the cache, and its connections, until all is swept up.
    return caught.value.with_traceback(None)


def fault_or_none(act: Callable[[], Any]) -> CacheFault | None:
    """The fault that comes of it, if one does."""
    try:
        act()
    except CacheFault as error:
        return error
    return None


def eventually(act: Callable[[], Any], within: float = 20.0) -> Any:
    """What it gives, as soon as that is true and no fault."""
    ends_at = time.monotonic() + within
    while True:
        try:
            if given := act():
                return given
        except (CacheFault, redis.RedisError):
            pass
        assert time.monotonic() < ends_at
        time.sleep(0.02)


@contextmanager
def admin(port: int, **more: Any) -> Iterator[redis.Redis]:
    """A client of the test's own."""
    with redis.Redis(host="127.0.0.1", port=port, **more) as client:
        yield client


@contextmanager
def stopped(port: int) -> Iterator[None]:
    """Stops a server for a while, as SIGSTOP does: it accepts connections, by the kernel, and answers none."""
    with admin(port) as client:
        process = client.info("server")["process_id"]
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server for all tests of this file that do it no harm."""
    with valkey() as running:
        yield running


@pytest.fixture
def raw(port: int) -> Iterator[redis.Redis]:
    """A client of the test's own, of a server that is empty and has counted nothing yet."""
    with admin(port) as client:
        client.flushall()
        client.script_flush()
        client.config_resetstat()
        yield client


@pytest.fixture
def cache(port: int, raw: redis.Redis) -> RedisCache:
    """A cache there."""
    return RedisCache(f"redis://127.0.0.1:{port}")


def commands(client: redis.Redis) -> dict[str, int]:
    """How often each command was sent or run since the server was asked to forget, but for those of the tests."""
    told = client.info("commandstats")
    ours = {name.removeprefix("cmdstat_"): seen["calls"] for name, seen in told.items()}
    return {name: calls for name, calls in ours.items() if name not in {"info", "config|resetstat"}}


# What is put, and what replaces what.
def test_what_was_put_is_found(cache: RedisCache) -> None:
    """What was put is found, with the seconds that Redis will keep it; under another name there is nothing."""
    assert cache.get(NAME) is None
    data = record(60)
    assert keep(cache, data)
    got = cache.get(NAME)
    assert got is not None
    assert got.data == data
    assert 50 < got.left <= 60
    assert cache.get("b" * 64) is None


@pytest.mark.parametrize("data", [b"sa_auth 1 9999999999999 0\n" + bytes(range(256)), b"sa_auth 1 1 0\n\r\n\0\xff" * 9])
def test_any_bytes(cache: RedisCache, data: bytes) -> None:
    """A record is bytes, whatever stands in them."""
    assert cache.put(NAME, data, 5, over=None)
    assert found(cache) == data


def test_the_largest(cache: RedisCache) -> None:
    """A record of the largest size that there is goes there and back."""
    data = b"sa_auth 1 9999999999999 0\n".ljust(LARGEST, b"x")
    assert cache.put(NAME, data, 5, over=None)
    assert found(cache) == data
    assert cache.put(NAME, data, 6, over=data)


def test_what_ends_later_stays(cache: RedisCache) -> None:
    """A record replaces one that ends earlier, and none that ends later, even where it saw another one there."""
    early, late = record(60), record(120)
    assert keep(cache, early)
    assert keep(cache, late)
    assert not keep(cache, early)
    assert not keep(cache, early, over=record(10))
    assert not keep(cache, early, over=b"")
    assert found(cache) == late


def test_what_was_of_no_use_gives_way(cache: RedisCache) -> None:
    """A record replaces the very one that was of no use, though that ends later."""
    early, late = record(60), record(120)
    assert keep(cache, late)
    assert keep(cache, early, over=late)
    assert found(cache) == early


@pytest.mark.parametrize(
    "junk",
    [
        b"", b"junk", b"sa_auth 1 1", b"sa_auth  1 1 1\nx", b"SA_AUTH 1 9999999999999 0\nx", b"sa_auth one 9999999999999 0\n",
        b"sa_auth 10000 9999999999999 0\nx", b"sa_auth 1 99999999999999999 0\nx", b"sa_auth 2 1 999999999\nx",
        b" sa_auth 1 9999999999999 0\nx", b"sa_auth 1 9999999999999 0\n".ljust(LARGEST + 1, b"x"), b"\0" * 1000,
    ],
    ids=range(12),
)  # fmt: skip
def test_junk_gives_way(cache: RedisCache, raw: redis.Redis, junk: bytes) -> None:
    """What is no record, or is too large for one, gives way, though it would stay for long."""
    raw.set(KEY, junk, ex=86_400)
    data = record(60)
    assert keep(cache, data)
    assert found(cache) == data


def test_what_never_ends_gives_way(cache: RedisCache, raw: redis.Redis) -> None:
    """A record that somebody keeps for ever is not handed out, and gives way."""
    raw.set(KEY, record(9999))
    assert fault(lambda: cache.get(NAME)).code == "no_expiry"
    data = record(60)
    assert keep(cache, data)
    assert found(cache) == data
    assert 0 < raw.ttl(KEY) <= 60
    raw.persist(KEY)
    refreshing = b"sa_auth 1 1 2592000\nof a token that has ended"
    assert cache.put(NAME, refreshing, 2_592_000 - 3600, over=None)
    assert found(cache) == refreshing


@pytest.mark.parametrize("seen", [False, True])
@pytest.mark.parametrize("kept", [True, False])
def test_a_later_version_stays(cache: RedisCache, raw: redis.Redis, *, seen: bool, kept: bool) -> None:
    """A record of a later version of this library is not replaced, not even by one who found it of no use."""
    newer = b"sa_auth 2 1 0\nof another form"
    raw.set(KEY, newer, ex=2 if kept else None)
    assert not keep(cache, record(3600), over=newer if seen else None)
    assert raw.get(KEY) == newer


def test_an_earlier_version_is_judged_as_any(cache: RedisCache, raw: redis.Redis) -> None:
    """A record of an earlier version stays where it ends later, and gives way where it ends earlier."""
    raw.set(KEY, b"sa_auth 0 1 0\nx", ex=600)
    assert not keep(cache, record(60))
    assert keep(cache, record(3600))


def test_redis_clock_decides(cache: RedisCache) -> None:
    """Which one ends later, Redis's clock says: a machine whose clock is a day ahead neither wins nor loses by it."""
    ahead, ours = record(86_400 + 60), record(120)
    assert cache.put(NAME, ahead, 60, over=None)
    assert keep(cache, ours)
    assert not cache.put(NAME, ahead, 60, over=None)
    behind = record(-86_400 + 3600)
    assert cache.put(NAME, behind, 3600, over=None)
    assert found(cache) == behind


def test_what_is_kept_for_its_refresh_token(cache: RedisCache, raw: redis.Redis) -> None:
    """A record that is kept beyond its token's end gives way to a token that ends later, and the other way round."""
    refreshed = b"sa_auth 1 9999999999999 2592000\nx"
    assert cache.put(NAME, refreshed, 2_592_000 + 60, over=None)
    assert keep(cache, record(120))
    assert raw.ttl(KEY) <= 120
    assert not cache.put(NAME, refreshed, 2_592_000 + 60, over=None)
    assert cache.put(NAME, refreshed, 2_592_000 + 600, over=None)


@pytest.mark.parametrize("seconds", [0, -1, -0.001, float("nan")])
def test_without_worth(cache: RedisCache, raw: redis.Redis, seconds: float) -> None:
    """A record without worth is not kept."""
    assert not cache.put(NAME, record(60), seconds, over=None)
    assert not cache.put(NAME, b"no record", 60, over=None)
    assert raw.dbsize() == 0


@pytest.mark.parametrize(("seconds", "least"), [(0.0001, 0), (1e300, 9e9), (float("inf"), 9e9)])
def test_odd_times(cache: RedisCache, raw: redis.Redis, seconds: float, least: float) -> None:
    """A record of a moment's worth, or of more than Redis can count, is put without a fault."""
    assert cache.put(NAME, record(60), seconds, over=None)
    assert raw.ttl(KEY) > least if least else raw.pttl(KEY) <= 1


def test_discard(cache: RedisCache, raw: redis.Redis) -> None:
    """What is to be forgotten goes if it is still the one that is there; of nothing there is nothing to forget."""
    first, second = record(60), record(120)
    cache.discard(NAME, first)
    keep(cache, first)
    cache.discard(NAME, second)
    assert found(cache) == first
    keep(cache, second)
    cache.discard(NAME, first)
    assert found(cache) == second
    cache.discard(NAME, second)
    assert found(cache) is None
    assert raw.dbsize() == 0


def test_a_record_of_another_identity(cache: RedisCache, raw: redis.Redis) -> None:
    """A record that was copied over from another identity does not open, and gives way."""
    other = Seal(b"s" * 32, b"j" * 32)
    data = record(3600)
    assert keep(cache, data)
    raw.copy(KEY, f"sa_auth:{{{other.name}}}")
    got = cache.get(other.name)
    assert got is not None
    now = Instant(time.time(), 0.0)
    assert fault(lambda: other.open(got.data, now, left=got.left, boot_id="")).code == "damaged"
    token = Token("own", expires_at=time.time() + 60, refresh_at=0, issued_at=time.time())
    own = other.close(Held(token, 0.0), boot_id="")
    assert keep(cache, own, over=got.data, name=other.name)
    assert found(cache, other.name) == own


def test_a_huge_value(cache: RedisCache, raw: redis.Redis) -> None:
    """A value larger than any record is refused, and does not even come over the wire."""
    raw.set(KEY, b"sa_auth 1 9999999999999 0\n" + b"x" * 20_000_000, ex=60)
    before = raw.info("stats")["total_net_output_bytes"]
    assert fault(lambda: cache.get(NAME)).code == "too_large"
    assert raw.info("stats")["total_net_output_bytes"] - before < 100_000


def test_a_key_of_another_type(cache: RedisCache, raw: redis.Redis) -> None:
    """What is no string at a record's or lock's name is a fault that says so, and is not deleted."""
    raw.rpush(KEY, "x")
    for act in (lambda: cache.get(NAME), lambda: keep(cache, record()), lambda: cache.discard(NAME, b"x")):
        assert fault(act).code == "wrong_type"
    lock = cache.take(NAME, 0)
    raw.delete(LOCK)
    raw.rpush(LOCK, "x")
    lock.release()
    assert fault(lambda: cache.take(NAME, 0.05)).code == "wrong_type"
    assert raw.exists(KEY, LOCK) == 2


def test_prefix(port: int, raw: redis.Redis) -> None:
    """Caches of different prefixes share a Redis and no record; the prefix begins every key."""
    mine, yours = (RedisCache(f"redis://127.0.0.1:{port}", prefix=prefix) for prefix in ("mine/", "y\xfcrs "))
    assert keep(mine, record())
    assert yours.get(NAME) is None
    assert keep(yours, record(5))
    assert mine.take(NAME, 0)
    assert sorted(raw.keys()) == [
        f"mine/{{{NAME}}}".encode(),
        f"mine/{{{NAME}}}:lock".encode(),
        f"y\xfcrs {{{NAME}}}".encode(),
    ]


# The lock.
def test_one_has_the_lock(cache: RedisCache, port: int, raw: redis.Redis) -> None:
    """Who has the lock has it alone, in this cache and in any other; given back, the next one has it."""
    other = RedisCache(f"redis://127.0.0.1:{port}")
    lock = cache.take(NAME, 0)
    assert lock
    assert cache.take(NAME, 0) is None
    assert other.take(NAME, 0) is None
    assert other.take("b" * 64, 0)
    lock.release()
    lock.release()
    assert other.take(NAME, 0)
    assert 4000 < raw.pttl(LOCK) <= 5000


def test_the_lease_ends_it(port: int, raw: redis.Redis) -> None:
    """A lock that nobody gives back is free after its lease; who had it does not take it from the next one."""
    brief, cache = (RedisCache(f"redis://127.0.0.1:{port}", lease=lease) for lease in (0.2, 60))
    began = time.monotonic()
    stale = brief.take(NAME, 0)
    lock = cache.take(NAME, 4)
    assert lock
    assert 0.19 < time.monotonic() - began < 4
    stale.release()
    assert raw.exists(LOCK)
    lock.release()
    assert not raw.exists(LOCK)


def test_a_lock_without_an_end(cache: RedisCache, raw: redis.Redis) -> None:
    """A lock that somebody keeps for ever is nobody's: the next one has it, with its lease, and its holder of before nothing."""
    old = cache.take(NAME, 0)
    raw.persist(LOCK)
    lock = cache.take(NAME, 0)
    assert lock
    assert 4000 < raw.pttl(LOCK) <= 5000
    assert cache.take(NAME, 0) is None
    old.release()
    assert cache.take(NAME, 0) is None
    lock.release()
    raw.set(LOCK, b"x" * 2_000_000)
    assert cache.take(NAME, 0)
    assert 4000 < raw.pttl(LOCK) <= 5000


def test_a_lock_without_an_end_is_had_by_one(port: int, raw: redis.Redis) -> None:
    """Of eight who find a lock without an end at once, one has it."""
    raw.set(LOCK, b"x")
    caches = [RedisCache(f"redis://127.0.0.1:{port}") for _ in range(8)]
    barrier, locks = threading.Barrier(8), []

    def work(cache: RedisCache) -> None:
        barrier.wait(10)
        locks.append(cache.take(NAME, 0))

    threads = [threading.Thread(target=work, args=(cache,)) for cache in caches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(lock is None for lock in locks) == [False, *[True] * 7]


def test_waiting(cache: RedisCache) -> None:
    """Who waits has the lock soon after it was given back, and no lock when the time is over, and not much later."""
    lock = cache.take(NAME, 0)
    began = time.monotonic()
    assert cache.take(NAME, 0.2) is None
    assert 0.2 <= time.monotonic() - began < 0.8
    timer = threading.Timer(0.1, lock.release)
    timer.start()
    assert cache.take(NAME, 10)
    assert 0.3 < time.monotonic() - began < 2
    timer.join()


def test_waiters_do_not_hammer(cache: RedisCache, raw: redis.Redis) -> None:
    """Sixteen who wait for half a second send a few hundred commands."""
    cache.take(NAME, 0)
    raw.config_resetstat()
    waiting = [threading.Thread(target=cache.take, args=(NAME, 0.5)) for _ in range(16)]
    for thread in waiting:
        thread.start()
    for thread in waiting:
        thread.join(10)
    assert 16 < commands(raw)["set"] <= 16 * 30


def test_a_childs_copy_of_the_lock(cache: RedisCache, raw: redis.Redis) -> None:
    """A forked child does not give back what its parent holds, and uses a connection of its own."""
    lock = cache.take(NAME, 0)
    data = record()
    child = os.fork()
    if child == 0:
        try:
            lock.release()
            os._exit(0 if cache.take(NAME, 0) is None and keep(cache, data) and found(cache) == data else 1)
        finally:
            os._exit(2)
    for _ in range(50):
        assert found(cache) in {None, data}
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert raw.exists(LOCK)
    assert found(cache) == data


def test_flushed_between_lock_and_record(cache: RedisCache, raw: redis.Redis) -> None:
    """Whoever empties Redis while a token is being asked for costs the lock and no more."""
    lock = cache.take(NAME, 0)
    raw.flushall()
    raw.script_flush()
    data = record()
    assert keep(cache, data)
    lock.release()
    assert found(cache) == data


# What goes over the wire.
def test_one_command_an_act(cache: RedisCache, raw: redis.Redis) -> None:
    """Each act is one command, but for the first of its kind after a start, and there is no chatter before it."""
    data = record()
    assert found(cache) is None
    assert commands(raw) == {"evalsha": 1, "eval": 1, "strlen": 1, "get": 1}
    keep(cache, data)
    cache.discard(NAME, b"x")
    raw.config_resetstat()
    found(cache)
    assert commands(raw) == {"evalsha": 1, "strlen": 1, "get": 1, "pttl": 1}
    raw.config_resetstat()
    keep(cache, data, over=data)
    assert commands(raw) == {"evalsha": 1, "get": 1, "pttl": 1, "set": 1}
    raw.config_resetstat()
    cache.take(NAME, 0)
    raw.config_resetstat()
    assert cache.take(NAME, 0) is None
    assert commands(raw) == {"evalsha": 1, "set": 1, "pttl": 1}
    raw.delete(LOCK)
    raw.config_resetstat()
    cache.take(NAME, 0).release()
    assert commands(raw) == {"evalsha": 2, "set": 1, "get": 1, "del": 1}
    raw.config_resetstat()
    cache.discard(NAME, data)
    assert commands(raw) == {"evalsha": 1, "get": 1, "del": 1}


def test_scripts_forgotten(cache: RedisCache, raw: redis.Redis) -> None:
    """A Redis that was restarted, or asked to forget its scripts, is told them again."""
    for seconds in (60, 120):
        raw.script_flush()
        assert keep(cache, record(seconds))
        raw.script_flush()
        assert found(cache)


def test_sixteen_threads(cache: RedisCache, raw: redis.Redis) -> None:
    """As many renewals as run at once share a small pool of connections, without a fault."""
    data, faults = record(), []

    def work(number: int) -> None:
        name = f"{number % 5:064x}"
        try:
            for _ in range(50):
                keep(cache, data, name=name)
                assert found(cache, name) == data
                if lock := cache.take(name, 0):
                    lock.release()
        except BaseException as error:
            faults.append(error)

    gc.collect()
    before = len(raw.client_list())
    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert faults == []
    # On a busy machine giving a lock back may time out; then there is a new client, and the old one goes with the garbage.
    eventually(lambda: gc.collect() >= 0 and len(raw.client_list()) - before <= 16)


# Ways to reach it.
def works(cache: RedisCache) -> bool:
    """Whether every act does what it should."""
    early, late = record(60), record(120)
    assert found(cache) is None
    assert keep(cache, early)
    assert keep(cache, late)
    assert not keep(cache, early)
    assert found(cache) == late
    lock = cache.take(NAME, 0)
    assert lock
    assert cache.take(NAME, 0.05) is None
    lock.release()
    again = cache.take(NAME, 0)
    assert again
    again.release()
    cache.discard(NAME, late)
    return found(cache) is None


@pytest.mark.parametrize(
    "make",
    [
        lambda port: f"redis://127.0.0.1:{port}", lambda port: f"valkey://127.0.0.1:{port}/5",
        lambda port: f"redis://localhost:{port}?db=3", lambda port: f"redis://127.0.0.1:{port}?protocol=3",
        lambda port: redis.Redis(port=port, **BRIEF), lambda port: redis.Redis(port=port, protocol=3, **BRIEF),
        lambda port: redis.Redis(port=port, **NEW_ANSWERS, **BRIEF),
        lambda port: redis.Redis(port=port, single_connection_client=True, **BRIEF),
        lambda port: valkey_py.Valkey(port=port, socket_timeout=0.3),
        lambda port: lambda: f"redis://127.0.0.1:{port}/1", lambda port: lambda: redis.Redis(port=port, **BRIEF),
    ],
)  # fmt: skip
def test_ways_to_reach_it(make: Callable[[int], Any], port: int, raw: redis.Redis) -> None:
    """By URL, client or function, of redis-py and valkey-py, whatever their answers look like: every act works."""
    where = make(port)
    assert works(RedisCache(where))
    if hasattr(where, "close"):
        where.close()


def test_unix_socket(tmp_path: Path) -> None:
    """A server of the same machine is reached by its socket."""
    place = tmp_path / "s"
    with valkey("--unixsocket", str(place), "--requirepass", CANARY):
        assert works(RedisCache(f"unix://{place}?password={CANARY}&db=2"))
        assert works(RedisCache(f"unix://default:{CANARY}@{place}"))
        assert fault(lambda: RedisCache(f"unix://{place}").get(NAME)).code == "auth"
    assert fault(lambda: RedisCache(f"unix://{place}").get(NAME)).code == "unreachable"


def test_pipelines(port: int, raw: redis.Redis) -> None:
    """A pipeline, which gives no answers, is a fault and no lock."""
    with redis.Redis(port=port, **BRIEF) as client, client.pipeline() as pipeline:
        cache = RedisCache(pipeline)
        assert fault(lambda: cache.take(NAME, 0)).code == "no_answer"
        assert fault(lambda: cache.get(NAME)).code == "no_answer"
        assert not keep(cache, record())


def test_a_client_that_decodes_unseen() -> None:
    """A client of another make that gives text is a fault that says so."""

    class Decoding:
        def eval(self, *_: Any) -> Any: ...

        def evalsha(self, *_: Any) -> list[Any]:
            return ["text", 5]

    cache = RedisCache(Decoding())
    assert fault(lambda: cache.get(NAME)).code == "decode_responses"
    assert fault(lambda: cache.take(NAME, 0)).code == "no_answer"


@contextmanager
def by_tls(port: int, context: ssl.SSLContext) -> Iterator[int]:
    """What speaks TLS on one side, and to that port on the other; gives its own."""

    def pump(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                target.sendall(data)
        except OSError:
            pass
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            try:
                taken = closing.enter_context(context.wrap_socket(plain, server_side=True))
            except OSError:  # the handshake was refused
                plain.close()
                continue
            server = closing.enter_context(socket.create_connection(("127.0.0.1", port)))
            for ends in ((taken, server), (server, taken)):
                threading.Thread(target=pump, args=ends, daemon=True).start()

    with ExitStack() as closing, socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_tls(port: int, raw: redis.Redis, tmp_path: Path) -> None:
    """By rediss:// and valkeys:// the server's certificate is checked; one that is not trusted is a fault that says so."""
    authority, place = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(place)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with by_tls(port, context) as safe:
        assert works(RedisCache(f"rediss://localhost:{safe}?ssl_ca_certs={place}"))
        assert works(RedisCache(f"valkeys://localhost:{safe}?ssl_ca_certs={place}"))
        for url in (f"rediss://localhost:{safe}", f"rediss://127.0.0.1:{safe}?ssl_ca_certs={place}"):
            told = fault(lambda url=url: RedisCache(url).get(NAME))
            assert told.code == "certificate"
            assert "ssl_ca_certs=" in str(told)
        assert fault(lambda: RedisCache(f"redis://localhost:{safe}").get(NAME)).code in {"unreachable", "timeout"}
    assert fault(lambda: RedisCache(f"rediss://127.0.0.1:{port}").get(NAME)).code in {"unreachable", "timeout"}


def test_sentinel(port: int, raw: redis.Redis, tmp_path: Path) -> None:
    """A Sentinel's client finds the primary that the Sentinel names, and says where there is none."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        watching = probe.getsockname()[1]
    settings = tmp_path / "sentinel.conf"
    settings.write_text(f"port {watching}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 {port} 1\n")
    with started([valkey_binary(), str(settings), "--sentinel"], tmp_path / "log"):
        sentinel = Sentinel([("127.0.0.1", watching)], sentinel_kwargs=BRIEF, **BRIEF)
        eventually(lambda: sentinel.discover_master("main"))
        with sentinel.master_for("main") as client:
            assert works(RedisCache(client))
        with sentinel.master_for("another") as client:
            assert fault(lambda: RedisCache(client).get(NAME)).code == "unreachable"
        for each in sentinel.sentinels:  # redis-py 6 has no act that closes them all
            each.close()


def test_cluster() -> None:
    """A cluster's client runs every script, by redis-py and valkey-py; a cluster that lacks slots is a fault that says so."""
    with valkey("--cluster-enabled", "yes") as port, admin(port) as client:
        assert fault(lambda: RedisCache(f"redis://127.0.0.1:{port}").get(NAME)).code == "cluster_down"
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        eventually(lambda: client.cluster("INFO")["cluster_state"] == "ok")
        with redis.RedisCluster(host="127.0.0.1", port=port, **BRIEF) as cluster:
            assert works(RedisCache(cluster))
            lock = RedisCache(cluster).take(NAME, 0)
            keep(RedisCache(cluster), record())
            assert {cluster.keyslot(key) for key in cluster.scan_iter()} == {cluster.keyslot(KEY)}
            lock.release()
            cluster.flushall()
        other = valkey_py.ValkeyCluster(
            host="127.0.0.1", port=port, socket_timeout=0.3, socket_connect_timeout=0.3, cluster_error_retry_attempts=1,
        )  # fmt: skip
        assert works(RedisCache(other))
        other.close()


# Servers that say no.
def test_a_server_that_asks_for_a_password() -> None:
    """Without or with a wrong password the fault says what to do; the server is asked again at once when that is mended."""
    with valkey("--requirepass", CANARY) as port:
        cache = RedisCache(f"redis://127.0.0.1:{port}")
        for act in (lambda: cache.get(NAME), lambda: cache.take(NAME, 1), lambda: keep(cache, record())):
            told = fault(act)
            assert told.code == "auth"
            assert "put it into the URL: redis://:password@host" in str(told)
        assert "refuses the user or password" in str(
            fault(lambda: RedisCache(f"redis://:x@127.0.0.1:{port}").get(NAME))
        )
        assert works(RedisCache(f"redis://:{CANARY}@127.0.0.1:{port}"))
        with admin(port, password=CANARY) as client:
            client.config_set("requirepass", "")
        assert works(cache)
        assert "leave it out" in str(fault(lambda: RedisCache(f"redis://:x@127.0.0.1:{port}").get(NAME)))


def test_a_user_with_few_rights(port: int, raw: redis.Redis) -> None:
    """The rights that the fault names are those that it takes, and no fewer."""
    rights, data = ["+get", "+set", "+del", "+pttl", "+strlen", "+eval", "+evalsha"], record()

    def of(commands: list[str], keys: str = "sa_auth:*") -> RedisCache:
        raw.flushall()
        raw.script_flush()
        raw.acl_setuser("robot", enabled=True, passwords=["+pw"], keys=[keys], commands=commands, reset=True)
        return RedisCache(f"redis://robot:pw@127.0.0.1:{port}")

    assert works(of(rights))
    cache = of(rights)
    raw.set(LOCK, b"x")
    assert cache.take(NAME, 0)
    for right in rights:
        cache = of([one for one in rights if one != right])
        raw.set(KEY, data, ex=60)
        tried = (partial(cache.get, NAME), partial(keep, cache, data, data), partial(cache.discard, NAME, data))
        told = [one for one in map(fault_or_none, tried) if one is not None]
        assert {one.code for one in told} == {"no_permission"}
        assert right in str(told[0])
    assert fault(lambda: of(rights, "other:*").get(NAME)).code == "no_permission"


def test_a_read_only_replica() -> None:
    """Of a replica a token is read though nothing is put there; once it is the primary, all goes on at once."""
    with valkey("--repl-diskless-sync-delay", "0") as main, valkey("--replicaof", "127.0.0.1", str(main)) as second:
        data = record(60)
        assert keep(RedisCache(f"redis://127.0.0.1:{main}"), data)
        cache = RedisCache(f"redis://127.0.0.1:{second}")
        assert eventually(lambda: found(cache)) == data
        for act in (lambda: keep(cache, record()), lambda: cache.take(NAME, 1), lambda: cache.discard(NAME, data)):
            told = fault(act)
            assert told.code == "read_only"
            assert "name its primary" in str(told)
            assert found(cache) == data
        with admin(second) as client:
            client.replicaof("NO", "ONE")
        assert cache.take(NAME, 0)
        assert keep(cache, record())


def test_a_name_that_leads_elsewhere_by_now(port: int, raw: redis.Redis) -> None:
    """After a primary has become a replica, its name is looked up anew: connections to the old one are let go."""
    cache = RedisCache(f"redis://127.0.0.1:{port}")
    found(cache)
    ours = cache._engine.client()
    raw.replicaof("127.0.0.1", "1")
    try:
        assert fault(lambda: cache.take(NAME, 0)).code == "read_only"
    finally:
        raw.replicaof("NO", "ONE")
    assert cache._engine.client() is not ours
    assert works(cache)


def test_a_full_server(port: int, raw: redis.Redis, cache: RedisCache) -> None:
    """Where its memory is full nothing is put, and what is there is read and discarded."""
    data = record()
    keep(cache, data)
    raw.config_set("maxmemory", "1")
    try:
        assert fault(lambda: cache.take(NAME, 0)).code == "full"
        assert fault(lambda: keep(cache, record(), over=data)).code == "full"
        assert found(cache) == data
        cache.discard(NAME, data)
    finally:
        raw.config_set("maxmemory", "0")
    assert found(cache) is None


def test_too_few_replicas(raw: redis.Redis, cache: RedisCache) -> None:
    """A server that refuses writes until it is copied says so, and is read."""
    keep(cache, record())
    raw.config_set("min-replicas-to-write", "1")
    try:
        assert fault(lambda: cache.take(NAME, 0)).code == "no_replicas"
        assert found(cache)
    finally:
        raw.config_set("min-replicas-to-write", "0")


def test_no_such_database(port: int, raw: redis.Redis) -> None:
    """A number of a database that there is not is a fault that says so."""
    assert fault(lambda: RedisCache(f"redis://127.0.0.1:{port}/77").get(NAME)).code == "no_database"


def test_what_redis_py_does_not_take(port: int) -> None:
    """A parameter of the URL that redis-py does not know is a fault, named by class."""
    told = fault(lambda: RedisCache(f"redis://127.0.0.1:{port}?nothing={CANARY}").get(NAME))
    assert told.code == "TypeError"
    assert CANARY not in str(told)


# Servers that are gone.
def acts(cache: RedisCache) -> list[Callable[[], Any]]:
    """Every act."""
    return [
        lambda: cache.get(NAME), lambda: cache.take(NAME, 2), lambda: keep(cache, record()),
        lambda: cache.discard(NAME, b"x"),
    ]  # fmt: skip


def left_alone(cache: RedisCache) -> RedisCache:
    """The cache, with a clock that stands still: once it failed, its pause does not end."""
    cache._breaker = Breaker(ManualClock())
    return cache


def test_whoever_accepts_and_never_answers() -> None:
    """A server that accepts and never answers holds one caller for 0.3 seconds, and then nobody for a while."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for scheme in ("redis", "rediss"):
            cache = left_alone(RedisCache(f"{scheme}://127.0.0.1:{silent.getsockname()[1]}"))
            assert fault(partial(cache.get, NAME), within=4 * HOLD).code == "timeout"
            for act in acts(cache):
                assert fault(act, within=HOLD / 2).code == "timeout"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"", "unreachable"), (b"HTTP/1.1 400 Bad Request\r\n\r\n", "InvalidResponse"), (b"$5\r\nab", "unreachable"),
        (b"\0" * 100, "timeout"), (b"+OK\r\n", "no_answer"), (b":5\r\n", "no_answer"), (b"*0\r\n", "no_answer"),
        (b"*1\r\n$1\r\na\r\n", "no_answer"), (b"*2\r\n:1\r\n:2\r\n", "no_answer"), (b"-NO canary-7391\r\n", "refused"),
    ],
)  # fmt: skip
def test_whatever_answers(answer: bytes, code: str) -> None:
    """What closes the connection, speaks another language or gives an answer of another kind is a fault in time."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            taken, _ = server.accept()
            with taken:
                taken.recv(1000)
                taken.sendall(answer)
                if code == "timeout":
                    taken.recv(1000)

        thread = threading.Thread(target=serve)
        thread.start()
        cache = RedisCache(f"redis://127.0.0.1:{server.getsockname()[1]}")
        told = fault(lambda: cache.get(NAME), within=4 * HOLD)
        assert told.code == code
        assert CANARY not in str(told)
        thread.join(10)


@pytest.mark.parametrize("where", ["redis://127.0.0.1:1", "redis://no-such-host.invalid", "unix:///no/such.sock"])
def test_nobody_there(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody listens, or the name leads nowhere, each act is a fault at once."""
    if "invalid" in where:

        def unknown(*_: Any) -> Any:
            raise socket.gaierror(socket.EAI_NONAME, CANARY)

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
    cache = left_alone(RedisCache(where))
    told = [fault(act) for act in acts(cache)]
    assert {one.code for one in told} == {"unreachable"}
    assert [("left alone" in str(one)) for one in told] == [False, True, True, True]
    assert CANARY not in str(told[0])


def test_a_stopped_server(port: int, raw: redis.Redis) -> None:
    """A server that was stopped (SIGSTOP) holds no caller for longer than 0.3 s, a connection of before as little."""
    url = f"redis://127.0.0.1:{port}"
    fresh, used = left_alone(RedisCache(url)), left_alone(RedisCache(url))
    lock = used.take(NAME, 0)
    with stopped(port):
        for cache in (fresh, used):
            assert fault(partial(cache.get, NAME), within=4 * HOLD).code == "timeout"
            for act in acts(cache):
                assert fault(act, within=HOLD / 2).code == "timeout"
        began = time.monotonic()
        lock.release()
        assert time.monotonic() - began < HOLD / 2


def test_a_server_that_goes_on(port: int, raw: redis.Redis) -> None:
    """Once a stopped server goes on, it is used again by itself."""
    cache = RedisCache(f"redis://127.0.0.1:{port}")
    with stopped(port):
        fault(partial(cache.get, NAME), within=4 * HOLD)
    eventually(lambda: works(cache))
    assert cache._breaker._pause.failures == 0


def test_threads_on_a_stopped_server(port: int, raw: redis.Redis) -> None:
    """Sixteen threads at once are held no longer than two waits, and the pause after is the shortest."""
    cache, told = RedisCache(f"redis://127.0.0.1:{port}"), []
    with stopped(port):
        threads = [
            threading.Thread(target=lambda: told.append(fault(lambda: cache.get(NAME), within=8 * HOLD).code))
            for _ in range(16)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
    assert set(told) <= {"timeout", "unreachable"}
    assert len(told) == 16
    eventually(lambda: cache.get(NAME) is None)


def test_a_server_that_comes_back() -> None:
    """After a server died and came back, sharing goes on by itself within five seconds."""
    with valkey() as port:
        cache = RedisCache(f"redis://127.0.0.1:{port}")
        assert works(cache)
    ends_at = time.monotonic() + 1
    while time.monotonic() < ends_at:
        assert fault(lambda: cache.get(NAME), within=4 * HOLD).code == "unreachable"
        time.sleep(0.02)
    with valkey(port=port):
        eventually(lambda: works(cache), within=4 * 5)


def test_idle_connections_that_were_closed(port: int, raw: redis.Redis) -> None:
    """A connection that the server closed meanwhile is made anew, without a fault."""
    cache = RedisCache(f"redis://127.0.0.1:{port}")
    assert found(cache) is None
    raw.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert found(cache) is None


def test_a_function_that_fails() -> None:
    """What the caller's function raises is named by its class, and the function left alone for a while."""
    calls = []

    def failing() -> Any:
        calls.append(1)
        raise LookupError(CANARY)

    cache = left_alone(RedisCache(failing))
    for act in acts(cache):
        told = fault(act)
        assert told.code == "LookupError"
        assert CANARY not in str(told)
    assert calls == [1]
    told = fault(lambda: RedisCache(lambda: redis.Redis(port=1)).get(NAME))
    assert told.code == "no_timeout"
    assert "socket_timeout=0.3" in str(told)


# What is seen of it.
def test_no_password_is_seen(caplog: pytest.LogCaptureFixture, port: int, raw: redis.Redis) -> None:
    """The password stands in no repr, error, log, frame or pickle, whatever goes wrong."""
    caplog.set_level(logging.DEBUG)
    urls = [
        f"redis://robot:{CANARY}@127.0.0.1:{port}/0", f"redis://:{CANARY}@127.0.0.1:1", f"unix://:{CANARY}@/no/such",
        f"redis://:{CANARY}@[::1]:1", f"rediss://:{CANARY}@127.0.0.1:{port}", f"redis://h?password={CANARY}&x=1",
    ]  # fmt: skip
    seen = []
    for url in urls:
        cache = RedisCache(url)
        for one in (cache, RedisCache(lambda url=url: url)):
            told = fault(partial(one.get, NAME))  # which looks at its frames
            seen += [str(told), repr(told), repr(told.args), repr(one), repr(vars(one))]
        with pytest.raises(Exception, match="not pickled") as caught:
            pickle.dumps(cache)
        seen.append(str(caught.value))
    assert CANARY not in "".join(seen)
    assert CANARY not in caplog.text
