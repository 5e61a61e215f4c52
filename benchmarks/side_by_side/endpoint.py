"""The token endpoint and API that all meet: `python -m benchmarks.side_by_side.endpoint`.

Rule: it judges nothing and is as quick as it can be in Python, so that its own time hides little of the client's; that each
client signs in properly is tested with the strict authority. Each first part of a path (`/robot/token`) is a place with
settings and counters of its own, which `POST /robot/control` sets and tells. It ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from collections import defaultdict
from typing import Any, ClassVar

_SETTINGS: dict[str, Any] = {"delay": 0.0, "status": 200, "fields": {}}


class Endpoint(asyncio.Protocol):
    """One connection."""

    places: ClassVar[defaultdict[str, dict[str, Any]]] = defaultdict(lambda: {**_SETTINGS, "exchanges": 0})
    numbers = itertools.count()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._bytes = transport, b""

    def data_received(self, data: bytes) -> None:
        self._bytes += data
        while b"\r\n\r\n" in self._bytes:
            head, _, rest = self._bytes.partition(b"\r\n\r\n")
            length = 0
            for line in head.split(b"\r\n")[1:]:
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if len(rest) < length:
                return
            self._bytes = rest[length:]
            _, place, act = head.split(b" ", 2)[1].decode().split("/", 2)
            self._answer(place, act, rest[:length])

    def _answer(self, name: str, act: str, body: bytes) -> None:
        place = self.places[name]
        if act == "control":
            place.update(json.loads(body))
            self._send(200, place)
        elif act == "token":
            place["exchanges"] += 1
            fields = {"access_token": f"token-{next(self.numbers)}", "token_type": "Bearer", "expires_in": 3600}
            answer = {**fields, **place["fields"]} if place["status"] == 200 else {"error": "temporarily_unavailable"}
            asyncio.get_running_loop().call_later(place["delay"], self._send, place["status"], answer)
        else:
            self._send(200, {"files": []})

    def _send(self, status: int, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode()
        head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._transport.write(head.encode() + body)


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Endpoint, "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve())
