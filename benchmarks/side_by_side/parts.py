"""The table: what is measured, against which floor, with which goal for `sa_auth`."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Row:
    """One figure of each library.

    Attributes:
        name: As the acts call it.
        floor: What the figure is a ratio to, or what would be best.
        unit: "x" for a ratio to a floor that was measured in the same turns.
        goal: For `sa_auth`; None: it is told and not judged.
        of: Which of many counts: "least", "median" or "most".
        least: The goal is a least, not a most.
    """

    name: str
    floor: str
    unit: str
    goal: float | None
    of: str = "least"
    least: bool = False

    def told(self, answers: list) -> dict:
        """The figure of one library, from the answers of all turns."""
        if self.unit != "x":
            values = [value for answer in answers for value in answer]
            return {"value": {"least": min, "median": median, "most": max}[self.of](values)}
        floor, taken = ([value for answer in answers for value in answer[which]] for which in ("floor", "taken"))
        ratios = {"least": min(taken) / min(floor), "median": median(taken) / median(floor)}
        return {"value": ratios[self.of], "minima": ratios["least"], "medians": ratios["median"],
                "floor_us": (min if self.of == "least" else median)(floor) * 1e6}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """What is measured in one go.

    Attributes:
        act: In `alone`, `together` or `processes`; also its name in the adapters' `cannot`.
        rows: What comes of it.
        turns: How often each library has its turn.
        kinds: For "key_load" and "stalled": which keys.
        due: "hold" is played before, and the library's own time waited.
        background: google-auth with its option has a turn too.
        ours: It is also a part of `make bench`, which has nothing else for it.
    """

    act: str
    rows: tuple[Row, ...]
    turns: int = 3
    arguments: dict = field(default_factory=dict)
    due: bool = False
    background: bool = False
    ours: bool = True


def _key_load(bits: int, turns: int) -> Part:
    return Part("key_load", (
        Row(f"key load, RSA-{bits}", "one validated load", "x", 1.05),
        Row(f"key load without the full check, RSA-{bits}", "a load without validation", "x", 10),
    ), turns, {"key": f"rsa{bits}"})  # fmt: skip


def _stalled(bits: int) -> Part:
    return Part("stalled", (
        Row(f"another thread stalled by a renewal, RSA-{bits}", "0", "ms", 3, "median"),
        Row(f"another thread stalled by a first token, RSA-{bits}", "0", "ms", None, "median"),
    ), 3, {"key": f"rsa{bits}"}, background=True)  # fmt: skip


_ONE, _NONE = "1 exchange", "none"
_BEYOND = "slowest, beyond the endpoint's 200 ms"

PARTS = (
    Part("imports", (
        Row("import", "import requests", "x", 1.15),
        Row("import: memory", "import requests", "MB", 1.5, "median"),
    ), 10, ours=False),
    _key_load(2048, 3),
    _key_load(4096, 2),
    Part("assertion_rs256", (Row("assertion RS256", "key.sign", "x", 1.15),), ours=False),
    Part("assertion_es256", (Row("assertion ES256", "key.sign", "x", 1.6),)),
    Part("cold", (
        Row("cold token, without the full check", "requests.post", "x", 2),
        Row("cold token", "load, sign, requests.post", "x", 1.1),
    )),
    Part("first_token", (
        Row("fresh process, without the full check", "import requests, one POST", "x", 1.5, "median"),
        Row("fresh process", "import requests, one POST", "x", 1.8, "median"),
        Row("fresh process, a hit in the file cache", "import requests, one POST", "x", 0.9, "median"),
    ), 12),
    Part("renewal", (Row("renewal", "session.post", "x", 1.6, "median"),)),
    Part("warm_header", (
        Row("one warm header", "constant header", "x", 3, "median"),
        Row("one warm header, more than the floor", "constant header", "us", 1, "median"),
    ), 5, ours=False),
    Part("session_get", (Row("whole Session.get", "static session header", "x", 1.05, "median"),), ours=False),
    Part("cold_herd", (
        Row("64 threads, cold: exchanges", _ONE, "", 1, "most"),
        Row(f"64 threads, cold: {_BEYOND}", "0", "ms", 20),
    ), ours=False),
    Part("expired_herd", (
        Row("64 threads, expired: exchanges", _ONE, "", 1, "most"),
        Row(f"64 threads, expired: {_BEYOND}", "0", "ms", 20),
    ), ours=False),
    Part("due_calls", (
        Row("64 threads, in the renewal window: exchanges", _ONE, "", 1, "most"),
        Row("64 threads, in the renewal window: calls that waited", _NONE, "", 0, "most"),
        Row("64 threads, in the renewal window: p99 of a call", "0", "ms", 1),
        Row("endpoint down, token alive: errors", "0 errors", "", 0, "most"),
        Row("endpoint down, token alive: requests per second", "0", "", 1, "most"),
    ), 1, due=True, background=True, ours=False),
    _stalled(2048),
    _stalled(4096),
    Part("at_once", (
        Row("16 processes at once, file: exchanges", _ONE, "", 1, "most"),
        Row("16 more, file: exchanges", "0 exchanges", "", 0, "most"),
        Row("16 processes at once, Redis: exchanges", _ONE, "", 1, "most"),
        Row("16 more, Redis: exchanges", "0 exchanges", "", 0, "most"),
    ), 1, ours=False),
    Part("identities", (
        Row("10,000 identities: memory of each", "dictionary of strings", "B", 700),
        Row("100,000 identities: a hit", "a hit among 1,000", "x", 1.5),
        Row("100,000 identities: a miss", "0", "us", 10),
    ), 2),
    Part("headers", (Row("8 threads, headers per second", "constant header", "x", 0.3, "median", least=True),)),
    Part("short_lives", (
        Row("`expires_in` of 200 s, 20 calls: exchanges", _ONE, "", 1, "most"),
        Row("`expires_in` of 30 s, 20 calls: exchanges", _ONE, "", 1, "most"),
    ), 1),
    Part("tasks", (
        Row("asyncio, 500 tasks, expired: exchanges", _ONE, "", 1, "most"),
        Row("asyncio, 500 tasks, expired: loop blocked", "0", "ms", 20),
    )),
)  # fmt: skip
