"""Reads HTTP/1.1 requests from a stream and writes responses: as little as a test server needs, bounded everywhere.

Rule: head and body leave in one write. The request reader of `http.server` goes through the e-mail parser, which costs
more than the rest of a call; a dozen lines do the same for what HTTP clients really send.

Source: RFC 9112 sections 2 to 7.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import BinaryIO

from sa_auth.wire import Response

_LARGEST_HEAD = 64 * 1024
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_CHUNK_LINE = 1024
_WITHOUT_BODY = (204, 304)


class BadRequest(Exception):  # noqa: N818 - what RFC 9110 calls it
    """The request cannot be read; `status` is the answer to give before the connection ends."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class Head:
    """The first line and the header fields of a request.

    Attributes:
        method: As sent.
        target: The path and query, or the absolute URL.
        headers: Names in lower case; repeated fields are joined by a comma.
        keep_alive: Whether the client wants to send another request on this connection.
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    keep_alive: bool


def read_head(stream: BinaryIO) -> Head | None:
    """Reads up to the empty line; None where the client has nothing more to send.

    Raises:
        BadRequest: it is no HTTP/1.x, or larger than 64 KiB.
    """
    line = stream.readline(_LARGEST_HEAD)
    if not line:
        return None
    words = line.decode("latin-1").split()
    if len(words) != 3 or words[2] not in {"HTTP/1.1", "HTTP/1.0"}:
        raise BadRequest(414 if len(line) == _LARGEST_HEAD else 400)
    headers = _read_fields(stream, _LARGEST_HEAD - len(line))
    connection = headers.get("connection", "").lower()
    keep_alive = "close" not in connection if words[2] == "HTTP/1.1" else "keep-alive" in connection
    return Head(words[0], words[1], headers, keep_alive)


def _read_fields(stream: BinaryIO, left: int) -> dict[str, str]:
    headers: dict[str, str] = {}
    while True:
        line = stream.readline(left + 1)
        left -= len(line)
        if left < 0:
            raise BadRequest(431)
        if line in {b"\r\n", b"\n"}:
            return headers
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not name or name != name.strip():
            raise BadRequest(400)
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value


def read_body(stream: BinaryIO, headers: Mapping[str, str], most: int) -> bytes:
    """Reads the body that the header fields announce.

    Args:
        stream: Where from.
        headers: The request's, names in lower case.
        most: How many bytes are accepted.

    Raises:
        BadRequest: it is too large (413), ends early, or its length cannot be told for certain.
    """
    length = headers.get("content-length")
    if "transfer-encoding" in headers:
        if length is not None or headers["transfer-encoding"].lower() != "chunked":
            raise BadRequest(400)
        return _read_chunks(stream, most)
    if length is None:
        return b""
    if not (length.isascii() and length.isdigit()):
        raise BadRequest(400)
    # Compared by its digits first: int() refuses thousands of them with an error of its own.
    if len(length.lstrip("0")) > len(str(most)) or int(length) > most:
        raise BadRequest(413)
    return _read_exactly(stream, int(length))


def _read_chunks(stream: BinaryIO, most: int) -> bytes:
    body = bytearray()
    while True:
        size_text = stream.readline(_CHUNK_LINE).partition(b";")[0].strip()
        try:
            size = int(size_text, 16)
        except ValueError:
            size = -1
        if size < 0:
            raise BadRequest(400)
        if len(body) + size > most:
            raise BadRequest(413)
        if size == 0:
            _read_fields(stream, _LARGEST_HEAD)
            return bytes(body)
        body += _read_exactly(stream, size)
        if stream.readline(_CHUNK_LINE) != b"\r\n":
            raise BadRequest(400)


def _read_exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise BadRequest(400)
    return data


def head_of(response: Response, *, keep_alive: bool) -> bytes:
    """Writes the status line and header fields, the empty line included."""
    headers = dict(response.headers)
    if "content-length" not in headers and "transfer-encoding" not in headers and response.status not in _WITHOUT_BODY:
        headers["content-length"] = str(len(response.body))
    headers.setdefault("connection", "keep-alive" if keep_alive else "close")
    lines = [f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def keeps_alive(head: Head, response: Response) -> bool:
    """Whether both sides can go on: a planned answer may have promised another length than it has."""
    if not head.keep_alive or response.headers.get("connection", "").lower() == "close":
        return False
    if "transfer-encoding" in response.headers:
        return False
    return response.headers.get("content-length", str(len(response.body))) == str(len(response.body))
