"""What a process may and must be given, reckoned without the library: rules 0 and 1, and section 5 of docs/faults.md.

Rule: reckoned from what went over the wire and from both clocks; of the library's own state it takes which token is held.
Where the model cannot know (a pause has a random length), it demands nothing.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from typing import NamedTuple

from sa_auth import SaAuthError
from sa_auth._clock import Instant
from tests.properties.world import Failed, Outcome, Process, World

TIMEOUT, FORCED_APART = 10.0, 30.0
ATTEMPTS = 3
_EXACT, _ADOPTED = 1e-3, 1.5  # seconds by which a life may differ from the model's
_FIELDS = {
    "code": str,
    "hint": str,
    "retryable": bool,
    "status": int | None,
    "retry_after": float | int | None,
    "attempts": int,
}


@dataclass
class Holding:
    """A token that a process holds, and when its life began, by both clocks, for that process.

    Attributes:
        text: The token.
        since: From when its life counts.
        length: Seconds that it lives.
        slack: Seconds by which the library may have it end earlier.
    """

    text: str
    since: Instant
    length: float
    slack: float = _EXACT

    def age(self, now: Instant) -> float:
        """Seconds since its life began, by the clock that is further on."""
        return max(now.boot - self.since.boot, now.wall - self.since.wall)

    @property
    def expired(self) -> float:
        """The age from which it is not handed out."""
        return self.length - min(30.0, 0.1 * self.length)

    def stale(self, share: float) -> float:
        """The age from which it is renewed."""
        lead = min(max(min(300.0, 0.25 * self.length), 1.0), self.length / 2)
        return self.length - lead + 0.2 * share * lead

    def lives(self, now: Instant) -> bool:
        """Whether it surely may be handed out."""
        return self.age(now) < self.expired - self.slack

    def fresh(self, now: Instant, share: float) -> bool:
        """Whether it surely needs no renewal."""
        return self.age(now) < self.stale(share) - self.slack


class Foresight(NamedTuple):
    """What is so before a call.

    Attributes:
        lives: Whether the process holds a token that it has to be given at once.
        fresh: Whether that needs no renewal.
        sound: Whether a request of its own is surely answered by a token.
        quiet: Whether no pause of any kind keeps it from asking.
        locked: Whether somebody else is asking, as the cache tells.
    """

    lives: bool
    fresh: bool
    sound: bool
    quiet: bool
    locked: bool


@dataclass
class Mind:
    """What the model knows of one process.

    Attributes:
        held: What it holds; None: nothing.
        refused: Whether that was refused and is to be replaced.
        gone: The tokens that were refused and replaced.
        forced_at: When a refused token was replaced last, by the boot clock.
        quiet_until: When its own pause after a failure is over at the latest.
        failed_at: When a request of its own failed with nothing in hand, and none succeeded since.
        busy_since: Since when it has left the asking to another process.
        look_at: When it looks again at the latest.
    """

    held: Holding | None = None
    refused: bool = False
    gone: set[str] = field(default_factory=set)
    forced_at: float = float("-inf")
    quiet_until: float = float("-inf")
    failed_at: float = float("-inf")
    busy_since: float | None = None
    look_at: float = float("-inf")


class Model:
    """The judge of one world.

    Args:
        world: Whose.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.minds = [Mind() for _ in world.processes]
        self.told_until = dict.fromkeys(world.files, float("-inf"))  # until when one may be told another's error
        self.shared: dict[str, str] = {}  # by issuer, the token that surely is in the cache
        self.fault = "none"
        self.troubled = False  # whether the cache was ever lost or tampered with

    # --- what is so

    def healthy(self, process: Process) -> bool:
        """Whether a request of this process is surely answered by a token."""
        world, now = self.world, self.world.clock.now()
        clock = process.creds._source._exchange.server_clock
        off, learned = world.authority.skew, clock.skew(now)
        in_step = abs(off - learned) <= 15 or (not clock.knows(now) and 45 <= abs(off) <= 3500)
        known = world.in_file[process.issuer] in world.known[process.issuer]
        return self.fault in {"none", "late"} and known and in_step

    def quiet(self, process: Process) -> bool:
        """Whether no pause of any kind keeps it from asking."""
        mind, now = self.minds[process.number], self.world.clock.boot()
        return now >= max(mind.quiet_until, self.told_until[process.issuer]) + _EXACT

    def foresee(self, process: Process) -> Foresight:
        """Sees what is so."""
        mind, now, shelf = self.minds[process.number], self.world.clock.now(), self.world.shelf
        lives = mind.held is not None and not mind.refused and mind.held.lives(now)
        fresh = lives and mind.held is not None and mind.held.fresh(now, 0.0)
        return Foresight(lives, fresh, self.healthy(process), self.quiet(process), shelf.locked and not shelf.gone)

    # --- what came of a call

    def judge(self, process: Process, outcome: Outcome, seen: Foresight, *, min_ttl: float = 0.0) -> None:
        """Judges one call by what was so before it."""
        mind, now = self.minds[process.number], outcome.before
        self._judge_error(outcome)
        assert process.carrier.most <= 1, "two flights of one identity at once"
        assert outcome.sent <= ATTEMPTS, "more requests than one exchange makes"
        assert outcome.after.boot - now.boot <= TIMEOUT + 1.0, "it took longer than its time-out"
        if outcome.text is not None:
            self._judge_token(process, outcome)
        if seen.lives and not min_ttl:
            assert mind.held is not None
            assert outcome.error is None, f"rule 0: {outcome.error!r}"
            assert not outcome.waited, "rule 0: it waited while a token lived"
            assert outcome.text == mind.held.text, "it holds a living token, and gave another"
            assert not (seen.fresh and outcome.sent), "it asked with a fresh token in hand"
            long = mind.busy_since is not None and now.boot - mind.busy_since > TIMEOUT / 2
            assert long or not (seen.locked and outcome.sent), "another was asking, and it held a living token"
        elif outcome.sent and not min_ttl:
            assert now.boot >= mind.failed_at + 0.2 - _EXACT, "it asked in the pause after a failure"
        if seen.sound and seen.quiet:
            assert outcome.error is None, f"nothing was in its way: {outcome.error!r}"
            if mind.refused and mind.held is not None:
                assert outcome.text != mind.held.text, "it gave a refused token, with another to be had"

    def _judge_error(self, outcome: Outcome) -> None:
        error = outcome.error
        if error is None:
            return
        assert isinstance(error, SaAuthError), f"rule 1: {error!r}"
        for name, kind in _FIELDS.items():
            assert isinstance(getattr(error, name), kind), f"rule 1: {name}={getattr(error, name)!r}"
        assert error.code
        assert error.__cause__ is None
        assert error.__context__ is None
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), vars(again)) == (type(error), vars(error)), "rule 1: it does not pickle"

    def _judge_token(self, process: Process, outcome: Outcome) -> None:
        assert outcome.text is not None
        text, mind = outcome.text, self.minds[process.number]
        issued = self.world.issued.get(text)
        assert issued is not None, "nobody issued that token"
        assert issued.issuer == process.issuer, "it is another's token"
        first = Holding(text, issued.asked, issued.length)
        waited = mind.held is None or mind.refused or mind.held.age(outcome.before) > mind.held.expired + _EXACT
        for now in (outcome.before, outcome.after) if waited else (outcome.before,):
            # What a renewal has just brought is given whatever time it took.
            just_now = issued.process == process.number and issued.asked.boot >= outcome.before.boot
            assert just_now or first.age(now) < first.expired + _EXACT, "it gave an expired token"
        if text in mind.gone:
            assert self.troubled, "it gave a refused token that had a successor"

    # --- what is so after it

    def note(self, process: Process, outcome: Outcome, seen: Foresight, failed: list[Failed]) -> None:
        """Takes over what a call has changed."""
        mind, now = self.minds[process.number], outcome.after
        before, refused = mind.held, mind.refused
        self.note_failures(failed)
        told = isinstance(outcome.error, SaAuthError) and outcome.error.elsewhere
        if told or (seen.lives and seen.locked and mind.busy_since is not None):
            # Whoever waited for another and was told its error in the end makes a pause of its own after that.
            mind.quiet_until = max(mind.quiet_until, now.boot + (2.0 if told else 30.0))
        self._look(process, now)
        changed = mind.held is not None and (before is None or refused or mind.held.text != before.text)
        if changed and mind.held is not None and before is not None and mind.held.text == before.text:
            # Its replacement could not be had: it is held on.
            mind.refused, changed = False, False
            assert failed or now.boot < self.told_until[process.issuer] or outcome.error is not None, (
                "no reason to keep it"
            )
        if changed:
            if refused and before is not None:
                mind.gone.add(before.text)
                mind.forced_at = now.boot
            mind.refused, mind.quiet_until, mind.failed_at, mind.busy_since = False, *[float("-inf")] * 2, None
        elif outcome.sent:
            mind.busy_since = None
        elif seen.lives and seen.locked and not seen.fresh:
            mind.busy_since = outcome.before.boot if mind.busy_since is None else mind.busy_since
            mind.look_at = now.boot + 0.3
        if failed and failed[-1].process == process.number and not changed and not seen.lives:
            mind.failed_at = failed[-1].boot
        if changed and mind.held is not None and mind.held.text in process.carrier.brought:
            self._note_shared(process.issuer, mind.held.text)

    def _look(self, process: Process, now: Instant) -> None:
        """Sees which token is held; one from the cache has the life that it has left by whichever clock leaves it least."""
        mind, held = self.minds[process.number], process.slot.held
        if held is None:
            assert mind.held is None or mind.refused, "it lost its token"
            return
        text, before = held.token.access_token, mind.held
        if before is not None and before.text == text:
            return
        issued = self.world.issued[text]
        mind.held = Holding(text, issued.asked, issued.length)
        if text not in process.carrier.brought:
            age = mind.held.age(now)
            mind.held = Holding(text, Instant(now.wall - age, now.boot - age), issued.length, _ADOPTED)
            if before is not None and not mind.refused and before.lives(now):
                assert age < issued.length, "it gave up a living token for one that is over"

    def note_failures(self, failed: list[Failed]) -> None:
        """Reckons the pauses that come of failures, at their longest."""
        for one in failed:
            mind = self.minds[one.process]
            final = one.status is not None and 400 <= one.status < 500 and one.status not in {408, 425, 429}
            lives = mind.held is not None
            pause = max(10.0 if final else 30.0 if lives else 2.0, one.retry_after)
            mind.quiet_until = max(mind.quiet_until, one.boot + pause)
            if one.status is not None and (one.status == 429 or one.status >= 500) and self.world.kind != "nothing":
                issuer = self.world.processes[one.process].issuer
                self.told_until[issuer] = max(self.told_until[issuer], one.boot + 2.3)

    def _note_shared(self, issuer: str, text: str) -> None:
        """Takes it that a token which has just been brought is in the cache, where that was to be had."""
        shelf = self.world.shelf
        if self.world.kind != "nothing" and not shelf.gone and not shelf.locked:
            self.shared[issuer] = text
        else:
            self.shared.pop(issuer, None)
