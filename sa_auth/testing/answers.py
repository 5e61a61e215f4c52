"""The authority's honest "no": which rule was broken, and how an answer says so.

Source: RFC 6749 section 5.2 for a refusal; RFC 9110 section 5.6.7 for the date.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from sa_auth.wire import Response

from .faults import reply
from .record import Verdict
from .rules import RULES, Case, Rule
from .rules.uris import EXCHANGE

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ERRORS = {rule.name: rule.error for rule in RULES}
_NOT_IN_DESCRIPTION = re.compile(r"[^ !#-\[\]-~]")
_LONGEST_DESCRIPTION = 400
_STATUSES = {"invalid_client": 401}


def first_broken(verdicts: tuple[Verdict, ...]) -> Verdict | None:
    """The verdict that decides; None where every rule is kept.

    A rule that could not be judged is never taken for kept: should no other rule speak, it refuses.
    """
    doubtful = [verdict for verdict in verdicts if not verdict.ok]
    return next((verdict for verdict in doubtful if verdict.ok is False), doubtful[0] if doubtful else None)


def error_of(verdict: Verdict, case: Case, others: tuple[Rule, ...] = ()) -> str:
    """The `error` that a broken rule stands for, one of the RFCs' or of `others`."""
    error = _ERRORS.get(verdict.rule) or next(rule.error for rule in others if rule.name == verdict.rule)
    if case.at_api:
        return "invalid_token" if error == "invalid_grant" else error
    # RFC 8693 section 2.2.2 knows one error for whatever is wrong with the tokens that are exchanged.
    return "invalid_request" if error == "invalid_grant" and case.grants(EXCHANGE) else error


def described(verdict: Verdict) -> str:
    """What a broken rule has to say, in the characters that an `error_description` may have."""
    description = f"{verdict.detail} [{verdict.rule}, {verdict.section}]"
    return _NOT_IN_DESCRIPTION.sub("?", description)[:_LONGEST_DESCRIPTION]


def worded(body: Any, broken: Verdict) -> Any:
    """The body of a vendor's refusal with what was found wrong in its texts."""
    if isinstance(body, str):
        return body.replace("{detail}", described(broken))
    if isinstance(body, Mapping):
        return {name: worded(value, broken) for name, value in body.items()}
    return [worded(one, broken) for one in body] if isinstance(body, list) else body


def refused(verdict: Verdict, error: str, *, authorization: bool) -> Response:
    """Says no, and which rule says so.

    Args:
        verdict: The one that decides.
        error: The error it stands for.
        authorization: Whether the client tried an Authorization header, which is then answered in kind.
    """
    headers = {}
    if verdict.rule in {"method_post", "rest_post"}:
        headers["allow"] = "POST"
    if error == "invalid_client" and authorization:
        headers["www-authenticate"] = 'Basic realm="token", charset="UTF-8"'
    fields = {"error": error, "error_description": described(verdict)}
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
