"""One token for many processes: real ones, which start at once, are killed, stopped and forked; by file and by Redis."""

from __future__ import annotations

import contextlib
import itertools
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sa_auth.testing import Authority, Server
from tests.flow.children import Child
from tests.flow.kit import eventually
from tests.servers import valkey

ISSUER = "robot"
_databases = itertools.count()  # of the sixteen that a server has
LEASE = 1.0  # seconds that Redis keeps a dead process's lock where one is killed; else no busy machine outlasts it
READY = """
from sa_auth import events
counts = events.Counts()
events.listen(counts)
if isinstance(cache, str) and cache:
    from sa_auth.caches import RedisCache
    creds = ServiceAccountCredentials(path, issuer=issuer, token_endpoint=endpoint, cache=RedisCache(cache, lease=LEASE), timeout=30)
say("ready")
heard()
"""
TOKEN = """
began = time.monotonic()
token = creds.token().access_token
say(token, round(time.monotonic() - began, 3), counts["exchange"], counts["bypassed"], counts["cache_failure"])
"""


@pytest.fixture(scope="module")
def redis_port() -> Iterator[int]:
    """A Valkey server for this file's tests."""
    with valkey() as port:
        yield port


@pytest.fixture(params=["file", "redis"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the children's tokens are shared."""
    if request.param == "file":
        return str(tmp_path / "cache")
    # A database of its own for each test is as good as a server of its own.
    place = f"redis://127.0.0.1:{request.getfixturevalue('redis_port')}/{next(_databases)}"
    # On a busy machine an answer may take longer than the third of a second after which a cache is passed by.
    return f"{place}?socket_timeout=1&socket_connect_timeout=1"


@pytest.fixture
def start(live: Server, child: Callable[..., Child], cache: str) -> Callable[..., Child]:
    """Starts a child of the one identity that all share, ready to go on when told."""

    def begin(script: str = TOKEN, lease: float = 30.0) -> Child:
        one = child(live, f"LEASE = {lease}\n{READY}{script}", ISSUER, cache)
        assert one.hear() == "ready", one.end()
        return one

    return begin


def bound(cache: str, file: float, redis: float) -> float:
    """The bound of the kind of cache."""
    return file if cache.startswith("/") else redis


def test_sixteen_at_once(live: Server, start: Callable[..., Child]) -> None:
    """Sixteen processes that start at once make one exchange together; sixteen that start later make none."""
    live.authority.delay = 0.2
    tokens = set()
    for _ in range(2):
        crowd = [start() for _ in range(16)]
        for one in crowd:
            one.tell()
        for one in crowd:
            (said,) = one.end()
            token, _, _, bypassed, failures = said.split()
            tokens.add(token)
            assert (bypassed, failures) == ("0", "0")
        assert live.authority.exchanges == 1
    assert len(tokens) == 1


def test_holder_killed(live: Server, start: Callable[..., Child], cache: str) -> None:
    """A process that was killed while it held the lock is followed at once (file) or after its lease (Redis); nobody fails."""
    with live.authority.hold():
        holder = start(lease=LEASE)
        holder.tell()
        eventually(lambda: live.authority.exchanges == 1)
        waiting = [start(lease=LEASE) for _ in range(3)]
        for one in waiting:
            one.tell()
        time.sleep(0.2)
        assert live.authority.exchanges == 1
        holder.process.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        eventually(lambda: live.authority.exchanges == 2)
        followed = time.monotonic() - killed
        live.authority.up()
    assert followed < 4 * bound(cache, 0.2, LEASE)
    tokens = {one.end()[0].split()[0] for one in waiting}
    assert len(tokens) == 1
    assert live.authority.exchanges == 2


def test_holder_stopped(live: Server, start: Callable[..., Child], cache: str) -> None:
    """One that was stopped is waited for no longer than half of one's time, and replaces nothing when it goes on."""
    half = """
creds = creds.replace(timeout=3.0)
"""
    later = TOKEN + "heard()\nsay(creds._source._slot.memory.shared.tier)\n"
    with live.authority.hold():
        holder = start(half + later, LEASE)
        holder.tell()
        eventually(lambda: live.authority.exchanges == 1)
        holder.process.send_signal(signal.SIGSTOP)
        other = start(half + TOKEN, LEASE)
        other.tell()
        began = time.monotonic()
        eventually(lambda: live.authority.exchanges == 2, within=8)
        waited = time.monotonic() - began
        live.authority.up()
    (said,) = other.end()
    newest, _, exchanges, bypassed, _ = said.split()
    assert exchanges == "1"
    if cache.startswith("/"):
        assert bypassed == "1"
        assert 1.0 < waited < 6.0
    holder.process.send_signal(signal.SIGCONT)
    assert holder.hear()
    holder.tell()
    holder.end()
    after = start()
    after.tell()
    assert after.end()[0].split()[0] == newest
    assert live.authority.exchanges == 2


def test_children_of_a_fork(live: Server, start: Callable[..., Child]) -> None:
    """Forked children and their parent share one token, also where the fork comes while the parent asks."""
    script = """
future = creds.poll()
readers = []
for _ in range(4):
    reader, writer = os.pipe()
    if os.fork() == 0:
        try:
            os.write(writer, creds.token().access_token.encode())
        except BaseException as error:
            os.write(writer, repr(error).encode())
        os._exit(0)
    readers.append(reader)
mine = creds.token().access_token
theirs = {os.read(reader, 1000).decode() for reader in readers}
for _ in readers:
    os.wait()
say(mine, *(theirs - {mine}))
"""
    live.authority.delay = 0.2
    one = start(script)
    one.tell()
    (said,) = one.end(within=40)
    assert len(said.split()) == 1, said  # the parent's token, and nothing else, whether token or error
    assert live.authority.exchanges == 1


def test_spawned_by_pickle(live: Server, start: Callable[..., Child]) -> None:
    """Credentials that travelled by pickle into new processes share one token with those they were made of."""
    script = """
import pickle, subprocess
if not isinstance(cache, str):
    travelling = creds
else:
    travelling = ServiceAccountCredentials(path, issuer=issuer, token_endpoint=endpoint, cache=cache)
data = pickle.dumps(travelling)
code = "import pickle, sys; print(pickle.loads(sys.stdin.buffer.read()).token().access_token)"
tokens = {creds.token().access_token}
for _ in range(2):
    done = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, check=True)
    tokens.add(done.stdout.decode().strip())
say(len(tokens), tokens.pop().encode() in data)
"""
    one = start(script)
    one.tell()
    assert one.end() == ["1 False"]
    assert live.authority.exchanges == 1


def test_renewed_by_one_of_many(live: Server, sa_authority: Authority, start: Callable[..., Child]) -> None:
    """Six processes of four threads renew a token of four seconds over and over: each is succeeded by one, and nobody waits."""
    script = """
import threading
late, errors, until = [], [], time.monotonic() + 7
creds.token()
def work():
    while time.monotonic() < until:
        began = time.perf_counter()
        try:
            creds.token()
        except SaAuthError as error:
            errors.append(str(error))
        late.append(time.perf_counter() - began)
        time.sleep(0.005)
threads = [threading.Thread(target=work) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
say(len(errors), counts["bypassed"], counts["cache_failure"])
"""
    sa_authority.token_lifetime = 4
    crowd = [start(script) for _ in range(6)]
    for one in crowd:
        one.tell()
    said = [one.end(within=40)[0].split() for one in crowd]
    assert [(errors, bypassed) for errors, bypassed, _ in said] == [("0", "0")] * 6
    # A token is stale from its third second on: no more than one exchange for each such span, and one to begin with. It
    # has no more than four, so one at least succeeds the first.
    assert 2 <= live.authority.exchanges <= 7 / 3 + 2


def test_redis_goes_and_comes_back(live: Server, sa_authority: Authority, child: Callable[..., Child]) -> None:
    """While Redis is gone for four seconds calls go on without an error; within 5 s of its return processes share again."""
    script = """
import threading
errors, late = [], set()
until = time.monotonic() + 14
while time.monotonic() < until:
    try:
        token = creds.token().access_token
        if until - time.monotonic() < 4:  # 5 s after its return, and a token's life to go
            late.add(token)
    except SaAuthError as error:
        errors.append(str(error))
    time.sleep(0.01)
say(len(errors), *late)
"""
    sa_authority.token_lifetime = 4
    with contextlib.ExitStack() as first:
        port = first.enter_context(valkey())
        crowd = [
            child(live, f"LEASE = {LEASE}\n{READY}{script}", ISSUER, f"redis://127.0.0.1:{port}/0") for _ in range(2)
        ]
        for one in crowd:
            assert one.hear() == "ready", one.end()
            one.tell()
        time.sleep(1)
        assert live.authority.exchanges == 1
        first.close()
        time.sleep(4)
        with valkey(port=port):
            said = [one.end(within=30)[0].split() for one in crowd]
    assert [errors for errors, *_ in said] == ["0", "0"]
    assert set(said[0][1:]) & set(said[1][1:]), "they share no token, 5 s after its return"
