"""A rule: its name, where it stands, the sentence it goes by, and the small function that judges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sa_auth.testing.record import Verdict

from .case import Case
from .reading import Unjudged
from .signed import Signed


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
class Statement:
    """A rule about a JWT, whichever role it is sent in; a `Rule` as soon as the role is known.

    Attributes:
        name: What verdicts call it where the JWT is the grant; `client_` stands before it for a client's proof.
        section: As in `Rule`.
        sentence: As in `Rule`.
        judge: Tells what is wrong with a JWT in one sentence; empty where nothing is.
    """

    name: str
    section: str
    sentence: str
    judge: Callable[[Signed], str] = field(repr=False)

    def of_grant(self) -> Rule:
        """The rule for the JWT that is the grant."""
        judge = self.judge
        return Rule(
            self.name, self.section, self.sentence, "invalid_grant",
            lambda case: judge(case.grant_jwt), lambda case: case.grant_is_jwt,
        )  # fmt: skip

    def of_client(self) -> Rule:
        """The rule for the JWT by which a client proves itself."""
        judge = self.judge
        return Rule(
            f"client_{self.name}", self.section, self.sentence, "invalid_client",
            lambda case: judge(case.client_jwt), lambda case: case.client_is_jwt,
        )  # fmt: skip


def statement(section: str, sentence: str) -> Callable[[Callable[[Signed], str]], Statement]:
    """Makes a statement of a function, by the function's name."""
    return lambda judge: Statement(judge.__name__, section, sentence, judge)


def complaint(read: Callable[[], object]) -> str:
    """What stands in the way of reading something; empty where it can be read."""
    try:
        read()
    except Unjudged as reason:
        return str(reason)
    return ""
