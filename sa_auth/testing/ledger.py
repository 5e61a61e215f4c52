"""What the authority has seen and given out, counted. Thread safe."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable
from typing import TypeVar

from sa_auth.wire import Response

from .record import Form, Record, Verdict
from .rules import RULES, Case, Unjudged

_T = TypeVar("_T")
# Where tokens are asked for.
_COUNTED = frozenset({"token", "exchange"})
_DOUBTS = frozenset(rule.name for rule in RULES if rule.error == "invalid_client")


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
        client, client_method = _client(case, verdicts)
        with self._lock:
            self._number += 1
            self._exchanges += token
            if case.endpoint in _COUNTED:
                self._statuses[response.status] += 1
            self._records.append(
                Record(
                    number=self._number,
                    at=case.now,
                    method=case.method,
                    path=case.path,
                    form=_or(lambda: case.form, Form([])),
                    header=_or(lambda: case.grant_header, {}),
                    claims=_or(lambda: case.grant_claims, {}),
                    verdicts=verdicts,
                    status=response.status,
                    error=error,
                    http_headers=case.headers,
                    endpoint=case.endpoint,
                    client=client,
                    client_method=client_method,
                    client_header=_or(lambda: case.client_jwt.header, {}),
                    client_claims=_or(lambda: case.client_claims, {}),
                    dpop_header=_or(lambda: case.proof.header, {}),
                    dpop_claims=_or(lambda: case.proof.claims, {}),
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


def _client(case: Case, verdicts: tuple[Verdict, ...]) -> tuple[str | None, str | None]:
    """Who asked and how that was proved; nothing where there is any doubt."""
    doubtful = any(not verdict.ok for verdict in verdicts if verdict.rule in _DOUBTS)
    caller = None if doubtful or not case.is_form else _or(lambda: case.caller, None)
    return (None, None) if caller is None else (caller.name, caller.method)
