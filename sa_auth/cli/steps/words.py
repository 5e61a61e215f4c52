"""Times and lengths of time, in words.

Rule: UTC, so that two machines say the same.
"""

from __future__ import annotations

from datetime import datetime, timezone

_UNITS = ((86400 * 365, "year"), (86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def date(seconds: float) -> str:
    """A day, of Unix seconds.

    Example:
        >>> date(0)
        '1970-01-01'
    """
    return f"{_moment(seconds):%Y-%m-%d}"


def moment(seconds: float, now: float) -> str:
    """A moment, and how far from now; of Unix seconds.

    Example:
        >>> moment(60.0, 0.0)
        '1970-01-01 00:01:00 UTC, in 1 minute'
    """
    away = seconds - now
    near = "now" if abs(away) < 1 else f"in {duration(away)}" if away > 0 else f"{duration(-away)} ago"
    return f"{_moment(seconds):%Y-%m-%d %H:%M:%S} UTC, {near}"


def duration(seconds: float) -> str:
    """A length of time by its largest unit, and the next where that says more.

    Example:
        >>> duration(3600), duration(5400), duration(59.6)
        ('1 hour', '1 hour 30 minutes', '1 minute')
    """
    left = round(seconds)
    parts: list[str] = []
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}{'' if count == 1 else 's'}")
        elif parts:
            break
        if len(parts) == 2:
            break
    return " ".join(parts) or "less than a second"


def _moment(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, timezone.utc)
    except (OverflowError, OSError, ValueError):  # a claim may say anything
        return datetime.fromtimestamp(0, timezone.utc)
