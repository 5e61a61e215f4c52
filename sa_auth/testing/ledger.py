"""What the authority has seen and given out, counted. Thread safe."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable
from typing import TypeVar

from sa_auth.wire import Response

from .record import Call, Form, Record, Verdict
from .rules import RULES, Case, Unjudged
from .tokens import fingerprint

_T = TypeVar("_T")
# Where tokens are asked for.
_COUNTED = frozenset({"token", "exchange"})
MOST_CALLS = 20_000
_LONGEST_TOKEN = 4096
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
        self._calls: deque[tuple[float, str, int]] = deque(maxlen=MOST_CALLS)
        self._number = 0
        self._exchanges = 0

    @property
    def records(self) -> tuple[Record, ...]:
        """The newest records, oldest first."""
        with self._lock:
            return tuple(self._records)

    @property
    def calls(self) -> tuple[Call, ...]:
        """The newest calls of the API, oldest first."""
        # Copied at once, which no other thread can come between; then each token is hashed once.
        calls = self._calls.copy()
        names = {token: fingerprint(token) if token else "" for _, token, _ in calls}
        return tuple(Call(at, names[token], status) for at, token, status in calls)

    @property
    def statuses(self) -> dict[int, int]:
        """How many requests were answered with each HTTP status."""
        with self._lock:
            return dict(self._statuses)

    @property
    def exchanges(self) -> int:
        """How many tokens were given out for an assertion."""
        return self._exchanges

    def call(self, at: float, token: str, status: int) -> None:
        """Notes one call of the API; no lock and no hash, as ten thousand of them come through here."""
        self._calls.append((at, token if len(token) <= _LONGEST_TOKEN else "", status))

    def enter(
        self,
        case: Case,
        verdicts: tuple[Verdict, ...],
        response: Response,
        error: str | None,
        *,
        token: str = "",
        planned: bool = False,
    ) -> None:
        """Notes one request and its answer, with the token that was given out, and whether a fault was played."""
        client, client_method = _client(case, verdicts)
        issued = case.world.tokens.find(token, case.now) if token else None
        with self._lock:
            self._number += 1
            self._exchanges += bool(token)
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
                    keys=_or(lambda: case.grant_jwt.checked_with if case.grant_is_jwt else (), ()),
                    client_keys=_or(lambda: case.client_jwt.checked_with if case.client_is_jwt else (), ()),
                    planned=planned,
                    token=fingerprint(token) if token else "",
                    token_until=issued.expires_at if issued is not None else 0.0,
                    scope=issued.scope if issued is not None else "",
                )
            )

    def clear(self) -> None:
        """Sets everything to nothing."""
        with self._lock:
            self._records.clear()
            self._statuses.clear()
            self._calls.clear()
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
