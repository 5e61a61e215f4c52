"""Bytes on their way to text and back.

Source: RFC 7515 appendix C (base64url without padding), RFC 6749 appendix B (form encoding).
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from ._forks import guarded

# Made once: json.dumps makes another for each text that is not in its own form.
_compact = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def b64url(data: bytes) -> str:
    """Encodes bytes as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def b64url_decode(text: str) -> bytes:
    """Decodes base64url, with or without padding.

    Raises:
        ValueError: a character or the length is not of base64url.
    """
    if "+" in text or "/" in text:
        raise ValueError("base64, not base64url")
    padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
    return base64.b64decode(padded, altchars=b"-_", validate=True)


def utf8(data: bytes) -> str:
    """Decodes UTF-8, with or without a byte order mark.

    Without the codec "utf-8-sig", which would be imported at its first use, where no fork waits for it.

    Raises:
        ValueError: it is no UTF-8.
    """
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")


def compact_json(value: Mapping[str, Any]) -> bytes:
    """Writes JSON as a JOSE part wants it: no spaces, UTF-8, no NaN."""
    return _compact(value).encode("utf-8")


def form(fields: Iterable[tuple[str, str]]) -> bytes:
    """Writes fields as application/x-www-form-urlencoded."""
    return urlencode(list(fields)).encode("ascii")


# Held while OpenSSL works: it has locks of its own, and a child forked meanwhile would find them shut for ever.
OPENSSL = guarded(threading.RLock())


def digest(*fields: str | bytes) -> bytes:
    """Hashes fields so that no two lists of fields give the same 32 bytes: each is prefixed by its length."""
    with OPENSSL:
        hasher = hashlib.sha256()
        for field in fields:
            data = field.encode("utf-8", "surrogatepass") if isinstance(field, str) else field
            hasher.update(len(data).to_bytes(8, "big"))
            hasher.update(data)
        return hasher.digest()
