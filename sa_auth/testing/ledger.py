"""What the authority has seen and given out, counted. Thread safe."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable
from typing import TypeVar

from sa_auth.wire import Response

from .record import Form, Record, Verdict
from .rules import Case, Unjudged

_T = TypeVar("_T")


class Ledger:
    """The newest records, and counts over all of them.

    Args:
        keep: How many records are kept; older ones are dropped, the counts stay right.
    """

    def __init__(self, keep: int) -> None:
        self._lock = threading.Lock()
        self._records: deque[Record] = deque(maxlen=keep)
        self._statuses: Counter[int] = Counter()
        self._number = 0
        self._exchanges = 0

    @property
    def records(self) -> tuple[Record, ...]:
        """The newest records, oldest first."""
        with self._lock:
            return tuple(self._records)

    @property
    def statuses(self) -> dict[int, int]:
        """How many requests were answered with each HTTP status."""
        with self._lock:
            return dict(self._statuses)

    @property
    def exchanges(self) -> int:
        """How many tokens were given out for an assertion."""
        return self._exchanges

    def enter(
        self, case: Case, verdicts: tuple[Verdict, ...], response: Response, error: str | None, *, token: bool
    ) -> None:
        """Notes one request and its answer; `token` says whether a token was given out."""
        with self._lock:
            self._number += 1
            self._exchanges += token
            self._statuses[response.status] += 1
            self._records.append(
                Record(
                    number=self._number,
                    at=case.now,
                    method=case.method,
                    path=case.path,
                    form=_or(lambda: case.form, Form([])),
                    header=_or(lambda: case.header, {}),
                    claims=_or(lambda: case.claims, {}),
                    verdicts=verdicts,
                    status=response.status,
                    error=error,
                    http_headers=case.headers,
                )
            )

    def clear(self) -> None:
        """Sets everything to nothing."""
        with self._lock:
            self._records.clear()
            self._statuses.clear()
            self._number = self._exchanges = 0


def _or(read: Callable[[], _T], otherwise: _T) -> _T:
    try:
        return read()
    except Unjudged:
        return otherwise
