"""What was seen of one step of a sign-in: a verdict, what was found, and what would mend it.

Rule: a value, in words for a person; how it is printed is the command's business.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sa_auth.cli.show import spoken
from sa_auth.errors import SaAuthError, TokenEndpointError

OK, WARN, FAIL, SKIPPED, UNREACHED = "ok", "warn", "fail", "skipped", "not reached"

# The order in which they are taken, and told.
NAMES = (
    "file",
    "key",
    "certificate",
    "arguments",
    "name",
    "proxy",
    "connection",
    "tls",
    "clock",
    "assertion",
    "answer",
)

_SENT = re.compile(r"\s*Sent: (?P<sent>.*)\.$", re.DOTALL)
_PARTED = re.compile(r"(?P<cause>.+?)(?:: |\. (?=[A-Z]))(?P<remedy>.+)", re.DOTALL)
_NO_CAUSE = re.compile(r"(Usual causes|Check|Set|Pass|See|Give|Leave|Compare|Look)\b")


class Step(NamedTuple):
    """One step.

    Attributes:
        name: One of NAMES.
        verdict: "ok"; "warn": it works, and is not as it should be; "fail"; "skipped": it has no place here; "not reached".
        found: What was found, in one line.
        more: Lines beside it.
        cause: What is wrong, in one sentence; empty where nothing is.
        remedy: What to do.
        command: What would mend it, for a shell; it is printed and never run.
        page: Where more stands about it.
        no_answer: Whether nobody answered, or not now: the same may succeed later.
    """

    name: str
    verdict: str = OK
    found: str = ""
    more: tuple[str, ...] = ()
    cause: str = ""
    remedy: str = ""
    command: str = ""
    page: str = ""
    no_answer: bool = False


def failed(name: str, error: SaAuthError, *, more: tuple[str, ...] = (), command: str = "", remedy: str = "") -> Step:
    """A step that ended with an error of the library.

    Args:
        name: Of the step.
        error: It.
        more: Lines beside it.
        command: What would mend it.
        remedy: What to do; default what the error says.
    """
    cause, advice = causes(error)
    return Step(
        name, FAIL, error.message, more, cause, remedy or advice, command, str(getattr(error, "page", "") or ""),
        error.retryable,
    )  # fmt: skip


def causes(error: SaAuthError) -> tuple[str, str]:
    """What is wrong, and what to do, in the words of the command line.

    A refusal's message is the server's words, and its hint says both; of all other errors the message is the cause.
    """
    hint = spoken(_SENT.sub("", error.hint))
    if not isinstance(error, TokenEndpointError) or error.retryable:
        return error.message, hint
    if error.skew is not None:
        return _of_a_clock(error, hint)
    parts = parted(hint)
    return parts or (error.message, hint)


def parted(hint: str) -> tuple[str, str] | None:
    """Cause and remedy of a hint that says both; None where it says what to do alone.

    Example:
        >>> parted("There is no app x: copy its id again.")
        ('There is no app x.', 'Copy its id again.')
        >>> parted("Check the client id: it may be another's.")
    """
    found = _PARTED.fullmatch(hint)
    if found is None or _NO_CAUSE.match(hint):
        return None
    remedy = found["remedy"]
    return f"{found['cause']}.", remedy if remedy.startswith("http") else remedy[:1].upper() + remedy[1:]


def sent(error: SaAuthError) -> str:
    """What a refusal says was sent; empty where it says nothing of it."""
    found = _SENT.search(error.hint)
    return found["sent"] if found else ""


def is_of_the_clock(error: SaAuthError) -> bool:
    """Whether a clock that is off is what was refused, and not by the server's own time as well."""
    return getattr(error, "skew", None) is not None and "was refused too" not in error.hint


def _of_a_clock(error: TokenEndpointError, hint: str) -> tuple[str, str]:
    known, sign, clock = hint.partition("This machine's clock is ")
    off = f"{sign}{clock.partition(':')[0].partition(';')[0]}"
    if "was refused too" not in clock:
        return f"{off}.", "Set the clock right, by the network."
    # By the server's own time it was refused as well: the clock is wrong, and not all that is.
    told = known.strip()
    cause, advice = parted(told) or (
        error.message,
        told or "The server does not say why: check audience, key and subject.",
    )
    return cause, f"{advice} {off}, which is not the cause: an assertion by the server's clock was refused too."
