"""What a call, a signature and a process's start cost, against the least that they can."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

import requests

from benchmarks.local import Local
from benchmarks.measure import Figure, minima, paired
from sa_auth import ServiceAccountCredentials
from sa_auth.keys import from_pem
from sa_auth.testing import Authority, new_key


def warm_header(_local: Local) -> Iterator[Figure]:
    """One header from a held token, with everything it must check, against setting a constant one.

    In seven fresh processes, of which the median: where a process's objects happen to lie moves the ratio by a tenth.
    """
    command = [sys.executable, "-m", "benchmarks.speed"]
    found = [
        json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(7)
    ]  # fmt: skip
    ratios = sorted(ratio for ratio, _ in found)
    span = f"seven processes: {ratios[0]:.2f} to {ratios[-1]:.2f}"
    yield Figure("one warm header", "constant header", statistics.median(ratios), "x", 3.0, span)
    more = statistics.median(more for _, more in found)
    yield Figure("one warm header, more than the floor", "", more * 1e6, "us", 1.0)


def _warm() -> tuple[float, float]:
    """In this process: the ratio, and the seconds more than the floor."""
    private, public = new_key("p256")
    authority = Authority()
    authority.register("robot", public)
    creds = ServiceAccountCredentials(
        private, issuer="robot", token_endpoint=authority.token_endpoint, transport=authority.transport()
    )
    creds.token()
    creds.token()
    request = requests.Request("GET", "https://api.example/files").prepare()
    hooks = request.hooks["response"]

    class Constant:
        def __call__(self, request):
            request.headers["Authorization"] = "Bearer constant"
            return request

    constant = Constant()

    def floor():
        constant(request)
        hooks.clear()

    def ours():
        creds(request)
        hooks.clear()

    least, clear, taken = minima(floor, hooks.clear, ours, number=1_000, repeat=400)
    return (taken - clear) / (least - clear), taken - least


def session_get(local: Local) -> Iterator[Figure]:
    """A whole `Session.get` against one with a static header."""
    creds = local.credentials()
    with requests.Session() as plain, requests.Session() as signed:
        plain.headers["Authorization"] = creds.token().authorization
        signed.auth = creds
        url = f"{local.api_url}/files"
        for session in (plain, signed) * 50:
            session.get(url)
        static, ours = paired(lambda: plain.get(url), lambda: signed.get(url), 4_000)
    yield Figure("whole Session.get", "static session header", ours / static, "x", 1.05, "medians of 4,000 pairs")


def assertion(local: Local) -> Iterator[Figure]:
    """One assertion with a loaded RSA-2048 key against the raw signature."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    key = from_pem(local.private)
    mint = local.credentials(key)._source._exchange.grant.assertion.mint
    content = mint(time.time()).rpartition(".")[0].encode()
    padding, algorithm = PKCS1v15(), SHA256()
    raw, ours = minima(
        lambda: key.private_key.sign(content, padding, algorithm), lambda: mint(1_700_000_000.0), number=40, repeat=40
    )
    yield Figure("assertion RS256", "key.sign", ours / raw, "x", 1.15)


def validations(local: Local) -> Iterator[Figure]:
    """How often a loaded key is validated over 100 assertions on four threads."""
    from concurrent.futures import ThreadPoolExecutor
    from unittest.mock import patch

    from sa_auth.keys import key as room

    with patch.object(room, "sound", wraps=room.sound) as sound, ThreadPoolExecutor(4) as pool:
        mint = local.credentials(from_pem(local.private))._source._exchange.grant.assertion.mint
        list(pool.map(mint, [1_700_000_000.0] * 100))
    yield Figure("validations of one loaded key, 100 assertions", "1", sound.call_count, "", 1)


def start(_local: Local) -> Iterator[Figure]:
    """`import sa_auth` on top of `import requests`, in fresh processes."""
    both = {"floor": "import requests", "ours": "import requests, sa_auth"}
    taken: dict[str, list[float]] = {name: [] for name in both}
    for _ in range(40):
        for name, code in both.items():
            timed = f"import time; t = time.perf_counter(); {code}; print(time.perf_counter() - t)"
            done = subprocess.run([sys.executable, "-c", timed], capture_output=True, text=True, check=True)
            taken[name].append(float(done.stdout))
    yield Figure("import", "import requests", min(taken["ours"]) / min(taken["floor"]), "x", 1.15, "minima of 40")


PARTS = (warm_header, session_get, assertion, validations, start)

if __name__ == "__main__":
    print(json.dumps(_warm()))
