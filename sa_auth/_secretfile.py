"""Reads a file that holds a secret, once it is known to be the caller's own.

Rule: the opened file is what is judged, so that nothing can be swapped in between. Source: FAULTS line 36 in
docs/faults.md.
"""

from __future__ import annotations

import os
import re
import stat
import warnings

from .errors import ConfigError, KeyFileError, KeyFileWarning

_LARGEST = 1024 * 1024
_warned: set[str] = set()


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
    named = shown(given)
    reason, handle = "", -1
    try:
        # NONBLOCK, or a FIFO would hang the process before it can be refused.
        handle = os.open(place, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "not a path").lower()
    if reason:
        raise KeyFileError(
            f"The key file{named} cannot be opened: {reason}.", code="key_file_missing",
            hint=f"Check the path{_looked_for(place) if named else ''}. A key's text begins with -----BEGIN; what does "
            "not is taken for a path.",
        )  # fmt: skip
    data = b""
    try:
        _judge(os.fstat(handle), place, named, rights)
        while len(data) <= _LARGEST and (more := os.read(handle, 65_536)):
            data += more
    except OSError as error:
        reason = (error.strerror or "").lower()
    finally:
        os.close(handle)
    if reason:
        raise KeyFileError(
            f"The key file{named} cannot be read: {reason}.", code="key_file_missing", hint="Check the disk it is on."
        )
    if not data.strip():
        raise KeyFileError(f"The key file{named} is empty.", code="key_file_empty", hint="Copy or download it again.")
    return data


def _looked_for(place: str) -> str:
    tilde = "; ~ is not expanded here" if "~" in place else ""
    return f", which was looked for at {place}{tilde}"


def _judge(found: os.stat_result, place: str, named: str, rights: str) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise KeyFileError(
            f"The key file{named} is no file but a folder or device.", code="key_file_missing",
            hint="Pass the path of the file itself; a key that comes through a pipe is read first and passed as text.",
        )  # fmt: skip
    if found.st_size > _LARGEST:
        raise KeyFileError(
            f"The key file{named} is larger than 1 MiB, which no key is.", code="key_file_too_large",
            hint="A key file is a few kilobytes; make sure that this is the file you meant.",
        )  # fmt: skip
    if os.name != "posix":
        return
    if found.st_uid not in {os.geteuid(), 0}:
        raise KeyFileError(
            f"The key file{named} belongs to another user.", code="key_file_rights",
            hint="Whoever owns it could swap the key: chown it to the user this program runs as.",
        )  # fmt: skip
    if found.st_mode & 0o022:
        raise KeyFileError(
            f"The key file{named} may be changed by others.", code="key_file_rights", hint=f"Run: chmod 600 {place}"
        )
    if found.st_mode & 0o044:
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
