"""The async bridges in a crowd: one exchange for 500 tasks, a loop that is never blocked, and no executor."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import aiohttp
import httpx2
import pytest
import trio

from sa_auth import InvalidGrant, ServiceAccountCredentials, Token
from sa_auth.integrations.aiohttp import Auth as Middleware
from sa_auth.integrations.awaiting import awaited_token
from sa_auth.integrations.function import awaited_token_of
from sa_auth.integrations.httpx import Auth
from sa_auth.testing import Authority, ManualClock
from tests.flow.kit import EXPIRED, Site

BLOCKED = 0.02  # seconds: the most that a loop may be kept
# A machine that is busy with other things keeps a loop as well. So what the loop's own thread does is held against the bound
# by its processor time; and that it does not wait meanwhile, which takes none, against a third of the server's delay.
DELAY, WAITED = 0.3, 0.1
TASKS = 500


@pytest.fixture
def creds(
    make_robot: Callable[..., ServiceAccountCredentials], sa_clock: ManualClock, authority: Authority
) -> ServiceAccountCredentials:
    """Credentials whose token has expired, and a server that takes its time."""
    made = make_robot()
    made.token()
    sa_clock.advance(EXPIRED)
    authority.delay = DELAY
    return made


class Refusing(ThreadPoolExecutor):
    """An executor that nobody may use."""

    def submit(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("the loop's default executor was used")


async def heartbeat(gaps: list[tuple[float, float]]) -> None:
    """Notes how long the loop's thread worked between two beats, and by how much the second came too late."""
    while True:
        worked, due = time.thread_time(), time.perf_counter() + 0.001
        await asyncio.sleep(0.001)
        gaps.append((time.thread_time() - worked, time.perf_counter() - due))


async def crowd(call: Callable[[], Awaitable[Any]]) -> tuple[list[Any], float, float]:
    """Calls from 500 tasks; gives what they got, and for how long the loop was kept at most: at work, and in all."""
    asyncio.get_running_loop().set_default_executor(Refusing())
    gaps: list[tuple[float, float]] = []
    beating = asyncio.ensure_future(heartbeat(gaps))
    await asyncio.sleep(0.01)
    gaps.clear()
    got = await asyncio.gather(*(call() for _ in range(TASKS)))
    await asyncio.sleep(0.005)
    beating.cancel()
    return got, max(worked for worked, _ in gaps), max(late for _, late in gaps)


def through_httpx(creds: ServiceAccountCredentials) -> Callable[[], Awaitable[str]]:
    """What an AsyncClient asks of the auth before it sends; the client itself is not what is measured."""
    auth, request = Auth(creds), httpx2.Request("GET", "https://api.example/")

    async def call() -> str:
        flow = auth.async_auth_flow(request)
        sent = await flow.__anext__()
        await flow.aclose()
        return str(sent.headers["Authorization"])

    return call


def through_aiohttp(creds: ServiceAccountCredentials) -> Callable[[], Awaitable[str]]:
    """What a session asks of the middleware, with an answer at once."""
    from types import SimpleNamespace

    from yarl import URL

    middleware, url = Middleware(creds), URL("https://api.example/")

    async def handler(request: Any) -> Any:
        return SimpleNamespace(status=200, headers={}, url=url)

    async def call() -> str:
        request: Any = SimpleNamespace(url=url, method="GET", headers={}, body=b"")
        await middleware(request, handler)
        return str(request.headers["Authorization"])

    return call


def through_a_function(creds: ServiceAccountCredentials) -> Callable[[], Awaitable[str]]:
    """The token as an async function."""
    token = awaited_token_of(creds)

    async def call() -> str:
        return f"Bearer {await token()}"

    return call


@pytest.mark.parametrize("through", [through_httpx, through_aiohttp, through_a_function])
def test_the_loop_is_not_blocked(
    through: Callable[[ServiceAccountCredentials], Callable[[], Awaitable[str]]],
    creds: ServiceAccountCredentials,
    authority: Authority,
    sa_clock: ManualClock,
) -> None:
    """500 tasks that find the token expired make one exchange, keep the loop 20 ms at most, and use no executor."""
    kept = []
    for count in range(5):
        got, worked, late = asyncio.run(crowd(through(creds)))
        assert set(got) == {creds.token().authorization}
        assert authority.exchanges == 2 + count
        kept.append((worked, late))
        if worked <= BLOCKED and late <= WAITED:
            return
        sa_clock.advance(EXPIRED)
    pytest.fail(f"in each of five crowds the loop was kept: {kept}")


def test_500_calls_by_httpx(creds: ServiceAccountCredentials, site: Site, authority: Authority) -> None:
    """The same over HTTP: 500 calls, one exchange, no executor."""

    async def main() -> list[int]:
        limits = httpx2.Limits(max_connections=20)
        async with httpx2.AsyncClient(auth=Auth(creds), limits=limits, timeout=30) as client:

            async def call() -> int:
                return (await client.get(site.server.api_url)).status_code

            return (await crowd(call))[0]

    assert asyncio.run(main()) == [200] * TASKS
    assert (authority.exchanges, authority.api.calls) == (2, TASKS)


def test_500_calls_by_aiohttp(creds: ServiceAccountCredentials, site: Site, authority: Authority) -> None:
    """The same by aiohttp; one task that is cancelled and one that does not wait so long touch no other."""

    async def main() -> list[int]:
        connector = aiohttp.TCPConnector(limit=20)
        async with aiohttp.ClientSession(middlewares=(Middleware(creds),), connector=connector) as session:

            async def call() -> int:
                async with session.get(site.server.api_url) as answer:
                    return answer.status

            cancelled = asyncio.ensure_future(call())
            impatient = asyncio.ensure_future(asyncio.wait_for(call(), 0.05))
            asyncio.get_running_loop().call_later(0.05, cancelled.cancel)
            got = (await crowd(call))[0]
            ended = await asyncio.gather(cancelled, impatient, return_exceptions=True)
            assert [type(one) for one in ended] == [asyncio.CancelledError, asyncio.TimeoutError]
            return got

    assert asyncio.run(main()) == [200] * TASKS
    assert (authority.exchanges, authority.api.calls) == (2, TASKS)


def test_tasks_on_trio(creds: ServiceAccountCredentials, authority: Authority) -> None:
    """On trio too, tasks share one exchange, and one that is cancelled takes nobody along."""
    got: list[Token] = []

    async def wait() -> None:
        got.append(await awaited_token(creds))

    async def main() -> None:
        with trio.move_on_after(0.05):
            await wait()
        async with trio.open_nursery() as nursery:
            for _ in range(100):
                nursery.start_soon(wait)

    trio.run(main)
    assert {id(one) for one in got} == {id(creds.token())}
    assert (len(got), authority.exchanges) == (100, 2)


def test_nobody_waits_any_more(creds: ServiceAccountCredentials) -> None:
    """A loop that has ended when the token comes is no trouble to whoever brings it."""

    async def on_trio() -> None:
        with trio.move_on_after(0.01):
            await awaited_token(creds)

    async def on_asyncio() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(awaited_token(creds), 0.01)

    trio.run(on_trio)
    asyncio.run(on_asyncio())
    assert isinstance(creds.poll(), Future), "it is still under way"
    assert creds.token()


def test_each_task_has_an_error_of_its_own(creds: ServiceAccountCredentials, authority: Authority) -> None:
    """What a flight's waiters are told are errors of their own."""
    authority.answer(400, {"error": "invalid_grant"})

    async def main() -> list[Any]:
        return await asyncio.gather(*(awaited_token(creds) for _ in range(20)), return_exceptions=True)

    errors = asyncio.run(main())
    assert all(type(error) is InvalidGrant for error in errors)
    assert len({id(error) for error in errors}) == 20
    assert len(authority.requests) == 2
