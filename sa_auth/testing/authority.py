"""A strict authorization server as pure logic: requests in, responses out, everything judged and remembered.

Rule: no socket and no waiting in here; `server` and `transport` carry requests to it. It imports nothing that it
judges.

Source: RFC 7523 sections 2.1 and 3, RFC 6749 sections 5.1 and 5.2.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sa_auth._clock import SYSTEM, Clock
from sa_auth.wire import Request, Response

from .answers import error_of, first_broken, granted, http_date, refused
from .api import Api
from .faults import Faults, Undo, reply
from .ledger import Ledger
from .record import Record, explain
from .registration import Registration, verify_key, words
from .replays import Replays
from .rules import RULES, Case, Settings
from .rules.scope import requested_scope
from .tokens import Issued, Tokens

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from .server import Server
    from .transport import InProcessTransport


class Authority:
    """An authorization server and an API beside it.

    Args:
        clock: Where its time comes from.
        issuer: Its own identifier and the start of its URLs; default one of its own under `.test`, so that no two
            authorities share an identity.
        audience: The string, or strings, that an assertion may name it by; default exactly its token endpoint, and
            that of each server it runs behind.
        token_lifetime: Seconds that its tokens live.
        leeway: Seconds by which the clocks may differ.
        max_lifetime: Seconds that an assertion may live at most.
        require_jti: Whether every assertion needs a `jti`. RFC 7523 leaves it open; a `jti` that is there may be used
            once in any case.
        require_subject: Whether every assertion needs a `sub`. RFC 7523 demands it and Google goes without, so the
            default lets it be absent.
        keep: How many records `requests` keeps.

    Attributes:
        api: The API.
        delay: Seconds between a request's acceptance and its answer.
        skew: Seconds by which its clock runs ahead; negative: behind.
        drip: Seconds between two bytes of a body.
        cut: After how many bytes of a body the connection breaks; None: never.
        unreachable: Whether nobody gets a connection.

    Example:
        >>> import jwt, time
        >>> from urllib.parse import urlencode
        >>> from sa_auth.testing import Authority, new_key
        >>> from sa_auth.wire import Request
        >>> private_pem, public_pem = new_key("p256")
        >>> authority = Authority()
        >>> _ = authority.register("robot", public_pem)
        >>> claims = {"iss": "robot", "aud": authority.token_endpoint, "exp": int(time.time()) + 60}
        >>> assertion = jwt.encode(claims, private_pem, algorithm="ES256")
        >>> form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
        >>> headers = {"Content-Type": "application/x-www-form-urlencoded"}
        >>> authority.handle(Request(authority.token_endpoint, urlencode(form).encode(), headers)).status
        200
        >>> authority.exchanges
        1
    """

    def __init__(
        self,
        clock: Clock = SYSTEM,
        issuer: str | None = None,
        *,
        audience: str | Iterable[str] | None = None,
        token_lifetime: float = 3600,
        leeway: float = 30.0,
        max_lifetime: float = 3600.0,
        require_jti: bool = False,
        require_subject: bool = False,
        keep: int = 10_000,
    ) -> None:
        self.clock = clock
        self.issuer = issuer if issuer is not None else f"https://authority-{secrets.token_hex(4)}.test"
        self.audience = (audience,) if isinstance(audience, str) else None if audience is None else tuple(audience)
        self.token_lifetime = token_lifetime
        self.leeway = leeway
        self.max_lifetime = max_lifetime
        self.require_jti = require_jti
        self.require_subject = require_subject
        self.delay = 0.0
        self.skew = 0.0
        self.drip = 0.0
        self.cut: int | None = None
        self.unreachable = False
        self.faults = Faults()
        self.served: tuple[str, ...] = ()
        self._lock = threading.Lock()
        self._issuers: dict[str, Registration] = {}
        self._replays = Replays()
        self._tokens = Tokens()
        self._ledger = Ledger(keep)
        self.api = Api(self._tokens, self.now)

    @property
    def token_endpoint(self) -> str:
        """Its token endpoint in this process, without a server."""
        return f"{self.issuer.rstrip('/')}/token"

    @property
    def api_url(self) -> str:
        """Where its API begins in this process, without a server."""
        return f"{self.issuer.rstrip('/')}/api"

    @property
    def audiences(self) -> tuple[str, ...]:
        """The strings that an assertion may name it by."""
        return self.audience if self.audience is not None else (self.token_endpoint, *self.served)

    @property
    def requests(self) -> tuple[Record, ...]:
        """The newest token requests, oldest first."""
        return self._ledger.records

    @property
    def exchanges(self) -> int:
        """Tokens issued for an assertion; counted when a request is accepted, before any delay."""
        return self._ledger.exchanges

    @property
    def statuses(self) -> dict[int, int]:
        """How many token requests were answered with each HTTP status."""
        return self._ledger.statuses

    def now(self) -> float:
        """Its own time, in Unix seconds: the clock's and the skew."""
        return self.clock.now().wall + self.skew

    def explain(self, record: Record | None = None) -> str:
        """Tells people how a request was judged, rule by rule; default the newest one.

        Raises:
            ValueError: there was no request yet.
        """
        records = self.requests
        if record is None and not records:
            raise ValueError("There was no request yet.")
        return explain(records[-1] if record is None else record)

    def clear(self) -> None:
        """Forgets what was seen and counted; who is registered, and the tokens that are out, stay."""
        self._ledger.clear()
        self.api.clear()

    def register(
        self,
        issuer: str,
        public_key: Any,
        *,
        key_id: str | None = None,
        algorithms: Iterable[str] | None = None,
        subjects: str | Iterable[str] | None = None,
        scopes: str | Iterable[str] | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
    ) -> Registration:
        """Makes an issuer known. Another key for the same issuer is added; the same `key_id` replaces its key.

        Args:
            issuer: The `iss` of its assertions.
            public_key: PEM text or bytes, a certificate's PEM, a public key of `cryptography`, or a JWK.
            key_id: The `kid` it answers to; default a JWK's own, else any.
            algorithms: The `alg` values allowed; default all that fit the type of key.
            subjects: The `sub` values allowed; None: any or none.
            scopes: The scopes allowed; None: any.
            client_id: How it names itself as a client; default the issuer, where a secret is given.
            client_secret: The secret that it must prove itself with, by Basic or in the form; None: none.

        Returns:
            What is known of the issuer now.

        Raises:
            ConfigError: the key cannot be used.
        """
        key = verify_key(public_key, key_id, algorithms)
        with self._lock:
            before = self._issuers.get(issuer)
            others = tuple(old for old in before.keys if old.key_id != key.key_id) if before else ()
            known = Registration(issuer, (*others, key), words(subjects), words(scopes), client_id, client_secret)
            # A new dict rather than a change: requests under judgement hold the old one.
            self._issuers = {**self._issuers, issuer: known}
        return known

    def unregister(self, issuer: str) -> None:
        """Forgets an issuer and its keys; unknown ones are fine."""
        with self._lock:
            self._issuers = {name: known for name, known in self._issuers.items() if name != issuer}

    def issue(
        self, *, issuer: str = "", subject: str | None = None, scope: str = "", lifetime: float | None = None
    ) -> str:
        """Makes a token without being asked, for a planned answer or for the API alone; not counted as an exchange.

        Args:
            issuer: Whom it is for.
            subject: Whom it acts for.
            scope: What it may do, space separated.
            lifetime: Seconds; default `token_lifetime`.
        """
        now = self.now()
        seconds = self.token_lifetime if lifetime is None else lifetime
        return self._tokens.issue(Issued(issuer, subject, scope, now + seconds), now)

    def revoke(self, token: str) -> bool:
        """Makes a token worthless at the API; False where it was unknown."""
        return self._tokens.revoke(token)

    def revoke_all(self) -> int:
        """Makes all tokens worthless at the API, and tells how many there were."""
        return self._tokens.revoke_all()

    # Faults: see `faults` for what is planned, `server` and `transport` for what is done to the connection.

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

    def transport(self) -> InProcessTransport:
        """Gives a transport that reaches this authority without a socket."""
        from .transport import InProcessTransport  # late: it stands above this file

        return InProcessTransport(self)

    def serve(
        self,
        *,
        certificate: str | Path | None = None,
        key: str | Path | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> Server:
        """Serves it over HTTP on loopback, at a port that the system chooses. Close it, or use it with `with`.

        Args:
            certificate: Path of a PEM certificate chain, for https.
            key: Path of its private key; default in the certificate's file.
            ssl_context: Another way to say both.
        """
        from .server import Server  # late: it stands above this file

        return Server(self, certificate=certificate, key=key, ssl_context=ssl_context)

    def add_home(self, token_endpoint: str) -> None:
        """Makes a server's token endpoint one of its names."""
        with self._lock:
            self.served = (*self.served, token_endpoint)

    def remove_home(self, token_endpoint: str) -> None:
        """Forgets that name."""
        with self._lock:
            self.served = tuple(home for home in self.served if home != token_endpoint)

    def handle(self, request: Request) -> Response:
        """Answers one request to the token endpoint or the API. It never waits: `delay` is the carrier's to keep."""
        path = urlsplit(request.url).path
        if path == "/token":
            return self._token(request)
        if path == "/api" or path.startswith("/api/"):
            return self.api.handle(request)
        return reply(404, {"error": "not_found"})

    def _token(self, request: Request) -> Response:
        case = self._case(request)
        verdicts = tuple(rule.verdict(case) for rule in RULES)
        planned, broken = self.faults.take(), first_broken(verdicts)
        if planned is not None:
            response, error = planned, None
        elif broken is not None:
            response, error = refused(broken, authorization="authorization" in case.headers), error_of(broken)
        else:
            response, error = self._grant(case), None
        self._ledger.enter(case, verdicts, response, error, token=planned is None and broken is None)
        headers = {"date": http_date(case.now), "cache-control": "no-store", "pragma": "no-cache", **response.headers}
        return Response(response.status, headers, response.body)

    def _case(self, request: Request) -> Case:
        url = urlsplit(request.url)
        return Case(
            method=request.method,
            path=url.path,
            query=url.query,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=request.body,
            now=self.now(),
            settings=Settings(self.audiences, self.leeway, self.max_lifetime, self.require_jti, self.require_subject),
            issuers=self._issuers,
            replays=self._replays,
        )

    def _grant(self, case: Case) -> Response:
        scope = requested_scope(case)
        token = self.issue(issuer=case.claims["iss"], subject=case.claims.get("sub"), scope=scope)
        return granted(token, self.token_lifetime, scope)
