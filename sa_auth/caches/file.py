"""Tokens shared by the processes of one machine, in a folder of the user's own.

Rule: a record is written beside its place and moved there, once what it replaces has been looked at; the lock is the
kernel's, and whatever is found is judged before it is read or replaced. Stands under `sharing`.
Source: FAULTS line 27 in docs/faults.md.
"""

from __future__ import annotations

import math
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from .._clock import SYSTEM
from .._loading import is_installed, load
from .._secret import Password
from ..errors import ConfigError, MissingExtra
from .base import Record
from .file_lock import FileLock, take
from .own_folder import BINARY, fault, judge_folder, open_there
from .own_key import checked_key, travelling
from .record import LARGEST, head, newer

_RECORD = "its record"  # what it is called in messages
_WRITING = 0.25  # seconds to wait for whoever is writing just now
_HOUR = 3600.0  # seconds between two sweeps
_ABANDONED = 86_400.0  # seconds after which what nobody needs is swept up


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
        self._swept = -math.inf
        _require("filelock")

    def get(self, name: str) -> Record | None:
        """What is in the file of that name.

        Raises:
            CacheFault: the folder or the file is not one to be used.
        """
        if not judge_folder(self.path, make=False):
            return None
        data = self._read(self._place(name))
        return None if data is None else Record(data)

    def put(self, name: str, data: bytes, seconds: float, *, over: bytes | None) -> bool:  # noqa: ARG002 - the head says it
        """Moves a record to its place, unless what is there ends later.

        Raises:
            CacheFault: it cannot be written: no room, no right, or what is there is not ours to replace.
        """
        judge_folder(self.path, make=True)
        place = self._place(name)
        beside = _beside(place, data)
        try:
            with self._writing() as alone:
                # Looked at last of all: whoever was stopped before, and goes on, replaces nothing that ends later.
                if not self._gives_way(place, data, over):
                    return False
                os.replace(beside, place)
                if alone:
                    self._sweep()
        except OSError as error:
            fault(error, _RECORD, place, "written")
        finally:
            with suppress(OSError):  # it is gone where it was moved
                os.unlink(beside)
        return True

    def discard(self, name: str, data: bytes) -> None:
        """Removes the file, if that record is still in it.

        Raises:
            CacheFault: it cannot be removed.
        """
        if not judge_folder(self.path, make=False):
            return
        place = self._place(name)
        try:
            with self._writing():
                if self._read(place) == data:
                    os.unlink(place)
        except OSError as error:
            fault(error, _RECORD, place, "removed")

    def take(self, name: str, seconds: float, *, lasts: float = 0.0) -> FileLock | None:  # noqa: ARG002 - it never ends
        """Takes the kernel's lock on a file beside the record, which goes with the process however that ends.

        Raises:
            CacheFault: there can be no such file.
        """
        judge_folder(self.path, make=True)
        return take(os.path.join(self.path, f"{name}.lock"), seconds)

    def _place(self, name: str) -> str:
        return os.path.join(self.path, f"{name}.token")

    @contextmanager
    def _writing(self) -> Iterator[bool]:
        """Keeps other writers away for a moment; gives whether it could.

        One that was stopped meanwhile is not waited for: two who write at once may cost an exchange, and a token that
        is not written costs one in every process.
        """
        lock = take(os.path.join(self.path, "writing.lock"), _WRITING)
        try:
            yield lock is not None
        finally:
            if lock is not None:
                lock.release()

    def _read(self, place: str) -> bytes | None:
        """What is in a file that is ours alone; None: there is none."""
        handle = open_there(place, _RECORD)
        if handle is None:
            return None
        data = b""
        try:
            while len(data) <= LARGEST and (more := os.read(handle, 65_536)):
                data += more
        except OSError as error:
            fault(error, _RECORD, place, "read")
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

    def _sweep(self) -> None:
        """Removes records that nobody has had use for since yesterday, at most once an hour."""
        now = SYSTEM.boot()
        if now - self._swept < _HOUR:
            return
        self._swept = now
        with suppress(OSError), os.scandir(self.path) as found:
            for entry in found:
                ours = entry.name.endswith((".token", ".new")) and entry.is_file(follow_symlinks=False)
                with suppress(OSError):  # what others write comes and goes meanwhile
                    told = entry.stat(follow_symlinks=False)
                    # Written as well as over since then: what a test's clock says of an end is no reason to remove it.
                    if ours and max(told.st_mtime, told.st_ctime) + _ABANDONED < SYSTEM.wall():
                        os.unlink(entry.path)

    def __repr__(self) -> str:
        return f"FileCache({self.path!r})"

    def __reduce__(self) -> tuple[object, ...]:
        # Absolute, as it was meant here; the user's own folder is found anew.
        return _revive, (None if self._given is None else self.path, travelling(self.key, "FileCache"))


def _revive(path: str | os.PathLike[str] | None, key: Password) -> FileCache:
    return FileCache(path, key=key)


def _beside(place: str, data: bytes) -> str:
    """Writes a record beside its place, from where it can be moved there at once."""
    beside = f"{place[: -len('.token')]}.{secrets.token_hex(8)}.new"
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, 0o600)
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
    except OSError as error:
        with suppress(OSError):
            os.unlink(beside)
        fault(error, _RECORD, place, "written")
    return beside


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
