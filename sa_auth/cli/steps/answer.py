"""The answer: a token, or a refusal with its cause and remedy.

Rule: of a token its kind, life and scope are told; of a refusal the server's words as the library filtered them, and
what was sent.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from sa_auth.errors import SaAuthError, SigningError, TransportError
from sa_auth.token import Token

from .recorder import Record
from .step import OK, WARN, Step, failed, sent
from .words import duration, moment

# The code of an error of the transport -> the step that it ends.
_STEPS = {
    "bad_address": "proxy",
    "connect_failed": "connection",
    "name_not_resolved": "name",
    "proxy_failed": "proxy",
    "tls_failed": "tls",
}
_OF_A_SOURCE = re.compile(r"assertion_|no_source|bad_assertion")
_REMEDIES = {
    "connection_lost": "Try again; if it stays so, a proxy or firewall in between ends the connection: try from another network.",
    "timeout": "Try again, with more --timeout; if it stays so, the server or the way to it is too slow.",
    "tls_failed": "If your organisation's own authority issued the certificate, name it: --ca FILE, or REQUESTS_CA_BUNDLE. If not, "
    "something answers in the server's place.",
    "redirect": "Set --token-endpoint to the final address, if that host is the right one.",
}


_PORTAL = (
    "Something on the way answers in the server's place, such as a hotel's or a company's sign-in page: sign in to the network in "
    "a browser, or name the proxy: --proxy URL."
)


def of_token(token: Token, asked: Collection[str], record: Record, now: float, known: tuple[str, ...] = ()) -> Step:
    """Tells of a token.

    Args:
        token: It.
        asked: The scopes that were asked for.
        record: Of the exchange.
        now: Unix seconds.
        known: What the API's refusals of a token mean that was signed here.
    """
    life = duration(token.remaining(now))
    more = [f"ends {moment(token.expires_at, now)}"]
    granted = token.scope.split() if token.scope else []
    if granted:
        more.append(f"scope granted: {' '.join(granted)}")
    if token.extra:
        more.append(f"beside the token: {', '.join(sorted(token.extra))}")
    if len(record.sent) > 1:
        more.append(f"{len(record.sent)} requests were sent")
    more += [f"if the API refuses it, {one}" for one in known]
    found = (
        f"{token.token_type} token, lives {life}"
        if record.sent
        else f"signed here, and nobody asked: a token, lives {life}"
    )
    lacking = [scope for scope in asked if granted and scope not in granted]
    if lacking:
        return Step(
            "answer", WARN, f"{found}; less scope than asked for", tuple(map(_clean, more)),
            f"The server granted less than was asked for: {' '.join(lacking)} is missing.",
            "Have the missing scope granted in the provider's console, or ask for what is granted.",
        )  # fmt: skip
    return Step("answer", OK, found, tuple(map(_clean, more)))


def of_error(error: SaAuthError, record: Record) -> Step:
    """Tells of an error, at the step that it belongs to."""
    if isinstance(error, TransportError):
        step = failed(_STEPS.get(error.code, "answer"), error, remedy=_REMEDIES.get(error.code, ""))
        return step._replace(no_answer=error.retryable or error.code in {"timeout", "connection_lost"})
    if isinstance(error, SigningError) or (not record.sent and _OF_A_SOURCE.match(error.code)):
        return failed("assertion", error)
    told = sent(error)
    more = [f"sent: {told}"] if told else []
    if error.retry_after is not None:
        more.append(f"asks to come again in {duration(error.retry_after)}")
    if len(record.sent) > 1:
        more.append(f"{len(record.sent)} requests were sent, each with an assertion of its own")
    # The words of RFC 6749 section 4.1.2.1 for what passes; some vendors say them with a status of 400.
    passing = error.retryable or error.code in {"internal_failure", "server_error", "temporarily_unavailable"}
    remedy = _REMEDIES.get(error.code, "") or (_PORTAL if "web page" in error.message else "")
    return failed("answer", error, more=tuple(map(_clean, more)), remedy=remedy)._replace(no_answer=passing)


def _clean(line: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in line)
