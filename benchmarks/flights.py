"""What 200 threads meet when the token is missing, old, stale, or cannot be renewed."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator

from benchmarks.local import Local
from benchmarks.measure import Figure, quantile
from sa_auth import RefreshPolicy, Retry, SaAuthError, ServiceAccountCredentials
from sa_auth.keys import from_pem

THREADS = 200
LATENCY = 0.2


def herd(act: Callable[[], object]) -> tuple[list[float], list[str]]:
    """Runs an act on 200 threads at once: seconds of each, and what was raised."""
    gate, seconds, errors = threading.Barrier(THREADS + 1), [], []

    def one():
        gate.wait()
        began = time.perf_counter()
        try:
            act()
        except SaAuthError as error:
            errors.append(str(error))
        seconds.append(time.perf_counter() - began)

    threads = [threading.Thread(target=one) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    gate.wait()
    for thread in threads:
        thread.join()
    return seconds, errors


def _practised(local: Local):
    """A key that has signed before, so that its one validation is not in the figure."""
    if not hasattr(local, "practised"):
        local.practised = from_pem(local.private)
        local.credentials(local.practised, subject="practice").token()
    return local.practised


def _alone(local: Local) -> float:
    """Seconds that one caller alone waits for a first token: the endpoint's latency as anybody meets it."""
    key, taken = _practised(local), []
    for number in range(5):
        creds = local.credentials(key, subject=f"alone {number} {time.time()}")
        began = time.perf_counter()
        creds.token()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def _bare() -> float:
    """Seconds by which 200 threads that wait for a bare event come late: what the machine takes for waking them."""
    event, began, ends = threading.Event(), [], []

    def fire() -> None:
        began.append(time.perf_counter())
        event.set()

    def wait() -> None:
        event.wait()
        ends.append(time.perf_counter())

    threading.Timer(2 * LATENCY, fire).start()
    herd(wait)
    return max(ends) - began[0]


def cold(local: Local) -> Iterator[Figure]:
    """200 threads without a token."""
    key = _practised(local)

    def once(number: int) -> ServiceAccountCredentials:
        return local.credentials(key, subject=f"cold {number}")

    yield from _herds(local, "cold", once)


def expired(local: Local) -> Iterator[Figure]:
    """200 threads with a token that has just expired."""
    key = _practised(local)

    def once(number: int) -> ServiceAccountCredentials:
        creds = local.credentials(key, subject=f"expired {number}")
        local.tell(token_lifetime=1.2)
        creds.token()
        local.tell(token_lifetime=3600)
        time.sleep(1.2)
        return creds

    yield from _herds(local, "expired", once)


def _herds(local: Local, state: str, once: Callable[[int], ServiceAccountCredentials]) -> Iterator[Figure]:
    """Five herds: exchanges of the worst, seconds of the best, and how they lie to the machine's own waking."""
    local.tell(delay=LATENCY)
    alone = _alone(local)
    worst, late, bare = 0, [], []
    for number in range(5):
        local.tell(delay=0)
        creds = once(number)
        local.tell(delay=LATENCY)
        before = local.exchanges()
        seconds, errors = herd(creds.token)
        worst = max(worst, local.exchanges() - before + len(errors))
        late.append(max(seconds) - alone)
        bare.append(_bare())
    local.tell(delay=0)
    span = f"one caller: {alone * 1000:.0f} ms; five herds: {', '.join(f'{one * 1000:.0f}' for one in sorted(late))} ms"
    yield Figure(f"200 threads {state}: exchanges", "1 exchange", worst, "", 1)
    yield Figure(
        f"200 threads {state}: slowest, beyond one caller alone", "one caller", min(late) * 1000, "ms", 20, span
    )
    ratio = statistics.median(late) / statistics.median(bare)
    yield Figure(f"200 threads {state}: slowest, medians", "a bare threading.Event", ratio, "x", 1.5)


def _stale(local: Local, subject: str, **changes) -> ServiceAccountCredentials:
    """Credentials whose token is in its renewal window."""
    creds = local.credentials(_practised(local), subject=subject, refresh=RefreshPolicy(lead=4), **changes)
    local.tell(token_lifetime=8)
    creds.token()
    local.tell(token_lifetime=3600)
    time.sleep(4.9)  # half a life, and the process's own share of jitter
    return creds


def stale(local: Local) -> Iterator[Figure]:
    """200 threads with a token in its renewal window."""
    creds = _stale(local, "stale")
    local.tell(delay=LATENCY)
    before = local.exchanges()
    seconds, errors = herd(creds.token)
    time.sleep(LATENCY + 0.2)
    made = local.exchanges() - before
    local.tell(delay=0)
    yield Figure("200 threads stale: exchanges", "1 exchange", made + len(errors), "", 1)
    waited = sum(second > LATENCY / 2 for second in seconds)
    yield Figure("200 threads stale: who waited", "nobody", waited, "", 0)
    yield Figure("200 threads stale: p99", "", quantile(seconds, 0.99) * 1000, "ms", 1)


def down(local: Local) -> Iterator[Figure]:
    """The endpoint down while the token lives."""
    creds = _stale(local, "down")
    local.tell(down={"status": 503})
    until, errors, calls = time.monotonic() + 1.5, 0, 0
    before = local.tell()
    while time.monotonic() < until:
        calls += 1
        try:
            creds.token()
        except SaAuthError:
            errors += 1
        time.sleep(0.001)
    asked = local.tell()["statuses"].get("503", 0) - before["statuses"].get("503", 0)
    local.tell(up=True)
    yield Figure("endpoint down, token alive: errors", "0 errors", errors, "", 0, f"{calls} calls, {asked} requests")


def hanging(local: Local) -> Iterator[Figure]:
    """Calls with a living token while the endpoint hangs."""
    creds = _stale(local, "hanging", timeout=2.0)
    local.tell(delay=5)
    seconds, until = [], time.monotonic() + 2.2
    while time.monotonic() < until:
        began = time.perf_counter()
        creds.token()
        seconds.append(time.perf_counter() - began)
        time.sleep(0.0002)
    local.tell(delay=0)
    figure = quantile(seconds, 0.999) * 1000
    yield Figure("endpoint hangs, token alive: p99.9 of a call", "", figure, "ms", 5, f"{len(seconds):,} calls")


def recovery(local: Local) -> Iterator[Figure]:
    """From the return of an endpoint that answered 503 to the first token, without a living one."""
    worst = 0.0
    for number in range(8):
        creds = local.credentials(_practised(local), subject=f"recovery {number}", retry=Retry())
        local.tell(down={"status": 503})
        until = time.monotonic() + 1.0 + number * 0.3
        while time.monotonic() < until:
            _try(creds)
        local.tell(up=True)
        back = time.monotonic()
        while not _try(creds):
            time.sleep(0.005)
        worst = max(worst, time.monotonic() - back)
    yield Figure("recovery after 503, without a token: worst of 8", "", worst, "s", 2.5)


def _try(creds: ServiceAccountCredentials) -> bool:
    try:
        creds.token()
    except SaAuthError:
        time.sleep(0.005)
        return False
    return True


PARTS = (cold, expired, stale, down, hanging, recovery)
