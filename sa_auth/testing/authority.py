"""A strict authorization server as pure logic: requests in, responses out, everything judged and remembered.

Rule: no socket and no waiting in here; `server` and `transport` carry requests to it. It imports nothing that it
judges.

Source: RFC 7523 sections 2.1 and 3, RFC 6749 sections 5.1 and 5.2.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sa_auth._clock import SYSTEM, Clock
from sa_auth.wire import Request, Response

from .api import Api
from .desk import Desk
from .dialects import DIALECTS, Dialect
from .enrolment import Enrolment
from .faults import SLOW, Faults, Stage
from .ledger import Ledger
from .record import Call, Record, explain

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from .server import Server
    from .transport import InProcessTransport


class Authority(Enrolment, Stage):
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
        client_assertion_audience: What a client assertion names it by: "issuer", its issuer identifier alone and as a
            string; "token_endpoint", as older servers want it; or "any", those and `audience`.
        dialect: A vendor's name in `sa_auth.testing.dialects.DIALECTS`, or a Dialect of one's own: its endpoint, rules,
            answers and words for a no.
        keep: How many records `requests` keeps.

    Attributes:
        api: The API.
        refresh_tokens: None: no answer holds one; "rotate": those to a code, a refresh token and token exchange hold a
            new one, and the old one is used up; "keep": they hold one that stays good.
        resources: The resources that tokens are issued for (RFC 8707); None: any.
        saml_audience: Another name of its own to SAML assertions, beside its token endpoint.
        dpop_window: Seconds that a DPoP proof may be old.
        dpop_downgrade: Whether DPoP is answered by a bearer token.
        metadata_changes: Fields of its metadata to replace; None removes a field.
        metadata_style: "both", or "oauth" or "oidc" alone.
        metadata_reads: How often its metadata was read.
        revocations: The accepted revocations, oldest first: the hint, and whether the token was known.
        revoke_faults: The answers that are planned for the revocation endpoint.
        rest_answer: Where the REST exchange puts "token" and "expires_at" or "expires_in", as dotted paths.

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
        client_assertion_audience: str = "issuer",
        dialect: str | Dialect | None = None,
        keep: int = 10_000,
    ) -> None:
        Enrolment.__init__(self)
        Stage.__init__(self)
        self.clock = clock
        self.issuer = issuer if issuer is not None else f"https://authority-{secrets.token_hex(4)}.test"
        self.audience = (audience,) if isinstance(audience, str) else None if audience is None else tuple(audience)
        self.token_lifetime = token_lifetime
        self.leeway = leeway
        self.max_lifetime = max_lifetime
        self.require_jti = require_jti
        self.require_subject = require_subject
        self.client_assertion_audience = client_assertion_audience
        self.dialect: Dialect | None = DIALECTS.find(dialect) if isinstance(dialect, str) else dialect
        self.refresh_tokens: str | None = None
        self.resources: Iterable[str] | None = None
        self.saml_audience: str | None = None
        self.dpop_window = 60.0
        self.dpop_downgrade = False
        self.metadata_changes: Mapping[str, Any] = {}
        self.metadata_style = "both"
        self.metadata_reads = 0
        self.revocations: list[tuple[str | None, bool]] = []
        self.revoke_faults = Faults(self.spells)
        self.rest_answer: Mapping[str, str] = {"token": "token", "expires_at": "expires_at"}
        self.served: tuple[str, ...] = ()
        self._lock = threading.Lock()
        self._ledger = Ledger(keep)
        self._desk = Desk(self, self._world, self._ledger)
        self.api = Api(self._world, self.now, self._desk.case, self._ledger, self.dialect)

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
        """The strings that a grant's assertion may name it by: rfc7523bis leaves it the endpoints and the issuer."""
        return self.audience if self.audience is not None else (*self.endpoints, self.issuer, *self.homes)

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The URLs of its token endpoint: in this process, and behind its servers."""
        return (self.token_endpoint, *self.served)

    @property
    def saml_audiences(self) -> tuple[str, ...]:
        """The strings that a SAML assertion may name it by."""
        return self.endpoints if self.saml_audience is None else (*self.endpoints, self.saml_audience)

    @property
    def homes(self) -> tuple[str, ...]:
        """The issuer identifiers that it has behind its servers: their URLs."""
        return tuple(endpoint.removesuffix("/token") for endpoint in self.served)

    @property
    def client_audiences(self) -> tuple[str, ...]:
        """The strings that a client assertion may name it by."""
        issuers, endpoints = (self.issuer, *self.homes), self.endpoints
        chosen = {"issuer": issuers, "token_endpoint": endpoints}
        return chosen.get(self.client_assertion_audience, (*issuers, *endpoints, *self.audiences))

    @property
    def dpop_nonce(self) -> bool:
        """Whether its token endpoint demands a nonce in DPoP proofs."""
        return self._world.nonces.demanded

    @dpop_nonce.setter
    def dpop_nonce(self, demanded: bool) -> None:
        self._world.nonces.demanded = demanded

    @property
    def dpop_nonce_uses(self) -> int:
        """How many proofs a nonce of its token endpoint is good for; the last one is answered with the next nonce."""
        return self._world.nonces.uses

    @dpop_nonce_uses.setter
    def dpop_nonce_uses(self, uses: int) -> None:
        self._world.nonces.uses = uses

    @property
    def requests(self) -> tuple[Record, ...]:
        """The newest requests that were judged, oldest first; calls of the API only where they took more than a token."""
        return self._ledger.records

    @property
    def calls(self) -> tuple[Call, ...]:
        """The newest calls of the API, oldest first."""
        return self._ledger.calls

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
        self.spells.clear()
        self.revocations.clear()
        self.metadata_reads = 0

    def transport(self) -> InProcessTransport:
        """Gives a transport that reaches this authority without a socket."""
        from .transport import InProcessTransport  # late: it stands above this file

        return InProcessTransport(self)

    def serve(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        certificate: str | Path | None = None,
        key: str | Path | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> Server:
        """Serves it over HTTP, on loopback unless told otherwise. Close it, or use it with `with`.

        Args:
            host: The address to listen on.
            port: The port; 0: one that the system chooses.
            certificate: Path of a PEM certificate chain, for https.
            key: Path of its private key; default in the certificate's file.
            ssl_context: Another way to say both.

        Raises:
            OSError: it cannot listen there, or the certificate cannot be read.
        """
        from .server import Server  # late: it stands above this file

        return Server(self, host=host, port=port, certificate=certificate, key=key, ssl_context=ssl_context)

    def add_home(self, token_endpoint: str) -> None:
        """Makes a server's token endpoint one of its names."""
        with self._lock:
            self.served = (*self.served, token_endpoint)

    def remove_home(self, token_endpoint: str) -> None:
        """Forgets that name."""
        with self._lock:
            self.served = tuple(home for home in self.served if home != token_endpoint)

    def gives_tokens(self, path: str) -> bool:
        """Whether tokens are asked for at this path: whether its answers can be late, held, or cut."""
        return path in SLOW or (self.dialect is not None and re.fullmatch(self.dialect.path, path) is not None)

    def handle(self, request: Request) -> Response:
        """Answers one request to any endpoint. It never waits: `delay` is the carrier's to keep."""
        return self._desk.handle(request)
