"""Fuzz target: records of a shared cache. Only the very bytes that were sealed open; all others are a `CacheFault`.

The bytes: one that chooses what they are: a record as they stand; what follows a good head; or changes to a good record of
a token or of an error, each two bytes of place, one of length cut out, one of length put in, and what is put in.
"""

from __future__ import annotations

import math

from sa_auth._clock import Instant
from sa_auth._secret import Secret
from sa_auth.caches.base import CacheFault
from sa_auth.caches.record import Met, Seal, head, newer, worth
from sa_auth.errors import TokenEndpointError
from sa_auth.policy import Held
from sa_auth.token import Token

SEAL, OTHER = Seal(b"s" * 32, b"i" * 32), Seal(b"s" * 32, b"j" * 32)
TOKEN = Token(
    "canary-token", expires_at=4600.0, refresh_at=4300.0, issued_at=1000.0, scope="read", extra={"odd": [1, None]}
)
ERROR = TokenEndpointError(
    "The token endpoint answered 503.", code="http_503", hint="Later.", retryable=True, status=503
)
GOOD = SEAL.close(Held(TOKEN, 50.0, Secret("canary-refresh"), 2), boot_id="b")
FAILURE = SEAL.close_failure(Met(ERROR, frozenset({"m"})), 1000.0, 2.0)
BASES = (GOOD, FAILURE, OTHER.close(Held(TOKEN, 50.0), boot_id="b"))
MOMENTS = (Instant(1100.0, 150.0), Instant(10.0, 5.0), Instant(9e9, 9e9))


def record_of(data: bytes) -> bytes:
    """The record that the bytes stand for."""
    kind, rest = (data[0] % 5, data[1:]) if data else (0, b"")
    if kind == 0:
        return rest
    if kind == 1:
        return GOOD[: GOOD.index(b"\n") + 1] + rest
    record = BASES[kind - 2]
    while len(rest) >= 4:
        place, cut, put = int.from_bytes(rest[:2], "big") % (len(record) + 1), rest[2], rest[3]
        record = record[:place] + rest[4 : 4 + put] + record[place + cut :]
        rest = rest[4 + put :]
    return record


def judge(data: bytes) -> None:
    """A record opens as what it was sealed as and nothing else, whatever the clocks and the cache say."""
    record = record_of(data)
    _check_head(record)
    now, left = MOMENTS[len(data) % len(MOMENTS)], (None, 0.0, 3e6)[len(data) // 3 % 3]
    try:
        held = SEAL.open(record, now, left=left, boot_id="b")
    except CacheFault as fault:
        _check_fault(fault, record)
        assert record != GOOD, "the record that was sealed does not open"
    else:
        assert record == GOOD, "a record opens that was not sealed"
        length = held.token.expires_at - held.token.issued_at
        assert held.token.access_token == TOKEN.access_token and length <= 3600.001
        assert held.since + length - now.boot <= min(3600.001, math.inf if left is None else left)
    try:
        met = SEAL.open_failure(record, now, left=left)
    except CacheFault as fault:
        _check_fault(fault, record)
        assert record != FAILURE, "the error that was sealed does not open"
    else:
        assert record == FAILURE, "an error opens that was not sealed"
        assert type(met.error) is TokenEndpointError and met.machines == {"m"}
        assert not met.binds or 0 < (met.error.retry_after or 0.0) <= 3.0


def _check_head(record: bytes) -> None:
    found = head(record)
    assert math.isfinite(worth(record, 1100.0))
    if found is None:
        assert worth(record, 0.0) == 0.0 and not newer(record)
    else:
        assert newer(record) == (found.version > 1)
        assert found.ends >= 0 and found.kept >= 0


def _check_fault(fault: CacheFault, record: bytes) -> None:
    assert fault.code == ("newer_version" if newer(record) else "damaged")
    assert len(str(fault)) < 100 and str(fault).isprintable() and "canary" not in str(fault)


def seeds() -> dict[str, bytes]:
    """Good records, whole and changed, heads alone, and what else may lie in a cache."""
    found = {f"whole_{number}": bytes([number + 2]) for number in range(len(BASES))}
    for number in range(len(BASES)):
        for place in (0, 8, 10, 20, 30, 60, 200):
            found[f"changed_{number}_{place}"] = bytes([number + 2]) + place.to_bytes(2, "big") + b"\x01\x01x"
        found[f"cut_{number}"] = bytes([number + 2]) + b"\x00\x10\xff\x00\x00\x10\xff\x00"
    found["head"] = b"\x00sa_auth 1 4600000 0\n"
    found["later"] = b"\x00sa_auth 2 4600000 0\n" + bytes(60)
    found["largest"] = b"\x00sa_auth 9999 9999999999999999 99999999\n"
    found["beside"] = b"\x01" + bytes(40)
    found["pickle"] = b"\x00cos\nsystem\n(S'exit'\ntR."
    return found
