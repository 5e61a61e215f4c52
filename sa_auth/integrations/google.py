"""Credentials as google-auth wants them, so that every google-cloud client runs on our cache and renewal.

Rule: what google-auth decides about renewing is decided by the source instead, at each request; only a 401 comes back
here, as `refresh`. Source: https://googleapis.dev/python/google-auth/latest/reference/google.auth.credentials.html; which
of its acts a transport calls, and when, as in its own `AuthorizedSession`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, MutableMapping
from datetime import datetime, timezone
from functools import partial
from typing import Any

from .._clock import SYSTEM, Clock
from ..token import Token
from .awaiting import Source
from .bearer import bearing, replaced
from .extra import needed
from .where import check

needed("google", ("google.auth.credentials",), '"sa_auth[google]"', named="google-auth")

from google.auth import credentials as base  # noqa: E402 - whoever lacks it was told so


class Credentials(base.Scoped, base.CredentialsWithQuotaProject, base.CredentialsWithUniverseDomain):
    """What `google.cloud.storage.Client(credentials=)` and its like take.

    Signing is not among its acts: a signed URL is made with a key, and a source gives tokens.

    Args:
        source: Gives tokens: the credentials object, or anything with its `token`, `poll` and `discard`.
        quota_project_id: The project that pays for the calls; None: the service account's own.
        universe_domain: Where Google's APIs are, for the clients that compare it with theirs.
        clock: Where time comes from; for tests.

    Raises:
        ConfigError: `not_bearer`, a proof goes with each call.

    Example:
        >>> from google.auth.transport.requests import AuthorizedSession
        >>> from sa_auth import ServiceAccountCredentials
        >>> from sa_auth.testing import Authority, new_key
        >>> private, public = new_key("p256")
        >>> authority = Authority()
        >>> _ = authority.register("robot", public)
        >>> creds = ServiceAccountCredentials(
        ...     private, issuer="robot", token_endpoint=authority.token_endpoint, transport=authority.transport())
        >>> with AuthorizedSession(Credentials(creds)) as session, authority.serve() as server:
        ...     session.get(server.api_url).status_code, session.credentials.valid
        (200, True)
    """

    def __init__(
        self,
        source: Source,
        *,
        quota_project_id: str | None = None,
        universe_domain: str = base.DEFAULT_UNIVERSE_DOMAIN,
        clock: Clock = SYSTEM,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._source = bearing(source)
        self._allowed: tuple[str, ...] | None = getattr(source, "allowed_hosts", None)
        self._quota_project_id = quota_project_id
        self._universe_domain = universe_domain
        self._clock = clock
        self._known: Token | None = None
        self._sent = threading.local()

    def before_request(self, request: Any, method: str, url: str, headers: MutableMapping[str, str]) -> None:  # noqa: ARG002
        """Sets the header by a token that lives, as a transport asks before each request; `request` is not used.

        Raises:
            ConfigError: the token may not go there (`allowed_hosts`).
            SaAuthError: there is no token to be had.
        """
        check(url, self._allowed)
        token = self._source.token()
        # refresh() is not told which token was refused; the transports call it in the thread that sent it.
        self._sent.token = token
        self._keep(token)
        self.apply(headers, token.access_token)  # type: ignore[no-untyped-call]

    def refresh(self, request: Any) -> None:  # noqa: ARG002 - google-auth's own way to the network
        """Gives `token` and `expiry` their values; after a request of this thread, by another token than that one sent.

        Transports call it after a 401. Twice for one request it discards one token.

        Raises:
            SaAuthError: there is none to be had.
        """
        refused, self._sent.token = getattr(self._sent, "token", None), None
        if refused is not None:
            self._source.discard(refused)
        self._keep(self._source.token())

    def _keep(self, token: Token) -> None:
        if token is not self._known:
            ends = datetime.fromtimestamp(token.expires_at, timezone.utc)
            self.token, self.expiry = token.access_token, ends.replace(tzinfo=None)  # google-auth has it naive
            self._known = token

    @property
    def token_state(self) -> base.TokenState:
        """By the token's own times; google-auth's 225 seconds would call a token of five minutes stale at once."""
        known, now = self._known, self._clock.wall()
        if known is None or known.expires_at <= now:
            return base.TokenState.INVALID
        return base.TokenState.STALE if known.refresh_at <= now else base.TokenState.FRESH

    @property
    def valid(self) -> bool:
        """Whether `token` lives."""
        return self.token_state is not base.TokenState.INVALID

    @property
    def expired(self) -> bool:  # pyright: ignore[reportIncompatibleMethodOverride] - it reads the base's as False alone
        """Whether there was a token, and its life is over."""
        return self._known is not None and not self.valid

    @property
    def requires_scopes(self) -> bool:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Never: the source has its own, which a client's default does not replace."""
        return False

    def with_scopes(self, scopes: Iterable[str], default_scopes: Iterable[str] | None = None) -> Credentials:
        """The same for other scopes; for `default_scopes` where there are none."""
        wanted = scopes or default_scopes or ()
        return self._but(source=replaced(self._source, scope=[wanted] if isinstance(wanted, str) else list(wanted)))

    def with_quota_project(self, quota_project_id: str | None) -> Credentials:
        """The same with another project that pays."""
        return self._but(quota_project_id=quota_project_id)

    def with_universe_domain(self, universe_domain: str) -> Credentials:
        """The same for another universe."""
        return self._but(universe_domain=universe_domain)

    def _but(self, **changes: Any) -> Credentials:
        return type(self)(**{**self._given(), **changes})

    def _given(self) -> dict[str, Any]:
        return {
            "source": self._source, "quota_project_id": self._quota_project_id,
            "universe_domain": self._universe_domain, "clock": self._clock,
        }  # fmt: skip

    def __reduce__(self) -> tuple[Any, ...]:
        # Without what it has from the source: no token is in a pickle.
        return partial(type(self), **self._given()), ()
