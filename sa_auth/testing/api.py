"""An API that accepts the authority's tokens, and says what it received.

Rule: cheap, as ten thousand calls come through here; the body is hashed, so that a caller can prove it came whole.

Source: RFC 6750 sections 2.1 and 3.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

from sa_auth.wire import Request, Response

from .tokens import Tokens, fingerprint

_UNTOUCHED = hashlib.sha256(b"").hexdigest()


class Api:
    """Answers any path under `/api` to whoever brings a live token.

    Args:
        tokens: The tokens that are out.
        now: Reads the authority's clock, in Unix seconds.

    Attributes:
        calls: How many requests were accepted.
        refused: How many were answered 401.
        refuse_all: Whether every token is refused until further notice.

    Example:
        >>> from sa_auth.testing import Authority
        >>> from sa_auth.wire import Request
        >>> authority = Authority()
        >>> headers = {"Authorization": "Bearer " + authority.issue()}
        >>> authority.api.handle(Request(authority.api_url + "/files", method="GET", headers=headers)).status
        200
    """

    def __init__(self, tokens: Tokens, now: Callable[[], float]) -> None:
        self._tokens = tokens
        self._now = now
        self._lock = threading.Lock()
        self._refuse_left = 0
        self._per_token: Counter[str] = Counter()
        self.calls = 0
        self.refused = 0
        self.refuse_all = False

    @property
    def calls_by_token(self) -> dict[str, int]:
        """Accepted requests by the token's fingerprint: the first 8 hex digits of its SHA-256."""
        with self._lock:
            totals = Counter[str]()
            for token, count in self._per_token.items():
                totals[fingerprint(token)] += count
        return dict(totals)

    def refuse_next(self, count: int) -> None:
        """Answers 401 to the next so many requests, whatever they bring; zero takes it back."""
        with self._lock:
            self._refuse_left = count

    def clear(self) -> None:
        """Sets all counters to zero and refuses nothing any more."""
        with self._lock:
            self.calls = self.refused = self._refuse_left = 0
            self.refuse_all = False
            self._per_token.clear()

    def handle(self, request: Request) -> Response:
        """Answers one request."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        scheme, _, token = headers.get("authorization", "").partition(" ")
        known = scheme.lower() == "bearer" and self._tokens.find(token, self._now()) is not None
        with self._lock:
            refused = self._refuse_left > 0
            if refused:
                self._refuse_left -= 1
            if refused or self.refuse_all or not known:
                self.refused += 1
                return _refusal(token)
            self.calls += 1
            self._per_token[token] += 1
        return _welcome(request)


def _refusal(token: str) -> Response:
    """RFC 6750 section 3.1: whoever brings no token learns no error code."""
    challenge = 'Bearer error="invalid_token"' if token else "Bearer"
    body = b'{"error": "invalid_token"}' if token else b"{}"
    return Response(401, {"www-authenticate": challenge, "content-type": "application/json"}, body)


def _welcome(request: Request) -> Response:
    body = {
        "ok": True,
        "path": urlsplit(request.url).path,
        "method": request.method,
        "received": len(request.body),
        "sha256": hashlib.sha256(request.body).hexdigest() if request.body else _UNTOUCHED,
    }
    return Response(200, {"content-type": "application/json"}, json.dumps(body).encode("ascii"))
