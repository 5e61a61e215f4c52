"""The file cache: a folder of the user's own, whatever stands in it instead."""

from __future__ import annotations

import contextlib
import errno
import os
import pickle
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sa_auth import _loading
from sa_auth._secret import Secret
from sa_auth.caches import CACHES, FileCache, file_lock
from sa_auth.caches import file as module
from sa_auth.caches.base import CacheFault
from sa_auth.caches.record import LARGEST, Seal
from sa_auth.errors import ConfigError, MissingExtra
from sa_auth.policy import Held
from sa_auth.testing import ManualClock
from sa_auth.token import Token

SEAL = Seal(b"s" * 32, b"i" * 32)
NAME = SEAL.name


def record(ends: float = 2e9, value: str = "canary") -> bytes:
    """A sealed token that ends then."""
    return SEAL.close(Held(Token(value, expires_at=ends, refresh_at=ends, issued_at=ends - 3600), 0.0), boot_id="")


def found(cache: FileCache) -> bytes | None:
    """What is there."""
    got = cache.get(NAME)
    return None if got is None else got.data


def code(act: Callable[[], Any]) -> str:
    """The code of the fault that comes of it."""
    with pytest.raises(CacheFault) as caught:
        act()
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return caught.value.code


@pytest.fixture
def cache(tmp_path: Path) -> FileCache:
    """A cache in a folder that is not there yet."""
    return FileCache(tmp_path / "cache")


@pytest.fixture
def filled(cache: FileCache) -> FileCache:
    """A cache with a record in it."""
    assert cache.put(NAME, record(), 3600, over=None)
    return cache


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    """A umask, and the old one afterwards."""
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_rights(cache: FileCache) -> None:
    """The folder is its owner's alone, and so is each file, under any umask."""
    assert cache.put(NAME, record(), 3600, over=None)
    lock = cache.take(NAME, 0)
    assert lock is not None
    lock.release()
    assert stat.S_IMODE(os.stat(cache.path).st_mode) == 0o700
    modes = {name: stat.S_IMODE(os.stat(os.path.join(cache.path, name)).st_mode) for name in os.listdir(cache.path)}
    assert len(modes) == 3
    assert set(modes.values()) == {0o600}, modes
    assert found(cache) is not None
    again = cache.take(NAME, 0)
    assert again is not None
    again.release()


def test_nothing_is_made_by_looking(cache: FileCache) -> None:
    """Neither construction nor a look makes a folder."""
    assert found(cache) is None
    cache.discard(NAME, b"x")
    assert not os.path.exists(cache.path)


def test_default_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a path it is the user's cache folder; ~ in a path is the home folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert FileCache().path == str(tmp_path / "sa_auth")
    assert FileCache("~/tokens").path == str(tmp_path / "home" / "tokens")


@pytest.mark.parametrize("path", ["", "  ", 5, b"bytes", "a\0b", ["x"]])
def test_bad_path(path: Any) -> None:
    """What is no path is refused at construction."""
    with pytest.raises(ConfigError) as caught:
        FileCache(path)
    assert str(caught.value) == (
        "bad_argument: FileCache(path) is no path. Hint: It is the folder to keep tokens in: a str or Path. More: docs/errors/bad_argument.md."
    )


@pytest.mark.parametrize("key", ["short", b"short", 5, ["x" * 32]])
def test_bad_key(key: Any) -> None:
    """A key of its own is text or bytes that nobody guesses, or a function; it is not repeated."""
    with pytest.raises(ConfigError) as caught:
        FileCache("x", key=key)
    assert caught.value.code == "bad_argument"
    assert caught.value.message.startswith("FileCache(key=) is ")
    assert "short" not in str(caught.value).replace("shorter", "")


def test_extra_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its packages it says how to get them, at construction, in one sentence."""
    monkeypatch.setattr(module, "is_installed", lambda package: package != "filelock")
    with pytest.raises(MissingExtra, match="needs the package 'filelock'") as caught:
        FileCache("x")
    assert caught.value.hint == 'Install it with: pip install "sa_auth[file]"'
    monkeypatch.setattr(module, "is_installed", lambda package: package != "platformdirs")
    with pytest.raises(MissingExtra, match="platformdirs"):
        FileCache()
    assert not _loading.is_installed("no_such_package_at_all")


# What may stand in a record's, a lock's or the folder's place, and the code of the fault.
def _symlink(place: Path) -> None:
    target = place.with_name("elsewhere")
    target.write_bytes(record(9e9))
    target.chmod(0o600)
    place.symlink_to(target)


def _wide(mode: int) -> Callable[[Path], None]:
    def make(place: Path) -> None:
        place.write_bytes(record(1.5e9))
        place.chmod(mode)

    return make


def _huge(place: Path) -> None:
    place.touch(0o600)
    os.truncate(place, LARGEST + 1)


def _foreign(place: Path) -> None:
    place.write_bytes(record(1.5e9))
    place.chmod(0o600)
    os.chown(place, 65534, -1)


INSTEAD: dict[str, Callable[[Path], None]] = {
    "symlink": _symlink, "fifo": lambda place: os.mkfifo(place, 0o600), "folder": lambda place: place.mkdir(0o700),
    "huge": _huge, "group may read": _wide(0o640), "world may read": _wide(0o604), "world may write": _wide(0o602),
    "foreign owner": _foreign,
}  # fmt: skip
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="giving a file to another user takes root: run it as root")
PLACES = [
    pytest.param(make, id=name, marks=as_root if name == "foreign owner" else ()) for name, make in INSTEAD.items()
]


@pytest.mark.parametrize("make", PLACES)
def test_what_stands_in_a_records_place(cache: FileCache, make: Callable[[Path], None]) -> None:
    """It is not read, not followed, not replaced and not removed; each attempt is a fault at once."""
    os.mkdir(cache.path, 0o700)
    place = Path(cache.path, f"{NAME}.token")
    make(place)
    before = os.lstat(place)
    began = time.monotonic()
    assert code(lambda: cache.get(NAME))
    assert code(lambda: cache.put(NAME, record(3e9), 3600, over=None))
    assert time.monotonic() - began < 2.0
    after = os.lstat(place)
    assert (after.st_ino, after.st_mode, after.st_size) == (before.st_ino, before.st_mode, before.st_size)


@pytest.mark.parametrize("make", [one for one in PLACES if one.id in {"symlink", "fifo", "folder", "foreign owner"}])
def test_what_stands_in_a_locks_place(cache: FileCache, make: Callable[[Path], None]) -> None:
    """A lock that is no file of our own is no lock, and a fault at once."""
    os.mkdir(cache.path, 0o700)
    make(Path(cache.path, f"{NAME}.lock"))
    assert code(lambda: cache.take(NAME, 5))


@pytest.mark.parametrize("name", ["symlink", "fifo", "file", "world may read", "unreadable parent"])
def test_what_stands_in_the_folders_place(tmp_path: Path, name: str) -> None:
    """A folder that is not ours alone is not used: nothing is read from it, written to it or changed about it."""
    place = tmp_path / "cache"
    if name == "symlink":
        (tmp_path / "real").mkdir(0o700)
        place.symlink_to(tmp_path / "real")
    elif name == "fifo":
        os.mkfifo(place)
    elif name == "file":
        place.write_text("x")
    elif name == "world may read":
        place.mkdir(0o755)
        place.chmod(0o755)
    else:
        (tmp_path / "file").write_text("x")
        place = tmp_path / "file" / "cache"
    cache = FileCache(place)
    for act in (
        lambda: cache.get(NAME), lambda: cache.put(NAME, record(), 3600, over=None), lambda: cache.take(NAME, 1),
        lambda: cache.discard(NAME, b"x"),
    ):  # fmt: skip
        assert code(act)
    if name == "world may read":
        assert os.listdir(place) == []
        with pytest.raises(CacheFault, match=f"run: chmod 700 {place}"):
            cache.get(NAME)


def test_replaced_by_what_ends_later(filled: FileCache) -> None:
    """A record gives way to one that ends later, and to no other, unless it is the very one that was found of no use."""
    later, earlier = record(3e9), record(1.9e9)
    assert not filled.put(NAME, earlier, 3600, over=None)
    assert not filled.put(NAME, earlier, 3600, over=b"another")
    assert not filled.put(NAME, record(value="another"), 3600, over=None), "it ends at the same time"
    assert filled.put(NAME, later, 3600, over=None)
    assert found(filled) == later
    assert filled.put(NAME, earlier, 3600, over=later)
    assert found(filled) == earlier


def test_damaged_gives_way(filled: FileCache) -> None:
    """A damaged record of our own is replaced; one of a later version is not, whatever ends when."""
    place = Path(filled.path, f"{NAME}.token")
    place.write_bytes(b"junk")
    assert filled.put(NAME, record(), 3600, over=None)
    place.write_bytes(b"sa_auth 2 5 0\nxyz")
    assert not filled.put(NAME, record(3e9), 3600, over=None)
    assert place.read_bytes() == b"sa_auth 2 5 0\nxyz"


def test_discard(filled: FileCache) -> None:
    """A record is forgotten if it is still the one that is there."""
    filled.discard(NAME, b"another")
    assert found(filled) is not None
    filled.discard(NAME, found(filled) or b"")
    assert found(filled) is None


def test_unwritable(filled: FileCache) -> None:
    """In a folder that cannot be written what is there is still read; the rest is a fault, and nothing is left behind."""
    script = f"""
import os, filelock
from sa_auth.caches import FileCache
from sa_auth.caches.base import CacheFault
if os.geteuid() == 0:
    os.setegid(65534); os.seteuid(65534)
cache = FileCache({filled.path!r})
for act in (lambda: cache.put({NAME!r}, b"x", 5, over=None), lambda: cache.take({"f" * 64!r}, 0)):
    try:
        act()
    except CacheFault as fault:
        print(fault.code)
print(cache.get({NAME!r}) is not None)
"""
    for entry in os.scandir(filled.path):
        os.chown(entry.path, 65534, -1) if os.geteuid() == 0 else None
    if os.geteuid() == 0:
        os.chown(filled.path, 65534, -1)
        for parent in Path(filled.path).parents[:3]:
            parent.chmod(0o755)
    os.chmod(filled.path, 0o500)
    try:
        assert run(script) == ["permission denied", "permission denied", "True"]
    finally:
        os.chmod(filled.path, 0o700)


def test_disk_full(filled: FileCache) -> None:
    """Where there is no room the old record stays whole, and nothing half-written is left."""
    before = found(filled)
    script = f"""
import resource, signal
from sa_auth.caches import FileCache
from sa_auth.caches.base import CacheFault
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))  # as a full disk: no byte more
cache = FileCache({filled.path!r})
try:
    cache.put({NAME!r}, {record(3e9)!r}, 5, over=None)
except CacheFault as fault:
    print(fault.code, fault, sep="; ")
"""
    place = os.path.join(filled.path, f"{NAME}.token")
    assert run(script) == [f"file too large; its record {place} cannot be written: file too large"]
    assert found(filled) == before
    assert [name for name in os.listdir(filled.path) if name.endswith(".new")] == []


def test_what_is_said_of_a_record(filled: FileCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a record that can be neither read nor removed the fault names the file and says why."""
    place, data = os.path.join(filled.path, f"{NAME}.token"), found(filled)
    assert data is not None

    def refuse(*_: Any) -> Any:
        raise OSError(errno.EIO, "Input/output error")

    for act, name, told in (
        (lambda: filled.discard(NAME, data), "unlink", "removed"), (lambda: filled.get(NAME), "read", "read"),
        (lambda: filled.put(NAME, record(3e9), 5, over=None), "replace", "written"),
    ):  # fmt: skip
        with monkeypatch.context() as patched:
            patched.setattr(os, name, refuse)
            with pytest.raises(CacheFault) as caught:
                act()
        assert str(caught.value) == f"its record {place} cannot be {told}: input/output error"
        assert caught.value.code == "input/output error"


def run(script: str) -> list[str]:
    """What a script in an interpreter of its own says."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def test_lock(cache: FileCache) -> None:
    """One at a time has it, also within a process; who waits gets it when it is given back, and gives up in time."""
    other = FileCache(cache.path)
    lock = cache.take(NAME, 0)
    assert lock is not None
    assert other.take("e" * 64, 0) is not None
    began = time.monotonic()
    assert other.take(NAME, 0.1) is None
    assert 0.1 <= time.monotonic() - began < 1.0
    lock.release()
    lock.release()
    again = other.take(NAME, 5)
    assert again is not None
    again.release()
    assert os.path.exists(os.path.join(cache.path, f"{NAME}.lock"))


def test_lock_leaves_no_descriptor(cache: FileCache) -> None:
    """Neither a lock that was had nor one that was not leaves a descriptor behind."""
    lock = cache.take(NAME, 0)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        assert cache.take(NAME, 0) is None
        cache.put(NAME, record(), 5, over=None)
        cache.get(NAME)
    assert len(os.listdir("/proc/self/fd")) == before
    assert lock is not None
    lock.release()
    assert len(os.listdir("/proc/self/fd")) == before - 1


def test_a_forked_child_has_no_lock(cache: FileCache) -> None:
    """A child that was forked meanwhile neither keeps the parent's lock nor gives it back."""
    lock = cache.take(NAME, 0)
    assert lock is not None
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        lock.release()
        os.write(writer, b"1" if FileCache(cache.path).take(NAME, 0) is None else b"0")
        os.read(0, 0)
        time.sleep(2)
        os._exit(0)
    assert os.read(reader, 1) == b"1"
    lock.release()
    again = cache.take(NAME, 0)
    assert again is not None
    again.release()
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    os.close(reader)
    os.close(writer)


def test_a_fork_while_one_waits(cache: FileCache) -> None:
    """Children that are forked while a thread waits for the lock, over and over, have no descriptor of it."""
    lock = cache.take(NAME, 0)
    assert lock is not None
    stop = threading.Event()

    def wait() -> None:
        while not stop.is_set():
            assert FileCache(cache.path).take(NAME, 0.001) is None

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    kept = 0
    for _ in range(60):
        pid = os.fork()
        if pid == 0:
            links = []
            for entry in os.listdir("/proc/self/fd"):
                with contextlib.suppress(OSError):
                    links.append(os.readlink(f"/proc/self/fd/{entry}"))
            os._exit(any(link.endswith(".lock") for link in links))
        kept += os.waitpid(pid, 0)[1] != 0
    stop.set()
    for thread in threads:
        thread.join(10)
    lock.release()
    assert kept == 0


@contextlib.contextmanager
def stopped(cache: FileCache, act: str, before: str) -> Iterator[subprocess.Popen[str]]:
    """A process that is stopped in the middle of something, just before it does something else; then it says what came of it."""
    script = f"""
import os, signal
from sa_auth.caches import file
real = {before}
def stopping(*arguments):
    {before} = real
    os.kill(os.getpid(), signal.SIGSTOP)
    return real(*arguments)
{before} = stopping
cache = file.FileCache({cache.path!r})
print(cache.{act})
"""
    with subprocess.Popen([sys.executable, "-c", script], text=True, stdout=subprocess.PIPE) as process:
        try:
            assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
            yield process
        finally:
            process.kill()


def goes_on(process: subprocess.Popen[str]) -> str:
    """What it says once it goes on."""
    process.send_signal(signal.SIGCONT)
    assert process.stdout is not None
    return process.stdout.read().strip()


@pytest.mark.parametrize("before", ["os.write", "file.FileCache._gives_way"])
def test_a_writer_that_was_stopped(filled: FileCache, before: str) -> None:
    """Others write within a moment, for its identity and for any; when it goes on it replaces nothing that ends later."""
    early, late = record(2.1e9), record(3e9)
    with stopped(filled, f"put({NAME!r}, {early!r}, 3600, over={found(filled)!r})", before) as process:
        for name, data in ((NAME, late), ("a" * 64, early)):
            began = time.monotonic()
            assert filled.put(name, data, 3600, over=None)
            assert time.monotonic() - began < 4 * 0.25
        assert goes_on(process) == "False"
    assert found(filled) == late
    assert not [name for name in os.listdir(filled.path) if name.endswith(".new")]


def test_one_that_was_stopped_as_it_discarded(filled: FileCache) -> None:
    """Others write and discard within a moment; when it goes on nothing of theirs is gone."""
    first, late = found(filled), record(3e9)
    with stopped(filled, f"discard({NAME!r}, {first!r})", "file.FileCache._read") as process:
        assert filled.put(NAME, late, 3600, over=first)
        filled.discard(NAME, late)
        assert found(filled) is None
        assert filled.put(NAME, late, 3600, over=None)
        assert goes_on(process) == "None"
    assert found(filled) == late


def test_swept(cache: FileCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was over and not written for a day is removed by whoever writes; what lives, what others put there and locks stay."""
    FileCache(cache.path).put("b" * 64, record(1e9), 5, over=None)
    FileCache(cache.path).put("c" * 64, record(4e9), 5, over=None)
    assert f"{'b' * 64}.token" in os.listdir(cache.path)
    monkeypatch.setattr(module, "_ABANDONED", -1.0)  # as if that day had passed
    old, kept = record(1e9), record(4e9)
    cache.put("a" * 64, old, 5, over=None)
    Path(cache.path, "notes.txt").write_text("x")
    os.utime(Path(cache.path, "notes.txt"), (1e9, 1e9))
    lock = cache.take("a" * 64, 0)
    assert lock is not None
    lock.release()
    FileCache(cache.path).put(NAME, kept, 3600, over=None)
    assert set(os.listdir(cache.path)) == {
        f"{NAME}.token",
        f"{'c' * 64}.token",
        f"{'a' * 64}.lock",
        "notes.txt",
        "writing.lock",
    }


def test_swept_every_hour(cache: FileCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that lives for long sweeps again, at a write and at most once an hour."""
    clock = ManualClock(wall=time.time() + 2 * 86_400)
    monkeypatch.setattr(module, "SYSTEM", clock)
    cache.put(NAME, record(2e9), 3600, over=None)
    old = Path(cache.path, f"{'b' * 64}.token")
    old.write_bytes(record(1e9))
    left = []
    for number, seconds in enumerate((0, 3599, 1)):
        clock.advance(seconds)
        assert cache.put(NAME, record(3e9 + number), 3600, over=None)
        left.append(old.exists())
    assert left == [True, True, False]
    assert found(cache) is not None


def test_a_refresh_token_is_not_swept(cache: FileCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record with a refresh token is kept for thirty days beyond its token's end."""
    monkeypatch.setattr(module, "_ABANDONED", -1.0)
    now = time.time()
    token = Token("t", expires_at=now - 5 * 86_400, refresh_at=1.0, issued_at=1.0)
    cache.put("a" * 64, SEAL.close(Held(token, 0.0, Secret("r")), boot_id=""), 5, over=None)
    FileCache(cache.path).put(NAME, record(), 3600, over=None)
    assert f"{'a' * 64}.token" in os.listdir(cache.path)


def test_pickle_of_a_nameless_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key's function without a name is refused in words; a relative path means the same folder wherever it is opened."""
    with pytest.raises(ConfigError) as caught:
        pickle.dumps(FileCache(tmp_path, key=lambda: "k" * 40))
    assert caught.value.code == "not_picklable"
    assert "FileCache(key=)" in str(caught.value)
    monkeypatch.chdir(tmp_path)
    data = pickle.dumps(FileCache("tokens"))
    monkeypatch.chdir("/")
    assert pickle.loads(data).path == str(tmp_path / "tokens")


def test_pickle(tmp_path: Path) -> None:
    """It travels as its path and a function's name; with a key of its own as text it does not."""
    assert pickle.loads(pickle.dumps(FileCache(tmp_path))).path == str(tmp_path)
    assert pickle.loads(pickle.dumps(FileCache(tmp_path, key=os.getcwd))).key is os.getcwd
    with pytest.raises(ConfigError) as caught:
        pickle.dumps(FileCache(tmp_path, key="canary" * 8))
    assert caught.value.code == "not_picklable"
    assert repr(FileCache(tmp_path, key="canary" * 8)) == f"FileCache({str(tmp_path)!r})"
    assert CACHES["file"] is FileCache


def test_what_a_forked_child_lets_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """It closes every lock of its parent's, one that is closed already as well, holds none, and may note its own."""
    reader, writer = os.pipe()
    os.close(writer)
    noting = threading.Lock()
    noting.acquire()
    held = {reader, writer}
    monkeypatch.setattr(file_lock, "_held", held)
    monkeypatch.setattr(file_lock, "_NOTING", noting)
    file_lock._let_go()
    assert (held, noting.locked()) == (set(), False)
    with pytest.raises(OSError):
        os.fstat(reader)


def test_the_users_folder_travels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The user's own folder is found anew where a pickle of it is opened."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "here"))
    data = pickle.dumps(FileCache())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "there"))
    assert pickle.loads(data).path == str(tmp_path / "there" / "sa_auth")


def test_what_is_said_of_a_record_that_cannot_be_opened(cache: FileCache) -> None:
    """Of what stands in a record's place the fault says that it is the record, and names it."""
    os.mkdir(cache.path, 0o700)
    place = Path(cache.path, f"{NAME}.token")
    _symlink(place)
    with pytest.raises(CacheFault, match=f"^its record {place} cannot be opened: too many levels of symbolic links$"):
        cache.get(NAME)


def test_how_a_record_is_made(filled: FileCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written in the same folder, into a file that is new and its owner's alone from the first moment, under a name that nobody guesses."""
    real, made = os.open, []

    def seen(path: str, flags: int, *mode: int) -> int:
        if path.endswith(".new"):
            made.append((path, flags, mode))
        return real(path, flags, *mode)

    monkeypatch.setattr(os, "open", seen)
    for ends in (3e9, 3.1e9):
        assert filled.put(NAME, record(ends), 5, over=None)
    assert len({path for path, _, _ in made}) == 2
    for path, flags, mode in made:
        assert os.path.dirname(path) == filled.path
        assert len(os.path.basename(path)) == len(f"{NAME}.{'0' * 16}.new")
        assert flags & (os.O_CREAT | os.O_EXCL) == os.O_CREAT | os.O_EXCL
        assert mode == (0o600,)


def test_what_is_swept(cache: FileCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written halfway goes as an old record does; a link stays, though it leads to something old."""
    monkeypatch.setattr(module, "_ABANDONED", -1.0)
    os.mkdir(cache.path, 0o700)
    for name in ("a.new", "b.token", "c.other"):
        Path(cache.path, name).write_bytes(record(1e9))
        os.utime(Path(cache.path, name), (1e9, 1e9))
    Path(cache.path, "link.token").symlink_to(Path(cache.path, "c.other"))
    assert cache.put(NAME, record(3e9), 5, over=None)
    assert set(os.listdir(cache.path)) == {"c.other", "link.token", f"{NAME}.token", "writing.lock"}


@pytest.mark.parametrize("act", ["scandir", "unlink"])
def test_a_sweep_that_fails(act: str, cache: FileCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the folder cannot be swept a token is written all the same."""
    monkeypatch.setattr(module, "_ABANDONED", -1.0)
    os.mkdir(cache.path, 0o700)
    old = Path(cache.path, "b.token")
    old.write_bytes(record(1e9))
    os.utime(old, (1e9, 1e9))

    def refuse(*_: Any) -> Any:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, act, refuse)
    assert cache.put(NAME, record(3e9), 5, over=None)
    monkeypatch.undo()
    assert old.exists()
    assert found(cache) is not None


def test_what_cannot_be_written_nor_removed(cache: FileCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a record cannot be written and what was begun cannot be removed, the first of the two is said."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError(errno.EIO, "Input/output error")

    os.mkdir(cache.path, 0o700)
    with monkeypatch.context() as patched:
        patched.setattr(os, "utime", refuse)
        patched.setattr(os, "unlink", refuse)
        with pytest.raises(CacheFault, match="cannot be written: input/output error$"):
            cache.put(NAME, record(3e9), 5, over=None)


def test_a_lock_that_somebody_closed(cache: FileCache) -> None:
    """A lock whose descriptor is closed already is given back without a word, and none is noted any more."""
    noted = set(file_lock._held)
    lock = cache.take(NAME, 0)
    assert lock is not None
    os.close(lock._handle)
    lock.release()
    assert file_lock._held == noted


def test_a_lock_that_the_system_refuses(cache: FileCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no lock to give that is a fault that names the file; nothing stays open."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOLCK, "No locks available")

    noted, opened = set(file_lock._held), len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr("filelock.lock_descriptor", refuse)
    with pytest.raises(CacheFault) as caught:
        cache.take(NAME, 0)
    place = os.path.join(cache.path, f"{NAME}.lock")
    assert str(caught.value) == f"its lock {place} cannot be taken: no locks available"
    assert (file_lock._held, len(os.listdir("/proc/self/fd"))) == (noted, opened)


def test_what_is_said_of_a_lock_that_cannot_be_opened(cache: FileCache) -> None:
    """Of what stands in a lock's place the fault says that it is the lock."""
    os.mkdir(cache.path, 0o700)
    os.mkfifo(os.path.join(cache.path, f"{NAME}.lock"), 0o600)
    with pytest.raises(CacheFault, match="^its lock .* is no file$"):
        cache.take(NAME, 0)


def test_a_lock_that_is_given_back_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time it touches no descriptor: its number may be another lock's by then."""
    lock = file_lock.take(str(tmp_path / "a.lock"), 0)
    assert lock is not None
    lock.release()
    closed: list[int] = []
    monkeypatch.setattr(file_lock, "_held", set(range(1024)))
    monkeypatch.setattr(file_lock, "_close", closed.append)
    lock.release()
    assert closed == []
