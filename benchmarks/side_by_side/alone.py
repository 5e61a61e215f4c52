"""What one thread does: load a key, sign, sign in, renew, call."""

from __future__ import annotations

import threading
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import requests
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from benchmarks.measure import often, samples

from .worker import TIMEOUT, Subject

_CONTENT = b"x" * 300  # as long as what is signed
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LONG = 1.5  # seconds after which a slow library has been measured often enough
_API = "https://api.example/files"


def _ratio(floor: list[float], taken: list[float]) -> dict[str, list[float]]:
    return {"floor": floor, "taken": taken}


def _enough(act: Callable[[], object], least: int, most: int) -> int:
    """As many runs as fit."""
    began = time.perf_counter()
    act()
    return min(most, max(least, int(_LONG / (time.perf_counter() - began))))


def _load(pem: str, *, unchecked: bool = False) -> Any:
    return load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=unchecked)


def _sign(key: Any) -> bytes:
    return key.sign(_CONTENT, *([ECDSA(SHA256())] if hasattr(key, "curve") else [PKCS1v15(), SHA256()]))


def key_load(subject: Subject, key: str) -> dict:
    """A key from its text, against a load with and without validation."""
    pem, size = subject.keys[key], key.upper().replace("RSA", "RSA-")
    full = samples((lambda: _load(pem), 1), (lambda: subject.peer.load_key(pem), 1), repeat=3)
    found = {f"key load, {size}": _ratio(*full)}
    unchecked, quick = lambda: _load(pem, unchecked=True), getattr(subject.peer, "fast", None)
    if quick is None:  # it has one way only, which was measured
        fast = [samples((unchecked, 20), repeat=30)[0], full[1]]
    else:
        fast = samples((unchecked, 20), (lambda: quick(pem), 20), repeat=30)
    return {**found, f"key load without the full check, {size}": _ratio(*fast)}


def assertion_rs256(subject: Subject) -> dict:
    """One assertion with RSA-2048."""
    return _assertion(subject, "RS256", "rsa2048")


def assertion_es256(subject: Subject) -> dict:
    """One assertion with P-256."""
    return _assertion(subject, "ES256", "p256")


def _assertion(subject: Subject, algorithm: str, key: str) -> dict:
    loaded, mint = _load(subject.keys[key]), subject.peer.minter(subject.keys[key], algorithm)
    mint()
    floor = lambda: _sign(loaded)  # noqa: E731 - an act among acts
    found = samples((floor, often(floor)), (mint, often(mint)), repeat=15)
    return {f"assertion {algorithm}": _ratio(*found)}


def _form(key: Any) -> dict[str, str]:
    return {"grant_type": _JWT_BEARER, "assertion": f"{'x' * 300}.{_sign(key).hex()}"}


def cold(subject: Subject) -> dict:
    """A first token from a key's text, in a process that is warm; each at a place of its own, so that nothing is held."""
    pem, signed = subject.keys["rsa2048"], _form(_load(subject.keys["rsa2048"]))
    quick = getattr(subject.peer, "fast", None)

    def post() -> None:
        requests.post(subject.place().token_endpoint, data=signed, timeout=TIMEOUT)

    def whole() -> None:
        requests.post(subject.place().token_endpoint, data=_form(_load(pem)), timeout=TIMEOUT)

    def full() -> None:
        subject.open(subject.place()).token()

    def fast() -> None:
        subject.peer.open(subject.place().token_endpoint, quick(pem), timeout=TIMEOUT).token()

    full()
    acts = (post, whole, full, fast if quick else full)
    found = samples(*((act, 1) for act in acts[: 4 if quick else 3]), repeat=8)
    return {
        "cold token, without the full check": _ratio(found[0], found[-1]),
        "cold token": _ratio(found[1], found[2]),
    }


def renewal(subject: Subject) -> dict:
    """A new token on a connection that is kept."""
    place = subject.place()
    client, signed = subject.open(place), _form(_load(subject.keys["rsa2048"]))
    client.token()
    client.renew()
    with requests.Session() as session:
        floor = lambda: session.post(place.token_endpoint, data=signed, timeout=TIMEOUT)  # noqa: E731 - as above
        floor()
        return {"renewal": _ratio(*samples((floor, 1), (client.renew, 1), repeat=_enough(client.renew, 10, 100)))}


class _Constant:
    def __call__(self, request: Any) -> Any:
        request.headers["Authorization"] = "Bearer constant"
        return request


def warm_header(subject: Subject) -> dict:
    """One header from a held token; the emptying of the request's hooks is taken off both."""
    client, constant = subject.open(subject.place()), _Constant()
    client.token()
    request = requests.Request("GET", _API).prepare()
    hooks = request.hooks["response"]
    header = client.header

    def floor() -> None:
        constant(request)
        hooks.clear()

    def taken() -> None:
        header(request)
        hooks.clear()

    number = min(1000, often(taken, 0.002))
    clear, least, found = samples((hooks.clear, 1000), (floor, 1000), (taken, number), repeat=150)
    empty = min(clear)
    return {
        "one warm header": _ratio([one - empty for one in least], [one - empty for one in found]),
        "one warm header, more than the floor": [(min(found) - min(least)) * 1e6],
    }


def session_get(subject: Subject) -> dict:
    """A whole call, in pairs with one that has a static header."""
    place = subject.place()
    signed = subject.open(place)
    signed.token()
    with requests.Session() as plain, signed.session() as ours:
        plain.headers["Authorization"] = "Bearer constant"
        acts = (lambda: plain.get(place.api), lambda: ours.get(place.api))
        samples(*((act, 1) for act in acts), repeat=30)
        one = samples(*((act, 1) for act in acts), repeat=200)
        two = samples(*((act, 1) for act in reversed(acts)), repeat=200)
    return {"whole Session.get": _ratio(one[0] + two[1], one[1] + two[0])}


def headers(subject: Subject) -> dict:
    """Headers per second on eight threads; the ratio is turned round, so that more is better."""
    client = subject.open(subject.place())
    client.token()
    floor, taken = [], []
    for _ in range(2):
        floor.append(_seconds_each(_Constant()))
        taken.append(_seconds_each(client.header))
    return {"8 threads, headers per second": {"floor": taken, "taken": floor}}


def _seconds_each(header: Callable[[Any], object]) -> float:
    """Seconds of a header while eight threads make them, all together."""
    counts, over = [], threading.Event()

    def work() -> None:
        request, count = requests.Request("GET", _API).prepare(), 0
        hooks = request.hooks["response"]
        while not over.is_set():
            for _ in range(20):
                header(request)
                hooks.clear()
            count += 20
        counts.append(count)

    threads = [threading.Thread(target=work) for _ in range(8)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    time.sleep(0.4)
    over.set()
    for thread in threads:
        thread.join()
    return (time.perf_counter() - began) / sum(counts)


def identities(subject: Subject) -> dict:
    """Tokens of many identities: what each takes beyond a dictionary of strings, and what it costs to find one."""
    tracemalloc.start()
    plain = {n.to_bytes(32, "big"): f"token-{n:032d}" for n in range(10_000)}
    floor = tracemalloc.get_traced_memory()[0]
    kept = subject.peer.crowd(10_000)
    each = (tracemalloc.get_traced_memory()[0] - floor) / len(plain)
    tracemalloc.stop()
    del kept
    _, few, _ = subject.peer.crowd(1_000)
    _, many, miss = subject.peer.crowd(100_000)
    one, two, three = samples((few, often(few)), (many, often(many)), (miss, often(miss)), repeat=10)
    return {
        "10,000 identities: memory of each": [each],
        "100,000 identities: a hit": _ratio(one, two),
        "100,000 identities: a miss": [min(three) * 1e6],
    }


ACTS = {
    act.__name__: act
    for act in (
        key_load, assertion_rs256, assertion_es256, cold, renewal, warm_header, session_get, headers, identities,
    )
}  # fmt: skip
