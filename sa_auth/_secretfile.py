"""Reads a file that holds a secret, a key or a token, once it is known to be the caller's own.

Rule: the opened file is what is judged, so that nothing can be swapped in between. A key is for its owner's eyes; a
token is short-lived and may be read by others, as those are that a cluster projects. Source: FAULTS line 36 in
docs/faults.md.
"""

from __future__ import annotations

import os
import re
import stat
import warnings
from typing import NamedTuple

from .errors import ConfigError, KeyFileError, KeyFileWarning

_warned: set[str] = set()


class _Kind(NamedTuple):
    """What kind of secret a file holds, in the words of its errors.

    Attributes:
        code: Begins the codes of its errors.
        largest: Bytes.
        mend: The mode that `chmod` gives it where others may change it.
        absent: What to look at where there is no such file.
        piped: What to do instead where it is no file.
        rotates: Whether another file takes its place now and then, so that a gap may close by itself.
    """

    noun: str
    code: str
    error: type[ConfigError]
    largest: int
    mend: str
    absent: str
    piped: str
    rotates: bool


# Certificates and public keys alone, which anybody may read.
_PUBLIC = re.compile(rb"\s*(-----BEGIN (CERTIFICATE|PUBLIC KEY)-----[^-]*-----END \2-----\s*)+")
_KEY = _Kind(
    "key", "key_file", KeyFileError, 1024 * 1024, "600",
    ". A key's text begins with -----BEGIN; what does not is taken for a path.",
    "a key that comes through a pipe is read first and passed as text", rotates=False,
)  # fmt: skip
_TOKEN = _Kind(
    "token", "assertion", ConfigError, 256 * 1024, "go-w", ", and that whatever writes the file has begun to.",
    "a token that comes through a pipe is read by a function, and that goes to FromCallable", rotates=True,
)  # fmt: skip


def read_secret(place: str, given: str | bytes | os.PathLike[str], rights: str) -> bytes:
    """Reads a whole file that holds a key.

    Args:
        place: Its absolute path.
        given: The path as the caller gave it, for messages.
        rights: "warn" once where others may read it, or "strict": refuse it.

    Raises:
        KeyFileError: it is missing, empty, no file, too large, another user's, or may be changed by others.
        ConfigError: `rights` is neither word.
    """
    if rights not in ("warn", "strict"):  # a tuple, because a list is a possible value and has no hash
        raise ConfigError(
            "rights is neither 'warn' nor 'strict'.", code="bad_argument",
            hint="'strict' refuses a key file that others may read; 'warn' warns once.",
        )  # fmt: skip
    if not os.fsdecode(given).strip():
        raise KeyFileError(
            "The key file's path is empty.",
            code="key_file_missing",
            hint="Is the variable or setting it comes from set?",
        )
    data = _read(_KEY, place, shown(given), rights)
    if not data.strip():
        raise KeyFileError(
            f"The key file{shown(given)} is empty.", code="key_file_empty", hint="Copy or download it again."
        )
    return data


def read_token(place: str, named: str) -> bytes:
    """Reads a whole file that holds a token; it may be empty, and others may read it.

    Args:
        place: Its absolute path.
        named: " 'path'" for messages; empty where the path may be something else that was mistaken for one.

    Raises:
        ConfigError: it is missing, no file, too large, another user's, or may be changed by others.
    """
    return _read(_TOKEN, place, named, "any")


def _read(kind: _Kind, place: str, named: str, rights: str) -> bytes:
    reason, handle, gone = "", -1, False
    try:
        # NONBLOCK, or a FIFO would hang the process before it can be refused.
        handle = os.open(place, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "not a path").lower()
        gone = isinstance(error, FileNotFoundError)
    if reason:
        raise kind.error(
            f"The {kind.noun} file{named} cannot be opened: {reason}.", code=f"{kind.code}_missing",
            hint=f"Check the path{_looked_for(place) if named else ''}{kind.absent}", retryable=kind.rotates and gone,
        )  # fmt: skip
    data = b""
    try:
        found = os.fstat(handle)
        _judge(kind, found, place, named)
        while len(data) <= kind.largest and (more := os.read(handle, 65_536)):
            data += more
        if not _PUBLIC.fullmatch(data):
            _judge_readers(found, place, named, rights)
    except OSError as error:
        reason = (error.strerror or "").lower()
    finally:
        os.close(handle)
    if reason:
        raise kind.error(
            f"The {kind.noun} file{named} cannot be read: {reason}.", code=f"{kind.code}_missing",
            hint="Check the disk it is on.",
        )  # fmt: skip
    return data


def _looked_for(place: str) -> str:
    tilde = "; ~ is not expanded here" if "~" in place else ""
    return f", which was looked for at {place}{tilde}"


def _judge(kind: _Kind, found: os.stat_result, place: str, named: str) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise kind.error(
            f"The {kind.noun} file{named} is no file but a folder or device.", code=f"{kind.code}_missing",
            hint=f"Pass the path of the file itself; {kind.piped}.",
        )  # fmt: skip
    if found.st_size > kind.largest:
        size = f"{kind.largest // 1024} KiB" if kind.largest < 1024 * 1024 else "1 MiB"
        raise kind.error(
            f"The {kind.noun} file{named} is larger than {size}, which no {kind.noun} is.",
            code=f"{kind.code}_too_large",
            hint=f"A {kind.noun} file is a few kilobytes; make sure that this is the file you meant.",
        )  # fmt: skip
    if os.name != "posix":
        return
    if found.st_uid not in {os.geteuid(), 0}:
        raise kind.error(
            f"The {kind.noun} file{named} belongs to another user.", code=f"{kind.code}_rights",
            hint=f"Whoever owns it could swap the {kind.noun}: chown it to the user this program runs as.",
        )  # fmt: skip
    if found.st_mode & 0o022:
        raise kind.error(
            f"The {kind.noun} file{named} may be changed by others.", code=f"{kind.code}_rights",
            hint=f"Run: chmod {kind.mend} {place}",
        )  # fmt: skip


def _judge_readers(found: os.stat_result, place: str, named: str, rights: str) -> None:
    if os.name != "posix" or rights == "any" or not found.st_mode & 0o044:
        return
    if rights == "strict":
        raise KeyFileError(
            f"The key file{named} may be read by others.", code="key_file_rights", hint=f"Run: chmod 600 {place}"
        )
    if place not in _warned:
        _warned.add(place)
        warnings.warn(
            f"The key file {place} may be read by others. Run: chmod 600 {place}", KeyFileWarning, stacklevel=2
        )


def shown(given: str | bytes | os.PathLike[str]) -> str:
    """The path for a message, only where it can be nothing but a path: in a folder that exists, or with an ending."""
    name = os.fsdecode(given)
    if len(name) > 255 or re.search(r"[\r\n{}]|---", name):
        return ""
    is_path = os.path.isdir(os.path.dirname(name)) or re.fullmatch(r".*\.[A-Za-z0-9]{1,6}", name)
    return f" {name!r}" if is_path else ""
