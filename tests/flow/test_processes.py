"""Renewals and signals, forks and the end of a process; each in a process of its own, over HTTP on loopback."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator

import pytest

from sa_auth.testing import Server
from tests.flow.children import Child
from tests.flow.kit import eventually
from tests.servers import valkey


def test_ctrl_c(live: Server, child: Callable[[Server, str], Child]) -> None:
    """Ctrl-C takes the main thread out of its waiting, and the 20 that wait with it get their token."""
    script = """
signal.signal(signal.SIGINT, signal.default_int_handler)  # a parent in the background has it ignored
got = []
threads = [threading.Thread(target=lambda: got.append(creds.token().access_token)) for _ in range(20)]
[thread.start() for thread in threads]
say("waiting")
try:
    creds.token()
except KeyboardInterrupt:
    say("interrupted")
[thread.join(20) for thread in threads]
say(len(got), len(set(got)), creds.token().access_token == got[0])
"""
    with live.authority.hold():
        process = child(live, script)
        assert process.hear() == "waiting"
        eventually(lambda: live.authority.exchanges == 1)
        time.sleep(0.1)
        process.process.send_signal(signal.SIGINT)
        assert process.hear() == "interrupted"
    assert process.end() == ["20 1 True"]
    assert live.authority.exchanges == 1


def test_ctrl_c_at_any_moment(live: Server, child: Callable[[Server, str], Child]) -> None:
    """Wherever Ctrl-C strikes on the way to a token, the next call gets one."""
    script = """
import random
from sa_auth.caches.memory import MemoryCache
random.seed(7)
creds.token()  # what is imported late is there
signal.signal(signal.SIGALRM, signal.default_int_handler)
interrupted = 0
for round in range(150):
    one = creds.replace(subject=str(round))
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(0.00001, 0.0015))
        try:
            one.token()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except (KeyboardInterrupt, RuntimeError):  # the latter is threading.Condition's own, where it is struck in its wait
        interrupted += 1
    started = time.monotonic()
    assert isinstance(one.token(), Token)
    assert time.monotonic() - started < 5
say("interrupted" if interrupted > 10 else f"too few to tell: {interrupted}")
"""
    assert child(live, script).end(within=60) == ["interrupted"]


def test_fork_with_a_held_token(live: Server, child: Callable[[Server, str], Child]) -> None:
    """A forked child has the held token, and asks for nothing."""
    script = """
token = creds.token().access_token
pid = os.fork()
if pid == 0:
    signal.alarm(10)
    os._exit(0 if creds.token().access_token == token else 1)
say(os.waitpid(pid, 0)[1])
"""
    assert child(live, script).end() == ["0"]
    assert live.authority.exchanges == 1


def test_fork_with_a_flight_under_way(live: Server, child: Callable[[Server, str], Child]) -> None:
    """A child forked while a flight is under way begins its own and does not hang; the parent's goes on."""
    live.authority.delay = 0.5
    script = """
future = creds.poll()
heard()
pid = os.fork()
if pid == 0:
    signal.alarm(15)
    os._exit(0 if isinstance(creds.token(), Token) else 1)
say(isinstance(future.result(10), Token), creds.token() is future.result(), os.waitpid(pid, 0)[1])
"""
    process = child(live, script)
    eventually(lambda: live.authority.exchanges == 1)
    process.tell()
    assert process.end() == ["True True 0"]
    assert live.authority.exchanges == 2


def test_fork_while_threads_call(live: Server, child: Callable[[Server, str], Child]) -> None:
    """Children forked at any moment while threads use credentials get tokens of their own, never stuck on a lock."""
    script = """
made = [creds.replace(subject=f"{number}") for number in range(5)]
[one.token() for one in made]
stop = threading.Event()

def work():
    count = 0
    while not stop.is_set():
        count += 1
        made[count % 5].token(min_ttl=count % 2)
        made[count % 5].poll()

threads = [threading.Thread(target=work) for _ in range(4)]
[thread.start() for thread in threads]
statuses = set()
for number in range(15):
    pid = os.fork()
    if pid == 0:
        signal.alarm(10)
        os._exit(0 if isinstance(creds.replace(subject=f"child-{number}").token(), Token) else 1)
    statuses.add(os.waitpid(pid, 0)[1])
stop.set()
[thread.join(10) for thread in threads]
say(statuses)
"""
    assert child(live, script).end(within=50) == ["{0}"]
    assert live.authority.exchanges == 20


@pytest.mark.parametrize("delay", [0.0, 0.005, 0.02, 0.05])
def test_fork_while_modules_are_loaded(live: Server, child: Callable[[Server, str], Child], delay: float) -> None:
    """A child forked while the first flight still imports its libraries gets a token of its own."""
    script = f"""
creds.poll()
time.sleep({delay})
pid = os.fork()
if pid == 0:
    signal.alarm(15)
    os._exit(0 if isinstance(creds.token(), Token) else 1)
say(os.waitpid(pid, 0)[1])
"""
    assert child(live, script).end(within=40) == ["0"]


def test_exit_with_a_flight_under_way(live: Server, child: Callable[[Server, str], Child]) -> None:
    """A process ends at once though a flight is under way."""
    with live.authority.hold():
        process = child(live, "creds.poll()\nheard()\nsay('bye')\n")
        eventually(lambda: live.authority.exchanges == 1)
        started = time.monotonic()
        process.tell()
        assert process.end() == ["bye"]
        assert time.monotonic() - started < 5


def test_token_while_the_interpreter_ends(live: Server, child: Callable[[Server, str], Child]) -> None:
    """A token asked for at exit, when no thread may start any more, is had or refused in words; nothing hangs."""
    script = """
import atexit

def last():
    try:
        creds.token()
        say("token")
    except SaAuthError as error:
        say(error.code)

atexit.register(last)
threading._register_atexit(lambda: None)
"""
    assert child(live, script).end() in (["token"], ["no_thread"])


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    """A Valkey server."""
    with valkey() as port:
        yield f"redis://127.0.0.1:{port}/0"


AUDIT = """
import codecs, encodings
from sa_auth import _encoding, _loading, caches
from sa_auth.signers import local

waited_for = [_loading._turn, _encoding.OPENSSL, local._BUSY]
unguarded = []

def watch(event, arguments):
    if event == "import" and threading.current_thread().name == "sa_auth":
        if not any(lock._is_owned() for lock in waited_for):
            unguarded.append(arguments[0])

# Which codecs the interpreter has loaded by itself depends on its version, and on what is installed.
codecs.unregister(encodings.search_function)
codecs.register(encodings.search_function)
encodings._cache.clear()
for name in [name for name in sys.modules if name.startswith("encodings.") and name not in ("encodings.aliases", "encodings.utf_8")]:
    del sys.modules[name]
sys.addaudithook(watch)
"""


@pytest.mark.parametrize(
    "change",
    [
        "",
        "more['token_endpoint'] = endpoint.replace('127.0.0.1', 'localhost')",
        "more['token_endpoint'] = endpoint.replace('127.0.0.1', '127.0.0.2')",
        "more['token_endpoint'] = endpoint.replace('http:', 'https:')",
        "more['token_endpoint'] = 'https://nowhere.invalid/token'",
        "more['issuer'] = 'nobody'",
        "more['cache'] = caches.FileCache(path + '.cache')",
        "more['cache'] = caches.RedisCache(redis)",
        "more['cache'] = caches.RedisCache('redis://127.0.0.2:1/0')",
        "more['dpop'] = True",
        "more['algorithm'] = 'ES256'",
        "more.update(issuer='nobody', cache=caches.FileCache(path + '.cache'))",
    ],
)
def test_what_a_renewal_imports_waits_for_no_fork(
    live: Server, child: Callable[[Server, str], Child], redis_url: str, change: str
) -> None:
    """A renewal imports only where a fork waits for it: a lock of the interpreter's, taken at a fork, never opens in the child."""
    script = f"""
{AUDIT}
redis, more = {redis_url!r}, dict(issuer=issuer, token_endpoint=endpoint)
{change}
try:
    creds = ServiceAccountCredentials(path, **more)
    creds.token()
    creds.revoke()
except SaAuthError as error:
    print(error, file=sys.stderr)
say(unguarded)
"""
    one = child(live, script)
    assert one.end() == ["[]"]
