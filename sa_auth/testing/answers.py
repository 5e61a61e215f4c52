"""The authority's honest answers: a token, or a "no" that says which rule was broken.

Source: RFC 6749 section 5.1 for a token, section 5.2 for a refusal; RFC 9110 section 5.6.7 for the date.
"""

from __future__ import annotations

import re
import time

from sa_auth.wire import Response

from .faults import reply
from .record import Verdict
from .rules import RULES

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ERRORS = {rule.name: rule.error for rule in RULES}
_NOT_IN_DESCRIPTION = re.compile(r"[^ !#-\[\]-~]")
_LONGEST_DESCRIPTION = 400
_STATUSES = {"invalid_client": 401}


def granted(token: str, lifetime: float, scope: str) -> Response:
    """Hands a token out; `lifetime` in seconds, `scope` only where one was asked for."""
    fields = {"access_token": token, "token_type": "Bearer", "expires_in": int(lifetime)}
    return reply(200, {**fields, "scope": scope} if scope else fields)


def first_broken(verdicts: tuple[Verdict, ...]) -> Verdict | None:
    """The verdict that decides; None where every rule is kept.

    A rule that could not be judged is never taken for kept: should no other rule speak, it refuses.
    """
    doubtful = [verdict for verdict in verdicts if not verdict.ok]
    return next((verdict for verdict in doubtful if verdict.ok is False), doubtful[0] if doubtful else None)


def error_of(verdict: Verdict) -> str:
    """The `error` that a broken rule stands for."""
    return _ERRORS[verdict.rule]


def refused(verdict: Verdict, *, authorization: bool) -> Response:
    """Says no, and which rule says so.

    Args:
        verdict: The one that decides.
        authorization: Whether the client tried an Authorization header, which is then answered in kind.
    """
    error = error_of(verdict)
    description = f"{verdict.detail} [{verdict.rule}, {verdict.section}]"
    fields = {"error": error, "error_description": _NOT_IN_DESCRIPTION.sub("?", description)[:_LONGEST_DESCRIPTION]}
    headers = {}
    if verdict.rule == "method_post":
        headers["allow"] = "POST"
    if error == "invalid_client" and authorization:
        headers["www-authenticate"] = 'Basic realm="token", charset="UTF-8"'
    return reply(405 if "allow" in headers else _STATUSES.get(error, 400), fields, headers)


def http_date(wall: float) -> str:
    """Writes Unix seconds as an HTTP date.

    Example:
        >>> http_date(784111777)
        'Sun, 06 Nov 1994 08:49:37 GMT'
    """
    # By hand: strftime follows the locale, and email.utils is a heavy import for one line.
    at = time.gmtime(wall)
    day = f"{_DAYS[at.tm_wday]}, {at.tm_mday:02} {_MONTHS[at.tm_mon - 1]} {at.tm_year:04}"
    return f"{day} {at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02} GMT"
