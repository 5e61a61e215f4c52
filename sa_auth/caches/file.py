"""Tokens shared by the processes of one machine, in a folder of the user's own.

Rule: a record is written beside its place and moved there; the lock is the kernel's, never unlinked and never broken by
age; whatever is found is opened without following it and judged before it is read, or put away. Stands under `sharing`.
Source: FAULTS line 27 in docs/faults.md; flock(2).
"""

from __future__ import annotations

import os
import secrets
import stat
import threading
from contextlib import suppress
from typing import NoReturn

from .._clock import SYSTEM, Deadline
from .._loading import is_installed, load
from .._secret import Password
from ..errors import ConfigError, MissingExtra
from .base import CacheFault, Record
from .own_key import checked_key, travelling
from .record import LARGEST, head, newer

_POLL = 0.01  # seconds between two tries for the lock
_WRITING = 0.25  # seconds to wait for whoever is writing just now
_ABANDONED = 86_400.0  # seconds after which what nobody needs is swept up
_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_held: set[int] = set()  # descriptors of the locks that this process holds or waits for
# Held while one is opened and noted, or closed and forgotten, so that no fork falls in between.
_NOTING = threading.Lock()


def _let_go() -> None:
    # The lock is the parent's; a child that kept it open would hold it after the parent's death.
    for handle in _held:
        with suppress(OSError):
            os.close(handle)
    _held.clear()
    _NOTING.release()


def _close(handle: int) -> None:
    with _NOTING:
        if handle in _held:
            _held.discard(handle)
            with suppress(OSError):
                os.close(handle)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_NOTING.acquire, after_in_parent=_NOTING.release, after_in_child=_let_go)


class FileCache:
    """Shares tokens between the processes of one user on one machine.

    Args:
        path: A folder of its own, made if it is not there; default the user's cache folder ("~/.cache/sa_auth").
        key: At least 32 characters or bytes, or a function that gives them: seals the tokens where no key of the
            service account's is in the process (a client secret, a token service, a key service). A local key's
            tokens are sealed by what both give.

    Raises:
        MissingExtra: the extra "file" is not installed.
        ConfigError: the path or the key is not usable.

    Example:
        >>> import tempfile
        >>> from sa_auth import ServiceAccountCredentials
        >>> from sa_auth.testing import Authority, new_key
        >>> private, public = new_key("p256")
        >>> authority = Authority()
        >>> _ = authority.register("robot", public)
        >>> folder = tempfile.TemporaryDirectory()
        >>> for _ in range(2):  # as two processes would
        ...     _ = ServiceAccountCredentials(
        ...         private, issuer="robot", token_endpoint=authority.token_endpoint, transport=authority.transport(),
        ...         cache=FileCache(folder.name)).token()
        >>> authority.exchanges
        1
        >>> folder.cleanup()
    """

    tier = "file"

    def __init__(self, path: str | os.PathLike[str] | None = None, *, key: Password = None) -> None:
        self.key = checked_key(key, "FileCache")
        self._given = path
        self.path = _folder(path)
        self._swept = False
        _require("filelock")

    def get(self, name: str) -> Record | None:
        """What is in the file of that name.

        Raises:
            CacheFault: the folder or the file is not one to be used.
        """
        if not self._judge_folder(make=False):
            return None
        data = self._read(self._place(name))
        return None if data is None else Record(data)

    def put(self, name: str, data: bytes, seconds: float, *, over: bytes | None) -> bool:  # noqa: ARG002 - the head says it
        """Moves a record to its place, unless what is there ends later.

        Raises:
            CacheFault: it cannot be written: no room, no right, or what is there is not ours to replace.
        """
        self._judge_folder(make=True)
        place = self._place(name)
        lock = self._take(os.path.join(self.path, "writing.lock"), _WRITING)
        if lock is None:
            raise CacheFault("another process has been writing for long", code="busy")
        try:
            if not self._gives_way(place, data, over):
                return False
            self._write(place, data)
            self._sweep()
        finally:
            lock.release()
        return True

    def discard(self, name: str, data: bytes) -> None:
        """Removes the file, if that record is still in it.

        Raises:
            CacheFault: it cannot be removed.
        """
        if not self._judge_folder(make=False):
            return
        place = self._place(name)
        lock = self._take(os.path.join(self.path, "writing.lock"), _WRITING)
        if lock is None:
            raise CacheFault("another process has been writing for long", code="busy")
        try:
            if self._read(place) == data:
                os.unlink(place)
        except OSError as error:
            _fault(error, "removed")
        finally:
            lock.release()

    def take(self, name: str, seconds: float) -> FileLock | None:
        """Takes the kernel's lock on a file beside the record, which goes with the process however that ends.

        Raises:
            CacheFault: there can be no such file.
        """
        self._judge_folder(make=True)
        return self._take(os.path.join(self.path, f"{name}.lock"), seconds)

    def _place(self, name: str) -> str:
        return os.path.join(self.path, f"{name}.token")

    def _judge_folder(self, *, make: bool) -> bool:
        """Whether there is a folder that is ours alone; made if it is not there."""
        found: os.stat_result | None = None
        try:
            found = os.lstat(self.path)
        except FileNotFoundError:
            pass
        except OSError as error:
            _fault(error, "used", "folder")
        if found is None and make:
            try:
                os.makedirs(os.path.dirname(self.path), exist_ok=True)
                os.mkdir(self.path, 0o700)
                os.chmod(self.path, 0o700)  # whatever the umask took away
            except FileExistsError:
                pass
            except OSError as error:
                _fault(error, "made", "folder")
            found = os.lstat(self.path)
        if found is None:
            return False
        if stat.S_ISLNK(found.st_mode):
            raise CacheFault(f"its folder {self.path} is a symbolic link; name the folder itself", code="symlink")
        if not stat.S_ISDIR(found.st_mode):
            raise CacheFault(f"its folder {self.path} is no folder", code="no_folder")
        _judge_owner(found, f"its folder {self.path}", mend=f"chmod 700 {self.path}")
        return True

    def _read(self, place: str) -> bytes | None:
        """What is in a file that is ours alone; None: there is none."""
        handle = _open(place, _FLAGS | _BINARY, f"the record {os.path.basename(place)[:8]}")
        if handle is None:
            return None
        data = b""
        try:
            while len(data) <= LARGEST and (more := os.read(handle, 65_536)):
                data += more
        except OSError as error:
            _fault(error, "read")
        finally:
            os.close(handle)
        return data

    def _gives_way(self, place: str, data: bytes, over: bytes | None) -> bool:
        """Whether what is there is ours, and ends earlier, is damaged, or is what was found to be of no use."""
        found = self._read(place)
        if found is not None and newer(found):
            return False
        if found is None or found == over:
            return True
        there, ours = head(found), head(data)
        return there is None or ours is None or there.ends < ours.ends

    def _write(self, place: str, data: bytes) -> None:
        beside = f"{place[: -len('.token')]}.{secrets.token_hex(8)}.new"
        try:
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
            try:
                if os.name == "posix":
                    os.fchmod(handle, 0o600)  # whatever the umask took away
                left = memoryview(data)
                while left:
                    left = left[os.write(handle, left) :]
            finally:
                os.close(handle)
            found = head(data)
            if found is not None:
                # When it may be swept up stands where that is seen without opening it.
                os.utime(beside, (found.ends, found.ends + found.kept))
            os.replace(beside, place)
        except OSError as error:
            with suppress(OSError):
                os.unlink(beside)
            _fault(error, "written")

    def _sweep(self) -> None:
        """Removes records that nobody has had use for since yesterday; once per process, for the next takes care as well."""
        if self._swept:
            return
        self._swept = True
        with suppress(OSError), os.scandir(self.path) as found:
            for entry in found:
                ours = entry.name.endswith((".token", ".new")) and entry.is_file(follow_symlinks=False)
                told = entry.stat(follow_symlinks=False)
                # Written as well as over since then: what a test's clock says of an end is no reason to remove it.
                if ours and max(told.st_mtime, told.st_ctime) + _ABANDONED < SYSTEM.wall():
                    with suppress(OSError):
                        os.unlink(entry.path)

    def _take(self, place: str, seconds: float) -> FileLock | None:
        native = load("filelock")  # late: who finds a token needs no lock
        with _NOTING:
            handle = _open(place, (_FLAGS & ~os.O_RDONLY) | os.O_RDWR | os.O_CREAT | _BINARY, "its lock")
            assert handle is not None
            _held.add(handle)
        deadline, taken = Deadline(SYSTEM, seconds), False
        try:
            while not (taken := native.lock_descriptor(handle, blocking=False)) and deadline.left() > 0:
                SYSTEM.sleep(min(_POLL, max(deadline.left(), 0.0)))
        except OSError as error:
            _fault(error, "locked")
        finally:
            if not taken:
                _close(handle)
        return FileLock(handle) if taken else None

    def __repr__(self) -> str:
        return f"FileCache({self.path!r})"

    def __reduce__(self) -> tuple[object, ...]:
        # Absolute, as it was meant here; the user's own folder is found anew.
        return _revive, (None if self._given is None else self.path, travelling(self.key, "FileCache"))


class FileLock:
    """The kernel's lock on an open file."""

    __slots__ = ("_handle", "_process")

    def __init__(self, handle: int) -> None:
        self._handle, self._process = handle, os.getpid()

    def release(self) -> None:
        """Gives it back."""
        handle, self._handle = self._handle, -1  # a number may be another lock's by the next time
        if handle in _held and self._process == os.getpid():  # a forked child closed it: it is the parent's
            with suppress(OSError):
                load("filelock").unlock_descriptor(handle)
            _close(handle)


def _revive(path: str | os.PathLike[str] | None, key: Password) -> FileCache:
    return FileCache(path, key=key)


def _folder(path: object) -> str:
    if path is None:
        _require("platformdirs")
        return str(load("platformdirs").user_cache_path("sa_auth", appauthor=False).absolute())
    if not isinstance(path, str | os.PathLike) or not os.fsdecode(path).strip() or "\0" in os.fsdecode(path):
        raise ConfigError(
            "FileCache(path) is no path.",
            code="bad_argument",
            hint="It is the folder to keep tokens in: a str or Path.",
        )
    return os.path.abspath(os.path.expanduser(os.fsdecode(path)))


def _require(package: str) -> None:
    if not is_installed(package):
        raise MissingExtra(
            f"The file cache needs the package {package!r}.", hint='Install it with: pip install "sa_auth[file]"'
        )


def _open(place: str, flags: int, what: str) -> int | None:
    """Opens a file that is ours alone; None: there is none."""
    handle = -1
    try:
        handle = os.open(place, flags, 0o600)
    except FileNotFoundError:
        return None
    except OSError as error:
        _fault(error, "opened")
    try:
        found = os.fstat(handle)
        if os.name == "posix" and flags & os.O_CREAT and not found.st_mode & 0o777 and found.st_uid == os.geteuid():
            os.fchmod(handle, 0o600)  # made just now under a umask that takes everything away
            found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise CacheFault(f"{what} is no file", code="no_file")
        if found.st_size > LARGEST:
            raise CacheFault(f"{what} is larger than any that this library writes", code="too_large")
        _judge_owner(found, what, mend=f"chmod 600 {place}")
    except BaseException:
        os.close(handle)
        raise
    return handle


def _judge_owner(found: os.stat_result, what: str, *, mend: str) -> None:
    if os.name != "posix":
        return
    if found.st_uid != os.geteuid():
        raise CacheFault(f"{what} belongs to another user", code="owner")
    if found.st_mode & 0o077:
        raise CacheFault(f"{what} is open to others; run: {mend}", code="rights")


def _fault(error: OSError, act: str, what: str = "file") -> NoReturn:
    reason = (error.strerror or type(error).__name__).lower()
    raise CacheFault(f"a {what} of it cannot be {act}: {reason}", code=(error.strerror or "os").lower()) from None
