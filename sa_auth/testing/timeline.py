"""Lays the tokens out over the calls that used them: who had which token when, how fresh it was, and what went wrong.

Rule: plain JSON values, bounded whatever was seen: calls are counted in bins, and the oldest tokens are left out.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from sa_auth.policy import MARGIN, MARGIN_SHARE, RefreshPolicy

from .ledger import MOST_CALLS

if TYPE_CHECKING:
    from .authority import Authority
    from .record import Record

_BINS = 400
_MOST_TOKENS = 60
_MOST_MARKS = 400
# Where nothing but one moment was seen, so that it has room around it.
_LEAST_SPAN_S = 2.0


def timeline(authority: Authority, lead: float | None = None, seconds: float | None = None) -> dict[str, Any]:
    """What happened, as the pages draw it.

    Args:
        authority: What saw it.
        lead: Seconds before its end at which a client renews a token, as in `RefreshPolicy`; None: its default.
        seconds: How much of the newest past; None: all of it.

    Returns:
        `begins_at`, `ends_at` and `now` (Unix seconds by the authority's clock), and in the order of time: `tokens`, each with the
        moments at which it turns stale, expired and void, how many calls it let in in all (`used`), and its `calls` (the moment a bin
        begins, how many calls were let in and how many refused); `strays`, the calls with no token of these; `requests`, `faults`,
        `bin` (seconds) and `lead`. Only the newest calls are kept one by one: `forgotten` says how many are not in the bins, and
        `calls_from` since when all are; None: all are there. `left_out` counts the tokens and requests that are too many to draw, `earlier` the
        requests before `begins_at`.
    """
    now = authority.now()
    earliest = now - seconds if seconds is not None else -math.inf
    policy = RefreshPolicy(lead=lead)
    records = [record for record in authority.requests if record.endpoint != "api" and record.at >= earliest]
    issued = [record for record in authority.requests if record.token and record.token_until > max(earliest, record.at)]
    tokens = {record.token: _token(record, policy) for record in issued[-_MOST_TOKENS:]}
    kept, api = authority.calls, authority.api
    # Only where the log is full: a call is counted a moment before it is noted.
    forgotten = api.calls + api.refused - len(kept) if len(kept) >= MOST_CALLS else 0
    calls = [call for call in kept if call.at >= earliest]
    spells = [spell for spell in authority.spells.all if spell.ended_at is None or spell.ended_at >= earliest]
    # Of a token that is older than the window, and lives, the whole window is drawn.
    moments = [*(record.at for record in records), *(call.at for call in calls), *(record.at for record in issued)]
    begins_at = max(earliest, min([*moments, *(spell.began_at for spell in spells), now - _LEAST_SPAN_S]))
    width = max(now - begins_at, _LEAST_SPAN_S) / _BINS
    counts: dict[str, Counter[tuple[int, bool]]] = {}
    for call in calls:
        place = counts.setdefault(call.token if call.token in tokens else "", Counter())
        place[int((call.at - begins_at) / width), call.status < 400] += 1
    used = api.calls_by_token
    for name, token in tokens.items():
        token["used"] = used.get(name, 0)
        token["calls"] = _bins(counts.get(name, Counter()), begins_at, width)
    return {
        "now": now,
        "begins_at": begins_at,
        "ends_at": now,
        "bin": width,
        "lead": lead,
        "forgotten": forgotten,
        "left_out": {"tokens": max(0, len(issued) - _MOST_TOKENS), "requests": max(0, len(records) - _MOST_MARKS)},
        "earlier": sum(record.endpoint != "api" and record.at < earliest for record in authority.requests),
        "calls_from": kept[0].at if forgotten > 0 and kept[0].at > begins_at else None,
        "tokens": list(tokens.values()),
        "strays": _bins(counts.get("", Counter()), begins_at, width),
        "requests": [
            {"number": record.number, "at": record.at, "status": record.status, "error": record.error,
             "planned": record.planned, "token": record.token}
            for record in records[-_MOST_MARKS:]
        ],
        "faults": [{"what": spell.what, "begins_at": spell.began_at, "ends_at": spell.ended_at} for spell in spells],
    }  # fmt: skip


def _token(record: Record, policy: RefreshPolicy) -> dict[str, Any]:
    life = record.token_until - record.at
    who = record.claims.get("iss") or record.client or ""
    return {
        "name": record.token,
        "who": who if isinstance(who, str) else "",
        "scope": record.scope,
        "request": record.number,
        "issued_at": record.at,
        "stale_at": record.at + policy.stale_after(life),
        "expired_at": record.token_until - min(MARGIN, life * MARGIN_SHARE),
        "ends_at": record.token_until,
    }


def _bins(counts: Counter[tuple[int, bool]], begins_at: float, width: float) -> list[list[float]]:
    places = sorted({place for place, _ in counts})
    return [[round(begins_at + place * width, 3), counts[place, True], counts[place, False]] for place in places]
