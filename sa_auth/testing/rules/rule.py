"""A rule: its name, where it stands, the sentence it goes by, and the small function that judges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sa_auth.testing.record import Verdict

from .case import Case
from .reading import Unjudged

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the authority.

    Attributes:
        name: What verdicts and error descriptions call it.
        section: Where it stands, for example "RFC 7523 section 3, 4".
        sentence: The sentence it goes by, in the RFC's own words.
        error: The `error` of an answer that breaks it (RFC 6749 section 5.2).
        judge: Tells what is wrong in one sentence; empty where the rule is kept.
        when: Whether the rule has a say in a request at all.
    """

    name: str
    section: str
    sentence: str
    error: str
    judge: Callable[[Case], str] = field(repr=False)
    when: Callable[[Case], bool] = field(repr=False)

    def verdict(self, case: Case) -> Verdict | None:
        """Judges one request; None where the rule has no say in it."""
        if not self.when(case):
            return None
        try:
            detail = self.judge(case)
        except Unjudged as reason:
            return Verdict(self.name, self.section, None, str(reason))
        return Verdict(self.name, self.section, not detail, detail)


def rule(
    section: str, sentence: str, *, error: str, when: Callable[[Case], bool]
) -> Callable[[Callable[[Case], str]], Rule]:
    """Makes a rule of a function, by the function's name."""
    return lambda judge: Rule(judge.__name__, section, sentence, error, judge, when)


@dataclass(frozen=True, slots=True)
class Statement(Generic[T]):
    """A rule about an assertion, whichever role it is sent in; a `Rule` as soon as the role is known.

    Attributes:
        name: What verdicts call it where the assertion is the grant; `client_` stands before it for a client's proof.
        section: As in `Rule`.
        sentence: As in `Rule`.
        judge: Tells what is wrong with an assertion in one sentence; empty where nothing is.
    """

    name: str
    section: str
    sentence: str
    judge: Callable[[T], str] = field(repr=False)

    def of_grant(self, view: Callable[[Case], T], when: Callable[[Case], bool]) -> Rule:
        """The rule for the assertion that is the grant: how it is found, and whether there is one."""
        judge = self.judge
        return Rule(self.name, self.section, self.sentence, "invalid_grant", lambda case: judge(view(case)), when)

    def of_client(self, view: Callable[[Case], T], when: Callable[[Case], bool]) -> Rule:
        """The rule for the assertion by which a client proves itself, likewise."""
        judge, name = self.judge, f"client_{self.name}"
        return Rule(name, self.section, self.sentence, "invalid_client", lambda case: judge(view(case)), when)


def statement(section: str, sentence: str) -> Callable[[Callable[[T], str]], Statement[T]]:
    """Makes a statement of a function, by the function's name."""
    return lambda judge: Statement(judge.__name__, section, sentence, judge)


def complaint(read: Callable[[], object]) -> str:
    """What stands in the way of reading something; empty where it can be read."""
    try:
        read()
    except Unjudged as reason:
        return str(reason)
    return ""
