"""Takes what a caller handed over and bounds it: text, bytes, or a path to read.

Rule: at most 1 MiB, and no error repeats the content or the path (a key passed as a path would show in it).
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ..errors import ConfigError
from .faults import fault

LIMIT_BYTES = 1 << 20


def bounded(content: object) -> bytes:
    """Gives text or bytes as bytes.

    Args:
        content: str, bytes or bytearray.

    Returns:
        The bytes, UTF-8 for text.

    Raises:
        KeyLoadError: `too_large`.
        ConfigError: it is neither text nor bytes.
    """
    if isinstance(content, str):
        content = content.encode("utf-8", "replace") if len(content) <= LIMIT_BYTES else b" " * (LIMIT_BYTES + 1)
    if not isinstance(content, bytes | bytearray):
        raise ConfigError(f"A key is str or bytes here, not {type(content).__name__}.", code="key_load")
    if len(content) > LIMIT_BYTES:
        raise fault("too_large")
    return bytes(content)


def read_file(path: str | os.PathLike[str]) -> bytes:
    """Reads a whole small file.

    Args:
        path: Where it is. A FIFO, folder or device is refused before it is opened: reading could hang.

    Returns:
        Its bytes.

    Raises:
        KeyLoadError: `unreadable` with the system's word for why, or `too_large`.
    """
    content, reason = b"", ""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            reason = "it is not a regular file"
        else:
            with Path(path).open("rb") as file:
                content = file.read(LIMIT_BYTES + 1)
    except (OSError, ValueError) as error:
        # strerror alone: str(error) would repeat the path.
        reason = getattr(error, "strerror", None) or "its path is not valid"
    if reason:
        raise fault("unreadable", f"The file cannot be read: {reason}.")
    return bounded(content)
