"""Answers that are planned in place of the honest one: a broken server, played at will.

Rule: a fault replaces the answer, never the judgement: what came in is judged and recorded all the same.
"""

from __future__ import annotations

import json
import threading
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from sa_auth.wire import Response

from .spells import Played, Spells

# Where tokens are asked for: the paths whose answers can be late, held, or cut.
SLOW = frozenset({"/token", "/exchange"})


@dataclass(slots=True)
class _Planned:
    response: Response
    left: int | None = field(default=None)


class Undo:
    """Takes a fault back at the end of a `with` block; without one the fault stays until it is taken back by hand."""

    def __init__(self, undo: Callable[[], None]) -> None:
        self._undo = undo

    def __enter__(self) -> Undo:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo()


class Faults:
    """The planned answers of one endpoint, first come first served, and a gate that holds answers back. Thread safe.

    Args:
        spells: Where it is noted when they are played.
    """

    def __init__(self, spells: Spells) -> None:
        self._spells = spells
        self._lock = threading.Lock()
        self._planned: deque[_Planned] = deque()
        self._open = threading.Event()
        self._open.set()

    def plan(self, response: Response, times: int | None = None) -> Undo:
        """Gives this answer to the next requests.

        Args:
            response: The answer.
            times: To how many requests; None: to all, until it is taken back.
        """
        planned = _Planned(response, times)
        # Before it can be taken, and with that be over.
        self._spells.begin(id(planned), f"answers {response.status}")
        with self._lock:
            self._planned.append(planned)
        return Undo(lambda: self._drop(planned))

    def take(self) -> Response | None:
        """The planned answer for a request that has just come in; None where the honest one is due."""
        with self._lock:
            if not self._planned:
                return None
            planned = self._planned[0]
            if planned.left is not None:
                planned.left -= 1
                if planned.left <= 0:
                    self._planned.popleft()
                    self._spells.end(id(planned))
            return planned.response

    def clear(self) -> None:
        """Takes all planned answers back and opens the gate."""
        with self._lock:
            dropped = tuple(self._planned)
            self._planned.clear()
        for planned in dropped:
            self._spells.end(id(planned))
        self._let_go()

    def hold(self) -> Undo:
        """Holds every answer back, after it was made and counted, until let go."""
        self._open.clear()
        self._spells.begin(self, "holds answers back")
        return Undo(self._let_go)

    def pass_gate(self, seconds: float) -> bool:
        """Waits in real time until answers are let go, at most so many seconds; False where that was too short."""
        return self._open.wait(max(0.0, seconds))

    def _let_go(self) -> None:
        self._open.set()
        self._spells.end(self)

    def _drop(self, planned: _Planned) -> None:
        with self._lock:
            # By identity: two equal answers may be planned at once.
            self._planned = deque(other for other in self._planned if other is not planned)
        self._spells.end(id(planned))


def reply(
    status: int, body: bytes | str | Mapping[str, Any] = b"", headers: Mapping[str, str] | None = None
) -> Response:
    """Makes a response; a mapping is written as JSON, and its content type said unless `headers` says another."""
    fields = {name.lower(): value for name, value in (headers or {}).items()}
    if isinstance(body, Mapping):
        body = json.dumps(body).encode("utf-8")
        fields.setdefault("content-type", "application/json;charset=UTF-8")
    elif isinstance(body, str):
        body = body.encode("utf-8")
    return Response(status, fields, body)


class Stage:
    """What can be played on an authority's token endpoint. `server` and `transport` do it to the connection.

    Attributes:
        delay: Seconds between a request's acceptance and its answer.
        skew: Seconds by which its clock runs ahead; negative: behind.
        drip: Seconds between two bytes of a body.
        cut: After how many bytes of a body the connection breaks; None: never.
        unreachable: Whether nobody gets a connection.
        faults: The answers that are planned.
        spells: When which fault was played.
    """

    drip = Played("bodies drip", 0.0)
    cut = Played[int | None]("bodies break off", None)
    unreachable = Played("no connection", idle=False)

    def __init__(self) -> None:
        self.delay = 0.0
        self.skew = 0.0
        self.spells = Spells(self.now)
        self.faults = Faults(self.spells)

    @abstractmethod
    def now(self) -> float:
        """The authority's own time, in Unix seconds."""

    def answer(
        self,
        status: int = 200,
        body: bytes | str | Mapping[str, Any] = b"",
        headers: Mapping[str, str] | None = None,
        times: int | None = None,
    ) -> Undo:
        """Gives any answer at the token endpoint, in place of the honest one.

        Args:
            status: The HTTP status.
            body: Its bytes, text, or fields to be written as JSON.
            headers: Header fields; they replace those that would be set.
            times: For how many requests; None: until `up()`, or the end of a `with` block.
        """
        return self.faults.plan(reply(status, body, headers), times)

    def down(self, status: int = 503, retry_after: int | str | None = None) -> Undo:
        """Answers every token request with an error of the server, until `up()` or the end of a `with` block.

        Args:
            status: The HTTP status.
            retry_after: Seconds, or a date as text, for the Retry-After header; None: no such header.
        """
        return self.answer(status, headers={} if retry_after is None else {"retry-after": str(retry_after)})

    def up(self) -> None:
        """Ends `down`, `answer`, `hold` and `unreachable`."""
        self.faults.clear()
        self.unreachable = False

    def hold(self) -> Undo:
        """Holds every answer of the token endpoint back, after it was counted, until `up()` or the end of `with`."""
        return self.faults.hold()
