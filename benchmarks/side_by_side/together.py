"""What many threads or tasks meet, and what one thread's renewal does to the others."""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from collections.abc import Callable

from benchmarks.measure import quantile
from benchmarks.peers import Client

from .place import Place
from .worker import Subject

THREADS = 64
LATENCY = 0.2  # seconds that the endpoint takes
TASKS = 500
CALLING = 8.0  # seconds of calls while the endpoint is down
CALLS = 20
RENEWALS = 5


def herd(act: Callable[[], object]) -> tuple[list[float], int]:
    """Runs an act on all threads at once: seconds of each, and how many failed."""
    gate, seconds, failed = threading.Barrier(THREADS), [], []

    def one() -> None:
        gate.wait()
        began = time.perf_counter()
        try:
            act()
        except Exception as error:
            failed.append(error)
        seconds.append(time.perf_counter() - began)

    threads = [threading.Thread(target=one) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seconds, len(failed)


def cold_herd(subject: Subject) -> dict:
    """No token; the key was loaded before, where the library can do that."""
    place = subject.place()
    subject.open(place, ready=True).token()  # what a process does once is done
    place = subject.place()
    place.set(delay=LATENCY)
    client = subject.open(place, ready=True)
    seconds, failed = herd(client.token)
    return {
        "64 threads, cold: exchanges": [place.exchanges() + failed],
        "64 threads, cold: slowest, beyond the endpoint's 200 ms": [(max(seconds) - LATENCY) * 1000],
    }


def expired_herd(subject: Subject) -> dict:
    """A token that has just expired."""
    place = subject.place()
    place.set(fields={"expires_in": 1})
    client = subject.open(place, ready=True)
    client.token()
    place.set(delay=LATENCY, fields={})
    time.sleep(1.4)
    before = place.exchanges()
    seconds, failed = herd(client.token)
    return {
        "64 threads, expired: exchanges": [place.exchanges() - before + failed],
        "64 threads, expired: slowest, beyond the endpoint's 200 ms": [(max(seconds) - LATENCY) * 1000],
    }


def hold(subject: Subject) -> dict:
    """Gets two tokens that will be due for renewal."""
    for _ in range(2):
        place = subject.place()
        place.set(fields=subject.due[0])
        client = subject.open(place)
        client.token()
        place.set(fields={})
        subject.held.append((place, client))
    return {}


def due_calls(subject: Subject) -> dict:
    """Calls with tokens in their renewal window, which `hold` got."""
    return {**_stale(*subject.held[0]), **_down(*subject.held[1])}


def _stale(place: Place, client: Client) -> dict:
    place.set(delay=LATENCY)
    before, seconds = place.exchanges(), []

    def calls() -> None:
        for _ in range(CALLS):
            began = time.perf_counter()
            client.token()
            seconds.append(time.perf_counter() - began)

    _, failed = herd(calls)
    time.sleep(2 * LATENCY)
    return {
        "64 threads, in the renewal window: exchanges": [place.exchanges() - before + failed],
        "64 threads, in the renewal window: calls that waited": [sum(second > LATENCY / 2 for second in seconds)],
        "64 threads, in the renewal window: p99 of a call": [quantile(seconds, 0.99) * 1000],
    }


def _down(place: Place, client: Client) -> dict:
    place.set(status=503)
    before, errors = place.exchanges(), 0
    began = time.monotonic()
    while time.monotonic() < began + CALLING:
        try:
            client.token()
        except Exception:
            errors += 1
        time.sleep(0.01)
    asked = (place.exchanges() - before) / (time.monotonic() - began)
    return {
        "endpoint down, token alive: errors": [errors],
        "endpoint down, token alive: requests per second": [asked],
    }


def stalled(subject: Subject, key: str) -> dict:
    """How long an unrelated thread is kept from running by a first token, and by a renewal."""
    size, place = key.upper().replace("RSA", "RSA-"), subject.place()
    first = []
    for _ in range(2):
        alone = _longest(lambda: time.sleep(0.05))
        fresh = subject.place()
        first.append(_longest(lambda fresh=fresh: subject.open(fresh, key).token()) - alone)
    client = subject.open(place, key)
    client.token()
    client.renew()
    rested, renewing = [], []
    for _ in range(RENEWALS):
        rested.append(_longest(lambda: time.sleep(0.02)))
        renewing.append(_longest(client.renew))
    late = statistics.median(renewing) - statistics.median(rested)
    return {
        f"another thread stalled by a renewal, {size}": [late * 1000],
        f"another thread stalled by a first token, {size}": [min(first) * 1000],
    }


def _longest(act: Callable[[], object]) -> float:
    """The longest time that this thread, which asks to run each half millisecond, did not, while another acts."""
    thread = threading.Thread(target=act)
    longest, before = 0.0, time.perf_counter()
    thread.start()
    while True:
        alive = thread.is_alive()
        time.sleep(0.0005)
        now = time.perf_counter()
        longest, before = max(longest, now - before), now
        if not alive:
            return longest


def short_lives(subject: Subject) -> dict:
    """Twenty calls with tokens of a short life."""
    found = {}
    for life in (200, 30):
        place = subject.place()
        place.set(fields={"expires_in": life})
        client = subject.open(place)
        for _ in range(CALLS):
            client.token()
        found[f"`expires_in` of {life} s, 20 calls: exchanges"] = [place.exchanges()]
    return found


def tasks(subject: Subject) -> dict:
    """Five hundred tasks with a token that has just expired."""
    place = subject.place()
    place.set(fields={"expires_in": 1})
    credentials = subject.peer.credentials(subject.peer.ready(subject.keys["rsa2048"]), place.token_endpoint)
    credentials.token()
    place.set(delay=LATENCY, fields={})
    time.sleep(1.4)
    before = place.exchanges()
    blocked = asyncio.run(_tasks(credentials))
    return {
        "asyncio, 500 tasks, expired: exchanges": [place.exchanges() - before],
        "asyncio, 500 tasks, expired: loop blocked": [blocked * 1000],
    }


async def _tasks(credentials) -> float:
    longest, over = 0.0, False

    async def tick() -> None:
        nonlocal longest
        while not over:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - began - 0.001)

    async def one() -> None:
        got = credentials.poll()
        if not hasattr(got, "access_token"):
            await asyncio.shield(asyncio.wrap_future(got))

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0.01)
    await asyncio.gather(*(one() for _ in range(TASKS)))
    over = True
    await ticking
    return longest


ACTS = {act.__name__: act for act in (cold_herd, expired_herd, hold, due_calls, stalled, short_lives, tasks)}
