"""Foreign HTTP clients as one function each, so that the same flows are asked of every bridge.

Rule: a client is made for each call, and its bridge with it: whatever is known from call to call, the credentials know.
"""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import Callable
from typing import Any, NamedTuple

import aiohttp
import httpx
import httpx2
import trio

from sa_auth.integrations.aiohttp import Auth as Middleware
from sa_auth.integrations.httpx import Auth
from sa_auth.integrations.urllib3 import Pool

# Made once: to read the authorities' certificates takes longer than a call.
_TRUSTING = ssl.create_default_context()


class Reply(NamedTuple):
    """What a caller of the client got."""

    status: int
    body: bytes


def _httpx(library: Any) -> Callable[..., Reply]:
    def call(creds: Any, url: str, method: str = "GET", *, allowed_hosts: Any = None, **given: Any) -> Reply:
        with library.Client(auth=Auth(creds, allowed_hosts), follow_redirects=True, verify=_TRUSTING) as client:
            answer = client.request(method, url, **given)
            return Reply(answer.status_code, answer.content)

    return call


def _httpx_async(library: Any, run: Callable[..., Any]) -> Callable[..., Reply]:
    def call(creds: Any, url: str, method: str = "GET", *, allowed_hosts: Any = None, **given: Any) -> Reply:
        async def main() -> Reply:
            async with library.AsyncClient(
                auth=Auth(creds, allowed_hosts), follow_redirects=True, verify=_TRUSTING
            ) as client:
                answer = await client.request(method, url, **given)
                return Reply(answer.status_code, answer.content)

        reply: Reply = run(main)
        return reply

    return call


def _on_asyncio(main: Callable[[], Any]) -> Any:
    return asyncio.run(main())


def _aiohttp(creds: Any, url: str, method: str = "GET", *, allowed_hosts: Any = None, **given: Any) -> Reply:
    async def main() -> Reply:
        async with (
            aiohttp.ClientSession(middlewares=(Middleware(creds, allowed_hosts),)) as session,
            session.request(method, url, **given) as answer,
        ):
            return Reply(answer.status, await answer.read())

    return asyncio.run(main())


def _urllib3(creds: Any, url: str, method: str = "GET", *, allowed_hosts: Any = None, **given: Any) -> Reply:
    with Pool(creds, allowed_hosts=allowed_hosts) as pool:
        answer = pool.request(method, url, timeout=10, **given)
        return Reply(answer.status, answer.data)


CLIENTS: dict[str, Callable[..., Reply]] = {
    "httpx2": _httpx(httpx2),
    "httpx2, async": _httpx_async(httpx2, _on_asyncio),
    "httpx2, trio": _httpx_async(httpx2, trio.run),
    "httpx": _httpx(httpx),
    "httpx, async": _httpx_async(httpx, _on_asyncio),
    "aiohttp": _aiohttp,
    "urllib3": _urllib3,
}

CONTENT = bytes(range(256)) * 300


def seeking(position: int = 0) -> io.BytesIO:
    """A file in memory that was read so far."""
    body = io.BytesIO(b"x" * position + CONTENT)
    body.seek(position)
    return body


def generated() -> Any:
    """A body that can be had once."""
    yield CONTENT[:1000]
    yield CONTENT[1000:]


async def generated_async() -> Any:
    """The same for async clients."""
    yield CONTENT[:1000]
    yield CONTENT[1000:]


def whole(client: str) -> dict[str, dict[str, Any]]:
    """Bodies that can be sent again, by what that client calls them."""
    common: dict[str, dict[str, Any]] = {"json": {"json": {"a": ["b"] * 500}}}
    if client == "urllib3":
        return {
            **common, "bytes": {"body": CONTENT}, "fields": {"fields": {"a": "b" * 500}},
            "file at an offset": {"body": seeking(7)},
        }  # fmt: skip
    bytes_as = "data" if client == "aiohttp" else "content"
    files = {"file": {"data": seeking(7)}} if client == "aiohttp" else {}
    return {**common, **files, "bytes": {bytes_as: CONTENT}, "form": {"data": {"a": "b" * 500}}}


def used_up(client: str) -> dict[str, dict[str, Any]]:
    """Bodies that are gone once they were sent."""
    if client == "urllib3":
        return {"generator": {"body": generated()}}
    if client == "aiohttp":
        return {"generator": {"data": generated_async()}}
    if client.endswith(("async", "trio")):
        return {"generator": {"content": generated_async()}}
    return {"generator": {"content": generated()}, "file": {"content": seeking()}}
