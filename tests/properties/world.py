"""A machine on paper: its clocks, its processes, the cache they share, and the server they ask.

Rule: nothing here judges; it does as it is told, and notes what went over the wire. Time is moved by hand alone, what
`sharing` waits for another process by included.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import shutil
import signal
import tempfile
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from sa_auth import ServiceAccountCredentials, Token, events, place, sharing, source
from sa_auth._clock import Deadline, Instant
from sa_auth.slot import Slot
from sa_auth.testing import Authority, ManualClock, new_key
from sa_auth.wire import Request, Response
from tests.properties.shelves import SHELVES, Shelf

KEYS = [new_key("p256") for _ in range(4)]
ISSUERS = ("robot", "robot", "other")  # of the processes: two of one identity, and one of another
_PATIENCE = 5.0  # seconds of real time until whoever waits at the gate says that nobody opens it


class Issued(NamedTuple):
    """A token that the server gave out.

    Attributes:
        issuer: Whose it is.
        process: Who asked.
        asked: The instant before the request.
        length: Seconds that it lives.
    """

    issuer: str
    process: int
    asked: Instant
    length: float


class Failed(NamedTuple):
    """A request that brought no token.

    Attributes:
        process: Who asked.
        boot: When it was known, by the boot clock.
        status: The HTTP status; None: there was no answer.
        retry_after: Seconds that the server named.
    """

    process: int
    boot: float
    status: int | None
    retry_after: float


@dataclass
class Outcome:
    """What came of one call.

    Attributes:
        before: The instant before it.
        after: The instant when all that it began was over.
        text: The token that it gave.
        error: What it raised.
        sent: How many requests the process sent meanwhile.
        waited: Whether it waited for a request though the gate was shut.
    """

    before: Instant
    after: Instant
    text: str | None = None
    error: BaseException | None = None
    sent: int = 0
    waited: bool = False


class Carrier:
    """A process's transport: reaches the authority, and notes what it brings.

    Attributes:
        sent: How many requests.
        under_way: How many just now.
        most: How many at once, so far.
        brought: The tokens that it brought, to this process and none before it.
    """

    def __init__(self, world: World, number: int) -> None:
        self._world, self._number, self._inner = world, number, world.authority.transport()
        self._lock = threading.Lock()
        self.sent = self.under_way = self.most = 0
        self.brought: set[str] = set()

    def send(self, request: Request, deadline: Deadline) -> Response:
        """Sends once."""
        world = self._world
        with self._lock:
            self.sent += 1
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        try:
            if not world.gate.wait(_PATIENCE):
                world.waited = True
            asked, response = world.clock.now(), None
            try:
                response = self._inner.send(request, deadline)
            finally:
                self._note(asked, response)
            return response
        finally:
            with self._lock:
                self.under_way -= 1

    def _note(self, asked: Instant, response: Response | None) -> None:
        world = self._world
        if response is not None and b'"expires_in"' in response.body:
            told = json.loads(response.body)
            issuer, length = ISSUERS[self._number], float(told["expires_in"])
            self.brought.add(told["access_token"])
            world.issued[told["access_token"]] = Issued(issuer, self._number, asked, length)
        else:
            status = None if response is None else response.status
            wait = 0.0 if response is None else float(response.headers.get("retry-after", 0))
            world.failed.append(Failed(self._number, world.clock.boot(), status, wait))

    def close(self) -> None:
        """Nothing is open."""


class Process:
    """A process on paper: credentials with a memory of their own.

    Attributes:
        creds: The credentials.
        carrier: Their transport.
        seen: The tokens that it was given, newest last.
    """

    def __init__(self, world: World, number: int) -> None:
        self.number, self.issuer = number, ISSUERS[number]
        self.carrier = Carrier(world, number)
        self.creds = ServiceAccountCredentials.from_file(
            world.files[self.issuer], token_endpoint=world.authority.token_endpoint, transport=self.carrier,
            clock=world.clock, cache=world.shelf.client(),
        )  # fmt: skip
        self.seen: list[Token] = []

    @property
    def slot(self) -> Slot:
        """What it holds, and what is under way."""
        return self.creds._source._slot

    def settle(self) -> None:
        """Waits until nothing is under way."""
        flight = self.slot.flight
        if flight is not None:
            flight.exception(30)


@dataclass
class World:
    """All there is; `close` it.

    Args:
        kind: Which cache the processes share, by its name in `SHELVES`.
        share: The share of the lead by which this machine's processes begin to renew later.
        follows: Whether the server's clock is set whenever the machine's is.
    """

    kind: str
    share: float
    follows: bool
    clock: ManualClock = field(default_factory=ManualClock)
    issued: dict[str, Issued] = field(default_factory=dict)
    failed: list[Failed] = field(default_factory=list)
    waited: bool = False

    def __post_init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sa_auth_world"))
        self._undo: list[Callable[[], object]] = [lambda: shutil.rmtree(self.folder)]
        # Two processes know no clock but the system's, and a fork draws another share.
        self._set(sharing, "SYSTEM", self.clock)
        self._set(place, "SYSTEM", self.clock)
        self._set(place, "boot_id", lambda: "this machine")
        self._set(source, "_share", self.share)
        self._set(logging.getLogger("sa_auth"), "disabled", True)  # noqa: FBT003 - ten thousand lives log a lot
        self.gate = threading.Event()
        self.gate.set()
        self.authority = Authority(self.clock, keep=1)
        self.shelf: Shelf = SHELVES[self.kind](self.folder / "cache", self.clock)
        self.files = {issuer: self.folder / f"{issuer}.json" for issuer in ISSUERS}
        self.in_file, self.known = dict.fromkeys(self.files, 0), dict.fromkeys(self.files, frozenset[int]())
        for issuer in self.files:
            self.write_key(issuer, 0)
            self.register(issuer, 0)
        self.processes = [Process(self, number) for number in range(len(ISSUERS))]
        self._stop: Callable[[], None] | None = None

    def _set(self, owner: Any, name: str, value: object) -> None:
        before = getattr(owner, name)
        setattr(owner, name, value)
        self._undo.append(lambda: setattr(owner, name, before))

    def close(self) -> None:
        """Leaves everything as it was."""
        self.gate.set()
        for process in self.processes:
            process.settle()
        if self._stop is not None:
            self.listen()
        for undo in reversed(self._undo):
            undo()

    def restart(self, number: int) -> None:
        """Ends a process, and begins another in its place."""
        self.processes[number] = Process(self, number)

    def listen(self) -> None:
        """Begins to listen to events, or ends it."""
        if self._stop is None:
            self._stop = events.listen(events.Counts())
        else:
            self._stop()
            self._stop = None

    def write_key(self, issuer: str, index: int) -> None:
        """Puts another key file in the place of the one before."""
        self.in_file[issuer] = index
        fields = {"type": "sa_auth", "key": KEYS[index][0], "key_id": f"key {index}", "issuer": issuer}
        beside = self.folder / "new key"
        beside.touch(0o600)
        beside.write_text(json.dumps({**fields, "token_endpoint": "https://as.example/token"}))
        os.replace(beside, self.files[issuer])

    def register(self, issuer: str, *indexes: int) -> None:
        """Makes these keys known to the server, and no others."""
        self.known[issuer] = frozenset(indexes)
        self.authority.unregister(issuer)
        for index in indexes:
            self.authority.register(issuer, KEYS[index][1], key_id=f"key {index}")

    def jump(self, seconds: float) -> None:
        """Sets the machine's clock."""
        self.clock.jump(seconds)
        if not self.follows:
            self.authority.skew -= seconds

    def ask(self, process: Process, min_ttl: float, *, shut: bool) -> Outcome:
        """Asks for a token, and waits until all that began is over.

        Args:
            process: Who asks.
            min_ttl: Seconds of life it needs.
            shut: Whether no request gets out before the call is over.
        """
        outcome = Outcome(self.clock.now(), self.clock.now())
        sent, self.waited = process.carrier.sent, False
        if shut:
            self.gate.clear()
        try:
            process.seen.append(process.creds.token(min_ttl))
            outcome.text = process.seen[-1].access_token
        except Exception as error:
            outcome.error = error
        outcome.waited = self.waited
        self.gate.set()
        process.settle()
        outcome.after, outcome.sent = self.clock.now(), process.carrier.sent - sent
        return outcome

    def fork(self, process: Process, *, shut: bool) -> tuple[int, Outcome | None]:
        """Forks, has the child ask, and takes over what it has met, the time that has passed included.

        Returns:
            The child's exit status, and what came of its call.
        """
        issued, failed = set(self.issued), len(self.failed)
        reading, writing = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that there are threads is what this is about
            child = os.fork()
        if child == 0:
            self._live_as_child(process, writing, issued, failed, shut=shut)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            told = pipe.read()
        status = os.waitpid(child, 0)[1]
        if status:
            return status, None
        outcome, new, lost = pickle.loads(told)
        self.issued.update(new)
        self.failed += lost
        self.clock.advance(outcome.after.boot - outcome.before.boot)
        return status, outcome

    def _live_as_child(self, process: Process, writing: int, issued: set[str], failed: int, *, shut: bool) -> None:
        code = 1
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(10)
            outcome = self.ask(process, 0.0, shut=shut)
            new = {text: one for text, one in self.issued.items() if text not in issued}
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(pickle.dumps((outcome, new, self.failed[failed:])))
            code = 0
        finally:
            os._exit(code)
