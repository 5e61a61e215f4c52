"""This machine's clock, against the Date of a reply.

Rule: a Date counts that came over TLS or from this machine. Source: RFC 9110 section 6.6.1.
"""

from __future__ import annotations

from sa_auth.refusal import http_date

from .recorder import Record
from .step import FAIL, OK, SKIPPED, UNREACHED, WARN, Step
from .words import duration

_SMALL = 30.0  # seconds
_SET = "sudo timedatectl set-ntp true"


def look(record: Record, *, refused: bool) -> Step:
    """Compares the clocks.

    Args:
        record: What was sent and came.
        refused: Whether the sign-in was; a clock that did no harm is a warning.
    """
    last = next((entry for entry in reversed(record.sent) if entry.response is not None), None)
    if last is None or last.response is None:
        return Step("clock", UNREACHED)
    date = http_date(last.response.headers.get("date", "")) if last.response.trusted_date else None
    if date is None:
        return Step("clock", SKIPPED, "the reply has no Date that could be trusted")
    # A Date is cut to whole seconds, and was written between the request and the reply's arrival.
    off = 0.0 if last.at - 1 <= date <= last.back else date - last.back if date > last.back else date + 1 - last.at
    if abs(off) < 2:
        return Step("clock", OK, "agrees with the server's")
    side = "behind" if off > 0 else "ahead of"
    found = f"{duration(abs(off) if abs(off) <= _SMALL else round(abs(off), -1))} {side} the server's"
    if abs(off) <= _SMALL:
        return Step("clock", OK, found)
    return Step(
        "clock", FAIL if refused else WARN, found, (), f"This machine's clock is {found}.",
        "Have the network set it: the command does on a Linux with systemd.", _SET,
    )  # fmt: skip
