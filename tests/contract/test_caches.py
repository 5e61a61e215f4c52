"""What every cache that processes share promises, whatever it keeps its records in.

A new one is a row in the table: how it is opened at a place, where that is, and how it can be broken.
"""

from __future__ import annotations

import os
import pickle
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import sa_auth
from sa_auth import ServiceAccountCredentials
from sa_auth.caches import CACHES as SHELF
from sa_auth.caches import CacheFault, FileCache, RedisCache, TokenCache
from sa_auth.caches.record import Seal
from sa_auth.errors import ConfigError
from sa_auth.policy import Held
from sa_auth.testing import Authority, new_key
from sa_auth.token import Token
from tests.servers import valkey

SEAL = Seal(b"s" * 32, b"i" * 32)
NAME, ANOTHER = SEAL.name, "b" * 64
PRIVATE, PUBLIC = new_key("p256")
LEASE = 1.2  # seconds


class Backend(NamedTuple):
    """A row: what is asked of a cache beyond the port, to try it.

    Attributes:
        open: Makes a cache at a place; more arguments are the cache's own.
        place: A place of its own for a test.
        broken: Ways in which it cannot be used; each gives a cache.
        hasty: Arguments with which it need not be waited for long when a process was killed.
        followed: Seconds by which its lock is another's then.
        slow: Seconds that an act may take where it is broken.
    """

    open: Callable[..., Any]
    place: Callable[[pytest.FixtureRequest], Any]
    broken: dict[str, Callable[[Path], AbstractContextManager[Any]]]
    hasty: dict[str, Any]
    followed: float
    slow: float


# Files.
def _folder(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("tmp_path") / "cache")


@contextmanager
def _a_file(path: Path) -> Iterator[FileCache]:
    (path / "cache").write_text("no folder")
    yield FileCache(path / "cache")


@contextmanager
def _a_link(path: Path) -> Iterator[FileCache]:
    (path / "real").mkdir(mode=0o700)
    (path / "cache").symlink_to(path / "real")
    yield FileCache(path / "cache")


@contextmanager
def _open_to_all(path: Path) -> Iterator[FileCache]:
    (path / "cache").mkdir()
    (path / "cache").chmod(0o777)
    yield FileCache(path / "cache")


# Redis.
@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    """A server for all tests here."""
    with valkey() as port:
        yield port


def _keys(request: pytest.FixtureRequest) -> tuple[str, str]:
    return f"redis://127.0.0.1:{request.getfixturevalue('server')}", f"{secrets.token_hex(8)}:"


def _redis(place: tuple[str, str], **more: Any) -> RedisCache:
    return RedisCache(place[0], prefix=place[1], **more)


@contextmanager
def _nobody(_: Path) -> Iterator[RedisCache]:
    yield RedisCache("redis://127.0.0.1:1")


@contextmanager
def _silent(_: Path) -> Iterator[RedisCache]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield RedisCache(f"redis://127.0.0.1:{listening.getsockname()[1]}")


@contextmanager
def _closed(_: Path) -> Iterator[RedisCache]:
    with valkey("--requirepass", "hush") as port:
        yield RedisCache(f"redis://127.0.0.1:{port}")


FILE, REDIS = (
    {"file": _a_file, "link": _a_link, "rights": _open_to_all},
    {"nobody": _nobody, "silent": _silent, "password": _closed},
)
CACHES = {
    "file": Backend(FileCache, _folder, FILE, hasty={}, followed=0.2, slow=0.25),
    "redis": Backend(_redis, _keys, REDIS, hasty={"lease": LEASE}, followed=LEASE + 0.2, slow=0.3),
}
BROKEN = [(backend, way) for backend, row in CACHES.items() for way in row.broken]


@pytest.fixture(params=CACHES)
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each row in turn."""
    return CACHES[request.param]


@pytest.fixture
def place(backend: Backend, request: pytest.FixtureRequest) -> Any:
    """Where its records are, in this test."""
    return backend.place(request)


@pytest.fixture
def cache(backend: Backend, place: Any) -> Any:
    """A cache there."""
    return backend.open(place)


@pytest.fixture
def other(backend: Backend, place: Any) -> Any:
    """Another one at the same place, as another process has it."""
    return backend.open(place)


def record(lives: float = 3600.0, value: str = "token") -> bytes:
    """A sealed token with so many seconds to live."""
    ends = time.time() + lives
    return SEAL.close(Held(Token(value, expires_at=ends, refresh_at=ends, issued_at=ends - 7200), 0.0), boot_id="")


def later_version(lives: float) -> bytes:
    """A record of a later version of this library, with so many seconds to live."""
    return b"sa_auth 2 %d 0\nof another form" % int((time.time() + lives) * 1000)


def found(cache: Any, name: str = NAME) -> bytes | None:
    """What is there."""
    got = cache.get(name)
    return None if got is None else got.data


@contextmanager
def child(cache: Any, seconds: float = 0.0) -> Iterator[subprocess.Popen[str]]:
    """Another process, which takes the lock and holds it until it is told to go on."""
    code = (
        "import pickle, sys; cache = pickle.loads(bytes.fromhex(sys.argv[1])); lock = cache.take(*eval(sys.argv[2]))\n"
        "print('taken' if lock else 'not taken', flush=True); sys.stdin.readline(); lock and lock.release(); print('done')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, pickle.dumps(cache).hex(), repr((NAME, seconds))], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(Path(sa_auth.__file__).parents[1])},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        with suppress(BrokenPipeError):
            process.communicate(timeout=10)


def heard(process: subprocess.Popen[str]) -> str:
    """The next word of another process."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


# The port.
def test_it_is_of_the_port(cache: Any, backend: Backend) -> None:
    """It has every act of the port, and its tier is the word that names it on its shelf."""
    assert isinstance(cache, TokenCache)
    assert cache.key is None
    assert type(cache) is SHELF[cache.tier]
    assert CACHES[cache.tier] is backend


def test_every_cache_of_the_shelf_is_tried_here() -> None:
    """No shared cache stands on its shelf without a row in this table."""
    assert {SHELF[name].__name__ for name in SHELF} - {"MemoryCache"} == {"FileCache", "RedisCache"}
    assert {SHELF[name] for name in CACHES} == {SHELF[name] for name in SHELF if name != "memory"}


# Records.
def test_put_and_get(cache: Any, other: Any) -> None:
    """What one put the other finds, byte for byte, under its name and no other."""
    assert cache.get(NAME) is None
    data = record()
    assert cache.put(NAME, data, 3600, over=None) is True
    assert found(other) == found(cache) == data
    assert other.get(ANOTHER) is None


def test_seconds_left(cache: Any) -> None:
    """Where it tells how long a record is kept yet, that is no longer than it was put for."""
    assert cache.put(NAME, record(100), 100, over=None)
    left = cache.get(NAME).left
    assert left is None or 50 < left <= 100


def test_the_largest_record(cache: Any) -> None:
    """A record of the size of the largest answer comes back whole."""
    data = record(value="x" * 256 * 1024)
    assert cache.put(NAME, data, 3600, over=None)
    assert found(cache) == data


def test_in_place_of_what_ends_earlier(cache: Any, other: Any) -> None:
    """A record replaces one that ends earlier, whether or not it saw that."""
    first, second, third = record(60), record(120), record(180)
    assert cache.put(NAME, first, 60, over=None)
    assert other.put(NAME, second, 120, over=None)
    assert found(cache) == second
    assert cache.put(NAME, third, 180, over=second)
    assert found(other) == third


def test_not_in_place_of_what_ends_later(cache: Any, other: Any) -> None:
    """A record does not replace one that ends later: who was stopped for long, and goes on, spoils nothing."""
    early, late = record(60), record(120)
    assert cache.put(NAME, late, 120, over=None)
    assert other.put(NAME, early, 60, over=None) is False
    assert other.put(NAME, early, 60, over=record(30)) is False
    assert found(cache) == late


def test_in_place_of_what_was_of_no_use(cache: Any, other: Any) -> None:
    """A record replaces the very one that was found to be of no use, though that ends later; and no third one."""
    early, late, latest = record(60), record(120), record(180)
    assert cache.put(NAME, late, 120, over=None)
    assert other.put(NAME, early, 60, over=late)
    assert found(cache) == early
    assert cache.put(NAME, latest, 180, over=early)
    assert other.put(NAME, early, 60, over=late) is False
    assert found(cache) == latest


@pytest.mark.parametrize("lives", [60, 7200])
def test_a_later_version_stays(cache: Any, lives: float) -> None:
    """A record of a later version is not replaced, whenever it ends and whoever saw it: its own processes go on with it."""
    newer = later_version(lives)
    assert cache.put(NAME, newer, lives, over=None)
    assert cache.put(NAME, record(), 3600, over=None) is False
    assert cache.put(NAME, record(), 3600, over=newer) is False
    assert found(cache) == newer


def test_discard(cache: Any, other: Any) -> None:
    """What is discarded is gone for all, if it is still the one that is there; of nothing there is nothing to forget."""
    first, second = record(60), record(120)
    cache.discard(NAME, first)
    cache.put(NAME, first, 60, over=None)
    other.discard(NAME, second)
    assert found(cache) == first
    cache.put(NAME, second, 120, over=first)
    other.discard(NAME, first)
    assert found(cache) == second
    other.discard(NAME, second)
    assert cache.get(NAME) is None


def test_many_at_once(backend: Backend, place: Any) -> None:
    """Eight who put and read at the same time find whole records, and the one that ends last stays."""
    records = [record(60 + number) for number in range(8)]
    barrier, faults = threading.Barrier(8), []

    def work(number: int) -> None:
        own = backend.open(place)
        barrier.wait(10)
        try:
            for _ in range(5):
                own.put(NAME, records[number], 60 + number, over=None)
                assert found(own) in records
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert faults == []
    assert found(backend.open(place)) == records[-1]


# The lock.
def test_one_has_the_lock(cache: Any, other: Any) -> None:
    """Who has the lock of a name has it alone, and gives it back; other names' locks are others'."""
    lock = cache.take(NAME, 0)
    assert lock
    assert other.take(NAME, 0) is None
    assert cache.take(NAME, 0) is None
    free = other.take(ANOTHER, 0)
    assert free
    lock.release()
    again = other.take(NAME, 0)
    assert again
    for one in (again, free):
        one.release()


def test_released_twice(cache: Any, other: Any) -> None:
    """A lock that is given back twice takes nothing from whoever has it then."""
    lock = cache.take(NAME, 0)
    lock.release()
    held = other.take(NAME, 0)
    lock.release()
    assert cache.take(NAME, 0) is None
    held.release()


def test_records_need_no_lock(cache: Any, other: Any) -> None:
    """While one has the lock, others read, put and discard."""
    lock = cache.take(NAME, 0)
    data = record()
    assert other.put(NAME, data, 3600, over=None)
    assert found(other) == data
    other.discard(NAME, data)
    assert other.get(NAME) is None
    lock.release()


def test_waiting_is_bounded(cache: Any, other: Any) -> None:
    """Who waits for a lock that is not given back has none when the time is over, and not much later."""
    lock = cache.take(NAME, 0)
    began = time.monotonic()
    assert other.take(NAME, 0.2) is None
    assert 0.2 <= time.monotonic() - began < 0.8
    lock.release()


def test_waiting_ends_with_the_lock(cache: Any, other: Any) -> None:
    """Who waits has the lock soon after it was given back."""
    lock = cache.take(NAME, 0)
    timer = threading.Timer(0.1, lock.release)
    timer.start()
    began = time.monotonic()
    held = other.take(NAME, 10)
    assert held
    assert time.monotonic() - began < 0.1 + 4 * 0.2
    timer.join()
    held.release()


def test_the_lock_between_processes(cache: Any) -> None:
    """A lock that one process has no other has, until it is given back; the cache travels there as a recipe."""
    lock = cache.take(NAME, 0)
    with child(cache) as process:
        assert heard(process) == "not taken"
    lock.release()
    with child(cache, 5.0) as process:
        assert heard(process) == "taken"
        assert cache.take(NAME, 0) is None
        assert process.stdin is not None
        print(file=process.stdin, flush=True)
        assert heard(process) == "done"
        held = cache.take(NAME, 0)
        assert held
        held.release()


def test_whoever_is_killed_is_followed(backend: Backend, place: Any) -> None:
    """The lock of a process that was killed is another's at once, or after its lease."""
    cache = backend.open(place, **backend.hasty)
    with child(cache) as process:
        assert heard(process) == "taken"
        assert cache.take(NAME, 0) is None
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        began = time.monotonic()
        held = cache.take(NAME, 4 * backend.followed)
        assert held
        assert time.monotonic() - began < 4 * backend.followed
        held.release()


# What is broken.
@pytest.fixture
def broken(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """A cache that cannot be used."""
    backend, way = request.param
    with CACHES[backend].broken[way](tmp_path) as made:
        yield made


@pytest.mark.parametrize("broken", BROKEN, indirect=True)
def test_nothing_but_faults(broken: Any) -> None:
    """Where it cannot be used each act is a fault in time, with a code, a reason of one line and nothing hanging on it."""
    acts = [
        lambda: broken.get(NAME), lambda: broken.put(NAME, record(), 3600, over=None), lambda: broken.take(NAME, 0),
        lambda: broken.take(NAME, 0.05), lambda: broken.discard(NAME, b"x"),
    ]  # fmt: skip
    for act in acts:
        began = time.monotonic()
        with pytest.raises(CacheFault) as caught:
            act()
        assert time.monotonic() - began < 4 * CACHES[broken.tier].slow
        assert re.fullmatch(r"[a-z_ ]+", caught.value.code)
        assert 10 < len(str(caught.value)) < 200
        assert "\n" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None or caught.value.__suppress_context__


@pytest.mark.parametrize("broken", BROKEN, indirect=True)
def test_a_broken_cache_costs_a_line_in_the_log(broken: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Credentials with a cache that cannot be used give their token all the same, and say so once for each reason."""
    authority = Authority()
    authority.register("robot", PUBLIC)
    began = time.monotonic()
    creds = ServiceAccountCredentials(
        PRIVATE, issuer="robot", token_endpoint=authority.token_endpoint, transport=authority.transport(), cache=broken,
    )  # fmt: skip
    assert creds.token().access_token
    assert time.monotonic() - began < 4 * 2
    warned = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert len(warned) == 1
    assert f"the {broken.tier} cache: " in warned[0]


# Together with the rest.
def test_credentials_share(backend: Backend, place: Any) -> None:
    """Credentials of two caches at one place, as two processes have them, make one exchange."""
    authority = Authority()
    authority.register("robot", PUBLIC)
    tokens = {
        ServiceAccountCredentials(
            PRIVATE, issuer="robot", token_endpoint=authority.token_endpoint, transport=authority.transport(),
            cache=backend.open(place),
        ).token().access_token
        for _ in range(3)
    }  # fmt: skip
    assert len(tokens) == authority.exchanges == 1


def a_key() -> str:
    """A key of a cache's own, as one that reads a secret store gives it."""
    return "canary-" * 5


def test_pickles_as_a_recipe(backend: Backend, place: Any) -> None:
    """It travels as what it was made of, with the name of its key's function, and without what was in it."""
    cache = backend.open(place, key=a_key)
    data = record(value="canary")
    cache.put(NAME, data, 3600, over=None)
    recipe = pickle.dumps(cache)
    assert b"canary" not in recipe
    twin = pickle.loads(recipe)
    assert type(twin) is type(cache)
    assert twin.key is a_key
    assert found(twin) == data
    assert repr(twin) == repr(cache)


def test_a_key_does_not_travel(backend: Backend, place: Any) -> None:
    """A key that was given as text stays in its process."""
    with pytest.raises(ConfigError) as caught:
        pickle.dumps(backend.open(place, key="canary-" * 5))
    assert caught.value.code == "not_picklable"
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("key", ["canary", b"canary", 5, ["canary-" * 5]])
def test_bad_key(backend: Backend, place: Any, key: Any) -> None:
    """A key of its own that could be guessed, or is none, is refused where the cache is made, and not repeated."""
    with pytest.raises(ConfigError) as caught:
        backend.open(place, key=key)
    assert caught.value.code == "bad_argument"
    assert "canary" not in str(caught.value)


def test_silence(backend: Backend, place: Any) -> None:
    """Its repr shows where it is, and neither a key nor what is in it."""
    cache = backend.open(place, key="canary-" * 5)
    cache.put(NAME, record(value="canary"), 3600, over=None)
    shown = repr(cache)
    assert shown == str(cache)
    assert shown.startswith(f"{type(cache).__name__}(")
    assert "canary" not in shown + repr(vars(cache))
