"""A folder of the user's own and the files in it, judged before they are used.

Rule: nothing is followed or waited for, and what is open is judged rather than its name; what is not ours alone is a
fault, and stays as it is. Stands under the file cache and its locks. Source: FAULTS line 27 in docs/faults.md; open(2).
"""

from __future__ import annotations

import os
import stat
from typing import NoReturn

from .base import CacheFault
from .record import LARGEST

_FOLDER = "its folder"  # what it is called in messages
BINARY = getattr(os, "O_BINARY", 0)
_SAFE = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | BINARY


def judge_folder(path: str, *, make: bool) -> bool:
    """Whether there is a folder that is ours alone.

    Args:
        path: The folder.
        make: Whether to make it if it is not there.

    Raises:
        CacheFault: it is not ours alone, is no folder, or cannot be made.
    """
    found: os.stat_result | None = None
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        fault(error, _FOLDER, path, "used")
    if found is None and make:
        try:
            _make(path)
            found = os.lstat(path)
        except OSError as error:
            fault(error, _FOLDER, path, "made")
    if found is None:
        return False
    if stat.S_ISLNK(found.st_mode):
        raise CacheFault(f"{_FOLDER} {path} is a symbolic link; name the folder itself", code="symlink")
    if not stat.S_ISDIR(found.st_mode):
        raise CacheFault(f"{_FOLDER} {path} is no folder", code="no_folder")
    _judge_owner(found, _FOLDER, path, mode="700")
    return True


def open_there(place: str, what: str) -> int | None:
    """Opens a file to read; None: there is none.

    Args:
        place: The file.
        what: What it is called in messages.

    Raises:
        CacheFault: it is not ours alone, is no file, or cannot be opened.
    """
    try:
        handle = os.open(place, os.O_RDONLY | _SAFE)
    except FileNotFoundError:
        return None
    except OSError as error:
        fault(error, what, place, "opened")
    _judge(handle, place, what)
    return handle


def open_or_make(place: str, what: str) -> int:
    """Opens a file to lock, and makes it if it is not there.

    Args:
        place: The file.
        what: What it is called in messages.

    Raises:
        CacheFault: it is not ours alone, is no file, or cannot be opened or made.
    """
    try:
        handle = os.open(place, os.O_RDWR | os.O_CREAT | _SAFE, 0o600)
    except OSError as error:
        fault(error, what, place, "opened")
    _judge(handle, place, what, made=True)
    return handle


def fault(error: OSError, what: str, place: str, act: str) -> NoReturn:
    """Says what the system would not do.

    Args:
        error: What it said.
        what: What the file or folder is called in messages.
        place: Where it is.
        act: What was to be done to it.

    Raises:
        CacheFault: always.
    """
    reason = (error.strerror or type(error).__name__).lower()
    code = (error.strerror or "os").lower()
    raise CacheFault(f"{what} {place} cannot be {act}: {reason}", code=code) from None


def _make(path: str) -> None:
    """Makes a folder, and those above it that are not there: in one that is open to others they could exchange ours."""
    above = os.path.dirname(path)
    if above != path and not os.path.exists(above):
        _make(above)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:  # another process made it just now
        return
    os.chmod(path, 0o700)  # whatever the umask took away


def _judge(handle: int, place: str, what: str, *, made: bool = False) -> None:
    """Closes what is not to be used."""
    try:
        found = os.fstat(handle)
        if os.name == "posix" and made and not found.st_mode & 0o777 and found.st_uid == os.geteuid():
            os.fchmod(handle, 0o600)  # made just now under a umask that takes everything away
            found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise CacheFault(f"{what} {place} is no file", code="no_file")
        if found.st_size > LARGEST:
            raise CacheFault(f"{what} {place} is larger than any that this library writes", code="too_large")
        _judge_owner(found, what, place, mode="600")
    except BaseException:
        os.close(handle)
        raise


def _judge_owner(found: os.stat_result, what: str, place: str, *, mode: str) -> None:
    if os.name != "posix":
        return
    if found.st_uid != os.geteuid():
        raise CacheFault(f"{what} {place} belongs to another user", code="owner")
    if found.st_mode & 0o077:
        raise CacheFault(f"{what} {place} is open to others; run: chmod {mode} {place}", code="rights")
