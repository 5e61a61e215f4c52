"""Lives of processes on paper: whatever happens in whatever order, each call gives what rules 0 and 1 promise.

Rule: one thing happens at a time, and each is over before the next; `test_interleavings` has what happens at once.
`EXAMPLES` in the environment says how many lives are lived; see `make test-long`.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sa_auth.errors import SaAuthError
from tests.properties.model import FORCED_APART, Mind, Model
from tests.properties.shelves import Remote
from tests.properties.world import ISSUERS, KEYS, Process, World

EXAMPLES = int(os.environ.get("EXAMPLES", "30"))
NUMBERS = st.integers(0, len(ISSUERS) - 1)
SHARED_ISSUERS = st.sampled_from(sorted(set(ISSUERS)))
LIVES = st.sampled_from([6.0, 20.0, 60.0, 300.0, 3600.0])
SHORT_TIMES = st.sampled_from([0.01, 0.3, 1.0, 2.5, 6.0, 31.0])
SHARES = st.sampled_from([0.5, 0.74, 0.77, 0.81, 0.88, 0.91, 0.95, 0.999, 1.01])  # of a life
JUMPS = st.sampled_from([-90_000.0, -3000.0, -400.0, -50.0, -3.0, 3.0, 50.0, 400.0, 3000.0, 90_000.0])
JUNK = (
    b"",
    b"<html>Sign in to the hotel's network</html>",
    b'{"access_token": 1}',
    b'{"access_token": "a\\n"}',
    b"[" * 9999,
)


class Life(RuleBasedStateMachine):
    """Three processes, two of them of one identity, and all that can happen to them."""

    @initialize(
        kind=st.sampled_from(["nothing", "folder", "remote"]), share=st.floats(0, 1), life=LIVES, follows=st.booleans()
    )
    def begin(self, kind: str, share: float, life: float, follows: bool) -> None:
        self.world = World(kind, share, follows)
        self.world.authority.token_lifetime = life
        self.model = Model(self.world)
        self.old: list[tuple[str, bytes]] = []
        for number in range(len(ISSUERS)):
            self.call(number)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.close()

    # --- calls

    def call(self, number: int, min_ttl: float = 0.0) -> None:
        """Asks, and judges what came of it."""
        process, failed = self.world.processes[number], len(self.world.failed)
        seen = self.model.foresee(process)
        expected = None if min_ttl else self.expected(process)
        stale = self.must_renew(process)
        # No request gets out before the call is over where it has no reason to wait for one.
        outcome = self.world.ask(process, min_ttl, shut=not min_ttl and seen.lives)
        lost = self.world.failed[failed:]
        self.model.judge(process, outcome, seen, min_ttl=min_ttl)
        before = self.model.minds[number].held
        self.model.note(process, outcome, seen, lost)
        after = self.model.minds[number].held
        if expected is not None:
            assert outcome.text is not None
            assert outcome.text == expected, "another process had left that token in the cache"
            assert not outcome.sent
        if stale and not min_ttl:
            assert before is not None
            assert after is not None
            assert after.text != before.text, "nobody renewed a stale token"
        self.old += [one for one in self.world.shelf.records().items() if one not in self.old][:20]

    def expected(self, process: Process) -> str | None:
        """The token that it has to find in the cache, where it has none."""
        text = self.model.shared.get(process.issuer)
        if text is None or self.model.minds[process.number].held is not None or self.world.shelf.gone:
            return None
        issued, now = self.world.issued[text], self.world.clock.now()
        age = max(now.wall - issued.asked.wall, now.boot - issued.asked.boot)
        return text if age < issued.length * 0.9 - 1.6 and age >= 0 and self.model.quiet(process) else None

    def must_renew(self, process: Process) -> bool:
        """Whether its token is stale, and nothing keeps it from the next."""
        mind, now = self.model.minds[process.number], self.world.clock.now()
        if mind.held is None or mind.refused or not mind.held.lives(now) or self.world.shelf.locked:
            return False
        due = mind.held.age(now) > mind.held.stale(self.world.share) + mind.held.slack
        return due and now.boot > mind.look_at and self.model.healthy(process) and self.model.quiet(process)

    @rule(calls=st.lists(st.tuples(NUMBERS, SHORT_TIMES), min_size=1, max_size=6))
    def tokens(self, calls: list[tuple[int, float]]) -> None:
        for number, seconds in calls:
            self.call(number)
            self.world.clock.advance(seconds)

    @rule(number=NUMBERS, min_ttl=st.sampled_from([1.0, 10.0, 200.0, 5000.0]))
    def token_that_lives_for_long(self, number: int, min_ttl: float) -> None:
        self.call(number, min_ttl)

    @rule(number=NUMBERS, back=st.integers(1, 3))
    def the_api_refuses(self, number: int, back: int) -> None:
        process, mind = self.world.processes[number], self.model.minds[number]
        if len(process.seen) < back:
            return
        token, now = process.seen[-back], self.world.clock.boot()
        process.creds.discard(token)
        taken = mind.held is not None and process.slot.held is None and not mind.refused
        if taken:
            assert mind.held is not None
            assert mind.held.text == token.access_token, "it discarded another token than the refused one"
            assert now - mind.forced_at >= FORCED_APART, "two forced renewals within 30 s"
        elif mind.held is not None and not mind.refused and mind.held.text == token.access_token:
            held_on = now - mind.forced_at < FORCED_APART or not self.model.quiet(process)
            assert held_on, "it would not hear of a refusal"
        mind.refused = mind.refused or taken
        self.call(number)

    @rule(number=NUMBERS)
    def process_begins_anew(self, number: int) -> None:
        self.world.restart(number)
        self.model.minds[number] = Mind()
        self.call(number)

    @precondition(lambda self: not self.forked)
    @rule(number=NUMBERS)
    def fork(self, number: int) -> None:
        self.forked = True
        process, failed = self.world.processes[number], len(self.world.failed)
        seen = self.model.foresee(process)
        status, outcome = self.world.fork(process, shut=seen.lives)
        assert status == 0, "the child hangs, or died"
        assert outcome is not None
        lost = self.world.failed[failed:]
        self.model.judge(process, outcome, seen)
        self.model.note_failures(lost)
        self.model.shared.clear()

    forked = False

    @rule()
    def somebody_listens_or_no_longer(self) -> None:
        self.world.listen()

    # --- time

    @rule(seconds=SHORT_TIMES)
    def time_passes(self, seconds: float) -> None:
        self.world.clock.advance(seconds)

    @rule(number=NUMBERS, share=SHARES)
    def a_token_ages(self, number: int, share: float) -> None:
        held = self.model.minds[number].held
        if held is not None:
            self.world.clock.advance(max(0.0, held.length * share - held.age(self.world.clock.now())))
        self.call(number)
        self.call(number)

    @rule(seconds=JUMPS, number=NUMBERS)
    def clock_is_set(self, seconds: float, number: int) -> None:
        self.world.jump(seconds)
        self.call(number)

    @rule(seconds=st.sampled_from([3.0, 100.0, 30_000.0]), number=NUMBERS)
    def machine_sleeps(self, seconds: float, number: int) -> None:
        self.world.clock.suspend(seconds)
        self.call(number)

    # --- the server

    @rule(life=LIVES)
    def tokens_live(self, life: float) -> None:
        self.world.authority.token_lifetime = life

    @rule(
        kind=st.sampled_from(["503", "429", "unreachable", "junk", "silent", "late", "cut"]), detail=st.integers(0, 4)
    )
    def endpoint_fails(self, kind: str, detail: int) -> None:
        self.endpoint_recovers()
        authority, self.model.fault = self.world.authority, kind
        if kind == "503":
            authority.down(503)
        elif kind == "429":
            authority.down(429, retry_after=(1, 5, 40, 299, 9999)[detail])
        elif kind == "junk":
            authority.answer(200, JUNK[detail])
        authority.unreachable = kind == "unreachable"
        authority.delay = {"silent": 12.0, "late": 2.0}.get(kind, 0.0)
        authority.cut = 20 if kind == "cut" else None

    @rule()
    def endpoint_recovers(self) -> None:
        self.world.authority.up()
        self.world.authority.delay, self.world.authority.cut, self.model.fault = 0.0, None, "none"

    @rule(issuer=SHARED_ISSUERS, at=st.sampled_from(["the server", "the file", "both", "both at the server"]))
    def key_rotates(self, issuer: str, at: str) -> None:
        old = self.world.in_file[issuer]
        new = (old + 1) % len(KEYS)
        if at in {"the file", "both"}:
            self.world.write_key(issuer, new)
        if at in {"the server", "both"}:
            self.world.register(issuer, new)
        if at == "both at the server":
            self.world.register(issuer, old, new)
        self.model.shared.pop(issuer, None)

    # --- the cache

    @rule(
        how=st.sampled_from(["flip", "cut", "swap", "foreign", "remove", "old"]),
        which=st.integers(0, 9),
        at=st.integers(0, 400),
    )
    def cache_is_damaged(self, how: str, which: int, at: int) -> None:
        shelf, records = self.world.shelf, sorted(self.world.shelf.records().items())
        if how == "old" and self.old:
            shelf.write(*self.old[which % len(self.old)])
        elif records:
            name, data = records[which % len(records)]
            changed = {
                "flip": bytes(byte ^ (place == at) for place, byte in enumerate(data)),
                "cut": data[:at], "swap": records[0][1], "foreign": b"what others write here", "remove": None,
            }  # fmt: skip
            shelf.write(name, changed.get(how, data))
        else:
            return
        self.model.troubled = True
        self.model.shared.clear()

    @rule(how=st.integers(0, 3))
    def cache_is_gone(self, how: int) -> None:
        self.world.shelf.lose(how)
        self.model.troubled = self.model.troubled or self.world.shelf.gone

    @rule()
    def cache_is_back(self) -> None:
        self.world.shelf.find()

    @precondition(lambda self: isinstance(self.world.shelf, Remote))
    @rule(seconds=st.sampled_from([1.0, 5.0, 60.0]))
    def another_process_asks(self, seconds: float) -> None:
        assert isinstance(self.world.shelf, Remote)
        self.world.shelf.lease(seconds)

    @precondition(lambda self: isinstance(self.world.shelf, Remote))
    @rule(number=NUMBERS, seconds=st.sampled_from([0.31, 6.0]))
    def another_process_asks_while_a_token_is_stale(self, number: int, seconds: float) -> None:
        assert isinstance(self.world.shelf, Remote)
        self.world.shelf.lease(60.0)
        self.a_token_ages(number, 0.81)
        self.world.shelf.lease(0.0)
        self.world.clock.advance(seconds)
        self.call(number)

    # --- in the end all is well

    @rule(number=NUMBERS)
    def all_is_mended(self, number: int) -> None:
        self.endpoint_recovers()
        world, process = self.world, self.world.processes[number]
        world.register(process.issuer, world.in_file[process.issuer])
        world.authority.skew = process.creds._source._exchange.server_clock.skew(world.clock.now())
        waits: list[float] = []
        while True:
            seen, failed = self.model.foresee(process), len(world.failed)
            outcome = world.ask(process, 0.0, shut=seen.lives)
            self.model.judge(process, outcome, seen)
            self.model.note(process, outcome, seen, world.failed[failed:])
            if outcome.error is None:
                break
            assert isinstance(outcome.error, SaAuthError)
            waits.append((outcome.error.retry_after or 0.0) + 0.201)
            world.clock.advance(waits[-1])
            assert len(waits) < 4, f"all is well, and it does not recover: {outcome.error!r}"
        assert sum(waits) < 301.0

    @invariant()
    def nothing_is_under_way(self) -> None:
        """Whoever asked has been served, and nothing goes on by itself."""
        if hasattr(self, "world"):
            assert all(process.slot.flight is None for process in self.world.processes)


Life.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=30,
    deadline=None,
    derandomize=EXAMPLES <= 100,
    print_blob=True,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
TestLife = Life.TestCase
TestLife.__doc__ = "Whatever happens in whatever order, rules 0 and 1 hold, and section 5 of docs/faults.md."
