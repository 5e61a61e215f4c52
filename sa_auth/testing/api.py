"""An API that accepts the authority's tokens, and says what it received.

Rule: cheap for plain bearer tokens, as ten thousand calls come through here; whatever takes more than a token (DPoP, a
certificate, a JWT that is the token) is judged by the rules. The body is hashed, so that a caller can prove it came
whole.

Source: RFC 6750 sections 2.1 and 3, RFC 8705 section 3, RFC 9449 sections 7 and 9.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

from sa_auth.wire import Request, Response

from .answers import described, error_of, first_broken, worded
from .dialects import Dialect
from .faults import reply
from .ledger import Ledger
from .record import Verdict
from .rules import Case, judge
from .rules.proof import ALGORITHMS
from .tokens import fingerprint
from .world import World

_ALGS = f'algs="{" ".join(ALGORITHMS)}"'
_UNTOUCHED = hashlib.sha256(b"").hexdigest()


class Api:
    """Answers any path under `/api` to whoever brings a live token.

    Args:
        world: What was given out.
        now: Reads the authority's clock, in Unix seconds.
        case: Makes a case of a request.
        ledger: Where calls are noted that the rules judged.
        dialect: A vendor's; where a JWT is itself its token, it is taken here.

    Attributes:
        calls: How many requests were accepted.
        refused: How many were answered 401.
        refuse_all: Whether every token is refused until further notice.
        self_signed: The audience by which a self-signed JWT is taken; None: none is.

    Example:
        >>> from sa_auth.testing import Authority
        >>> from sa_auth.wire import Request
        >>> authority = Authority()
        >>> headers = {"Authorization": "Bearer " + authority.issue()}
        >>> authority.api.handle(Request(authority.api_url + "/files", method="GET", headers=headers)).status
        200
    """

    def __init__(
        self,
        world: World,
        now: Callable[[], float],
        case: Callable[[str, Request], Case],
        ledger: Ledger,
        dialect: Dialect | None = None,
    ) -> None:
        self._world = world
        self._now = now
        self._case = case
        self._ledger = ledger
        self._dialect = dialect if dialect is not None and dialect.self_signed else None
        self._lock = threading.Lock()
        self._refuse_left = 0
        self._per_token: Counter[str] = Counter()
        self.calls = 0
        self.refused = 0
        self.refuse_all = False
        self.self_signed: str | None = None if self._dialect is None else next(iter(self._dialect.audiences), "")

    @property
    def dpop_nonce(self) -> bool:
        """Whether it demands a nonce of its own in DPoP proofs."""
        return self._world.api_nonces.demanded

    @dpop_nonce.setter
    def dpop_nonce(self, demanded: bool) -> None:
        self._world.api_nonces.demanded = demanded

    @property
    def dpop_nonce_uses(self) -> int:
        """How many proofs a nonce is good for; the last one is answered with the next nonce."""
        return self._world.api_nonces.uses

    @dpop_nonce_uses.setter
    def dpop_nonce_uses(self, uses: int) -> None:
        self._world.api_nonces.uses = uses

    def accept_self_signed(self, audience: str | None) -> None:
        """Takes a JWT that a registered issuer signed for this audience as a bearer token; None takes it back."""
        self.self_signed = audience

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
        now = self._now()
        issued = self._world.tokens.find(token, now)
        alone = self.self_signed is not None and token.count(".") == 2
        if scheme.lower() == "dpop" or alone or (issued is not None and issued.bound):
            response = self._judge(request, token)
        elif self._admits(token, known=scheme.lower() == "bearer" and issued is not None):
            response = _welcome(request)
        else:
            response = _refusal(token)
        self._ledger.call(now, token, response.status)
        return response

    def _judge(self, request: Request, token: str) -> Response:
        """Answers a request that brings more than a token."""
        case = self._case("api", request)
        dialect = self._dialect
        verdicts = judge(case) if dialect is None else judge(case, dialect.rules, dialect.without)
        broken = first_broken(verdicts)
        if self._admits(token, known=broken is None):
            response, error = _welcome(request), None
            following = case.nonces.spend(case.proof.claims.get("nonce")) if self._spends_nonce(case) else None
        else:
            own = dialect.rules if dialect is not None else ()
            error = error_of(broken, case, own) if broken is not None else None
            response = self._in_its_words(broken) or _explained(case, broken, error)
            following = case.nonces.current if error == "use_dpop_nonce" else None
        if following is not None:
            response = Response(response.status, {**response.headers, "dpop-nonce": following}, response.body)
        self._ledger.enter(case, verdicts, response, error)
        return response

    def _in_its_words(self, broken: Verdict | None) -> Response | None:
        """The vendor's own no; None where it has none."""
        if self._dialect is None or broken is None:
            return None
        own = self._dialect.refusals.get(broken.rule, self._dialect.refusals.get(""))
        return None if own is None else reply(own.status, worded(own.body, broken))

    def _admits(self, token: str, *, known: bool) -> bool:
        """Counts a call, and tells whether it is let in."""
        with self._lock:
            refused = self._refuse_left > 0
            if refused:
                self._refuse_left -= 1
            if refused or self.refuse_all or not known:
                self.refused += 1
                return False
            self.calls += 1
            self._per_token[token] += 1
            return True

    def _spends_nonce(self, case: Case) -> bool:
        return case.has_proof and case.nonces.demanded


def _refusal(token: str) -> Response:
    """RFC 6750 section 3.1: whoever brings no token learns no error code."""
    challenge = 'Bearer error="invalid_token"' if token else "Bearer"
    body = b'{"error": "invalid_token"}' if token else b"{}"
    return Response(401, {"www-authenticate": challenge, "content-type": "application/json"}, body)


def _explained(case: Case, broken: Verdict | None, error: str | None) -> Response:
    """Says which rule was broken, in the scheme that was tried (RFC 9449 section 7.2); None: it was refused at will."""
    error = error or "invalid_token"
    reason = "" if broken is None else f', error_description="{described(broken)}"'
    challenge = f'error="{error}"{reason}'
    if case.scheme == "dpop":
        challenge = f"DPoP {challenge}, {_ALGS}"
    else:
        challenge = f"Bearer {challenge}"
        if case.issued is not None and case.issued.key is not None:
            challenge = f"{challenge}, DPoP {_ALGS}"
    body = json.dumps({"error": error}).encode("ascii")
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
