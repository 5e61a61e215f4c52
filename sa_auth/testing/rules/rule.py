"""A rule: its name, where it stands, the sentence it goes by, and the small function that judges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sa_auth.testing.record import Verdict

from .case import Case, Unjudged


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the authority.

    Attributes:
        name: What verdicts and error descriptions call it.
        section: Where it stands, for example "RFC 7523 section 3, 4".
        sentence: The sentence it goes by, in the RFC's own words.
        error: The `error` of an answer that breaks it (RFC 6749 section 5.2).
        judge: Tells what is wrong in one sentence; empty where the rule is kept.
    """

    name: str
    section: str
    sentence: str
    error: str
    judge: Callable[[Case], str] = field(repr=False)

    def verdict(self, case: Case) -> Verdict:
        """Judges one request."""
        try:
            detail = self.judge(case)
        except Unjudged as reason:
            return Verdict(self.name, self.section, None, str(reason))
        return Verdict(self.name, self.section, not detail, detail)


def rule(section: str, sentence: str, *, error: str = "invalid_grant") -> Callable[[Callable[[Case], str]], Rule]:
    """Makes a rule of a function, by the function's name."""
    return lambda judge: Rule(judge.__name__, section, sentence, error, judge)


def complaint(read: Callable[[], object]) -> str:
    """What stands in the way of reading something; empty where it can be read."""
    try:
        read()
    except Unjudged as reason:
        return str(reason)
    return ""
