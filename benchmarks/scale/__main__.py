"""`make scale`: fleets of ten thousand and a million workers on paper; writes docs/scale.md and docs/scale.svg.

Rule: what is drawn by chance comes from a fixed seed, so the same releases give the same page. Stands above the fleet,
which it runs, and the page, which it has written.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version

import numpy as np

from benchmarks.scale import fleet, judgements, shared
from benchmarks.scale.fleet import HOUR, Plan
from benchmarks.scale.page import DRAWN, RESULTS, ROUGH, WIDE, ZOOM, write_page
from benchmarks.scale.shared import MACHINE, Shared, run
from sa_auth.policy import Retry

SIZES = (1_000_000, 10_000)
WINDOWS = (1, 60)  # seconds over which a deploy starts them
# Ten minutes around noon. They begin just before workers without jitter renew for the thirteenth time.
OUTAGE = (11 * HOUR + 55 * 60, 12 * HOUR + 5 * 60)
LENGTHS = (120, 180, 210, 240, 270, 300, 600)  # seconds of other outages that begin then
SETTLED = 120  # seconds after which the start is over
AFTER = 60  # seconds in which an outage's end is felt
_AT_ONCE = 8  # days under way, of 400 MB each at most


def quiet(plan: Plan) -> dict:
    """A day without an outage."""
    day = run(plan)
    requests = day.requests[: 24 * HOUR]
    found = {
        "exchanges": day.exchanges,
        "start": int(requests[:SETTLED].max()),
        "worst": int(requests[SETTLED:].max()),
        "late": int(requests[18 * HOUR :].max()),
        "looks": int(day.looks[SETTLED:].max()) if isinstance(day, Shared) else 0,
    }
    if _drawn(plan):
        found["series"] = requests.reshape(-1, WIDE).max(axis=1).tolist()
    return found


def outage(plan: Plan) -> dict:
    """A day with one."""
    begin, end = plan.outage
    day = run(plan)
    requests, without = day.requests[: 24 * HOUR], day.without_token()
    found = {
        "exchanges": day.exchanges,
        "sent": int(requests[begin:end].sum()),
        "worst": int(requests[begin:end].max()),
        "after": int(requests[end : end + AFTER].max()),
        "later": int(requests[end + AFTER :].max()),
        "without": int((without > 0).sum()),
        "longest": float(without.max()),
        "back": max(day.last_back / judgements.PER_SECOND - end, 0.0),
        "late": int(requests[18 * HOUR :].max()),
    }
    if _drawn(plan):
        found["series"] = requests[ZOOM[0] : ZOOM[1]].reshape(-1, ROUGH).max(axis=1).tolist()
    return found


def _drawn(plan: Plan) -> bool:
    return (plan.workers, plan.window) == DRAWN


def run_all() -> dict:
    """Every fleet through both days, and the shorter outages."""
    plans = [
        Plan(workers, group, jitter, window)
        for workers in SIZES
        for group in (1, MACHINE, workers)
        for jitter in (False, True)
        for window in WINDOWS
    ]
    small = [Plan(SIZES[1], group, window=WINDOWS[1]) for group in (1, MACHINE, SIZES[1])]
    with ProcessPoolExecutor(min(os.cpu_count() or 1, _AT_ONCE)) as pool:
        broken = [pool.submit(outage, plan._replace(outage=OUTAGE)) for plan in plans]
        whole = [pool.submit(quiet, plan) for plan in plans]
        lengths = [
            [pool.submit(outage, plan._replace(outage=(OUTAGE[0], OUTAGE[0] + length))) for plan in small]
            for length in LENGTHS
        ]
        rows = []
        for plan, calm, rough in zip(plans, whole, broken, strict=True):
            rows.append({**plan._asdict(), "quiet": calm.result(), "outage": rough.result()})
            print(
                f"  {plan.workers:,} workers, groups of {plan.group:,}, jitter {plan.jitter}, {plan.window} s",
                flush=True,
            )
        shorter = [
            {"seconds": length, "without": [run.result()["without"] for run in runs]}
            for length, runs in zip(LENGTHS, lengths, strict=True)
        ]
    return {"rows": rows, "shorter": shorter}


def facts() -> dict:
    """What was assumed, and what the policy says of it."""
    says = judgements.default()
    earliest, latest = (int(turn) for turn in says.stale(np.array([0.0, 1.0])))
    second = judgements.PER_SECOND
    return {
        "seed": fleet.SEED, "life": judgements.LIFE, "latency": fleet.LATENCY, "ticks": second, "sizes": SIZES,
        "machine": MACHINE, "windows": WINDOWS, "outage": OUTAGE, "settled": SETTLED, "after": AFTER,
        "look_again": shared.LOOK_AGAIN, "patience": shared.TIMEOUT / 2, "chances": judgements.CHANCES, "longest_pause": Retry().longest,
        "recent": shared.RECENT,
        "stale": [earliest / second, latest / second], "expired": says.expired / second,
        "versions": {"Python": platform.python_version(), **{name: version(name) for name in ("simpy", "numpy")}},
    }  # fmt: skip


def main(arguments: list[str]) -> int:
    """Runs, writes the results, and the page with its picture; with `--page` only these."""
    if arguments != ["--page"]:
        began = time.monotonic()
        found = {"facts": facts(), **run_all()}
        print(f"{time.monotonic() - began:.0f} s")
        RESULTS.write_text(_written(found), encoding="utf-8")
    write_page()
    return 0


def _written(found: dict) -> str:
    """JSON with a line for each row, since a line for each figure would be many."""
    parts = [f'"facts": {json.dumps(found["facts"])}']
    for name in ("rows", "shorter"):
        rows = ",\n".join(json.dumps(row) for row in found[name])
        parts.append(f'"{name}": [\n{rows}\n]')
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
