"""A vendor as data, and how settings become an exchange.

Rule: what differs between vendors is a field; code only where no field can say it.
Source: RFC 7523 for what every field means; each preset names its vendor's page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ..assertions.self_issued import SelfIssued
from ..errors import ConfigError
from ..exchange import Exchange
from ..grants import GRANTS, Grant
from ..grants.base import Incomplete, Offline, Shaped
from ..grants.jwt_bearer import JWTBearer
from ..settings import Settings
from ..signers.base import Signer
from ..wire import endpoint
from .client import by_name, client_of


class KeyFile(NamedTuple):
    """A vendor's key-file format.

    Args:
        recognise: Whether a parsed JSON object is of this format.
        read: Gives the arguments of the face that stand in it; "key" is the key's text.
    """

    recognise: Callable[[Mapping[str, Any]], bool]
    read: Callable[[Mapping[str, Any]], dict[str, Any]]


class Provider(NamedTuple):
    """What a vendor wants.

    Attributes:
        name: Its name in the table.
        token_endpoint: The default; None: it comes from the key file or the caller.
        hosts: Hosts a key file's endpoint and server may have; empty: any.
        lifetime: Seconds from now to `exp`, by default.
        longest: Seconds allowed from `iat` to `exp`; None: no limit known.
        backdate: Seconds that `iat` lies before now.
        scope_claim: Whether the scope is a claim: "always", even if empty, "given", or "never".
        scope_form: Whether the scope is a form field.
        algorithms: JOSE names the vendor takes; empty: any.
        key_file: Its key-file format, where it has one.
        grant: The grant's name, by default.
        json: Whether it takes JSON in place of a form.
        revocation_endpoint: Where it revokes tokens; None: its metadata say it, or nobody.
        default_subject: Whether `sub` is the issuer where the caller names nobody (RFC 7523 section 3 wants a `sub`).
    """

    name: str
    token_endpoint: str | None = None
    hosts: tuple[str, ...] = ()
    lifetime: int = 300
    longest: int | None = None
    backdate: int = 10
    scope_claim: str = "given"
    scope_form: bool = True
    algorithms: tuple[str, ...] = ()
    key_file: KeyFile | None = None
    grant: str = "jwt_bearer"
    json: bool = False
    revocation_endpoint: str | None = None
    default_subject: bool = False

    def exchange(self, settings: Settings) -> Exchange:
        """Makes an exchange of checked settings.

        Raises:
            ConfigError: something is missing, or the vendor does not take it.
        """
        asked = _asked_by(settings, self.grant)
        offline, shaped = isinstance(asked, Offline), isinstance(asked, Shaped)
        if offline:
            _check_nothing_is_sent(settings)
        if settings.metadata is not None:
            # Its metadata say where tokens are revoked: a file from outside could have them sent anywhere.
            self._check_host(settings.metadata.issuer, "server", by_caller=settings.server_by_caller)
        where = None if offline else self._endpoint(settings, asked)
        make = _Maker(self, settings, where, asked)
        grant = asked.completed(make) if isinstance(asked, Incomplete) else asked
        client_auth, transport = client_of(settings, grant, assertion_made=make.called)
        return Exchange(
            endpoint=where,
            grant=grant,
            transport=transport,
            client_auth=client_auth,
            scope=" ".join(settings.scope),
            scope_field=not (offline or shaped) and (self.scope_form or not isinstance(asked, JWTBearer)),
            form=(*(("resource", one) for one in settings.resource), *settings.form),
            json=self.json,
            dpop=settings.dpop,
            metadata=settings.metadata,
            revocation_endpoint=self.revocation_endpoint,
            policy=settings.refresh,
            retry=settings.retry,
            timeout=settings.timeout,
            clock=settings.clock,
            reload=settings.reload,
            server_clock=settings.server_clock,
        )

    def assertion(self, settings: Settings, where: str | None, asked: Grant) -> SelfIssued:
        """Makes the assertion that the key signs for a grant.

        Args:
            settings: Who it is about.
            where: The token endpoint; None: it is not known yet, or there is none.
            asked: The grant.

        Raises:
            ConfigError: there is no key, or something else is missing.
        """
        scope = " ".join(settings.scope)
        issuer = _issuer(settings)
        has_claim = isinstance(asked, JWTBearer | Offline | Shaped)
        claimed = has_claim and (self.scope_claim == "always" or (self.scope_claim == "given" and scope))
        return SelfIssued(
            self._signer(settings),
            issuer=issuer,
            subject=settings.subject or (issuer if self.default_subject or isinstance(asked, Offline) else None),
            scope=scope if claimed else None,
            audience=_audience(settings, where),
            lifetime=self._lifetime(settings.lifetime),
            backdate=self.backdate,
            longest=self.longest,
            claims=settings.claims,
            headers=settings.headers,
        )

    def _endpoint(self, settings: Settings, asked: Grant) -> str | None:
        given = settings.token_endpoint or self.token_endpoint
        if given is None and settings.metadata is not None:
            return None
        if given is None and isinstance(asked, JWTBearer):
            given = _audience_as_endpoint(settings.audience)
        if given is None:
            raise ConfigError(
                "No token endpoint is known.", code="no_token_endpoint",
                hint="Pass token_endpoint=, the URL from the provider's documentation; or server=, the issuer "
                "identifier of a server whose metadata names it.",
            )  # fmt: skip
        by_caller = settings.endpoint_by_caller or settings.token_endpoint is None
        url = endpoint(given, "token_endpoint", by_caller=by_caller)
        self._check_host(url, "token_endpoint", by_caller=by_caller)
        return url

    def _check_host(self, url: str, name: str, *, by_caller: bool) -> None:
        host = urlsplit(url).hostname or ""
        if self.hosts and not by_caller and host not in self.hosts:
            raise ConfigError(
                f"The key file names a {name} at {host}, which is none of {self.name}'s.", code="foreign_endpoint",
                hint="A key file from outside could send the assertion, or a token, anywhere. If that host is right, say "
                f"so in code: {name}=...",
            )  # fmt: skip

    def _signer(self, settings: Settings) -> Signer:
        signer = settings.signer
        if signer is None:
            raise ConfigError(
                "No key is given to sign with.", code="no_key",
                hint="Pass a path, keys.from_pem(text), keys.from_pfx(data) or keys.from_jwk(data) as the first argument; "
                "or, where a token service hands the assertion over, grant=grants.JWTBearer(assertions.FromFile(path)).",
            )  # fmt: skip
        if self.algorithms and signer.algorithm not in self.algorithms:
            raise ConfigError(
                f"{self.name} does not take {signer.algorithm}.", code="bad_algorithm",
                hint=f"It takes {', '.join(self.algorithms)}: use a key of that kind.",
            )  # fmt: skip
        return signer

    def _lifetime(self, asked: int | None) -> int:
        if asked is not None and self.longest is not None and asked > self.longest:
            raise ConfigError(
                f"{self.name} takes assertions of at most {self.longest} s.", code="bad_lifetime",
                hint=f"Leave lifetime= out (the default is {self.lifetime} s), or set less.",
            )  # fmt: skip
        return self.lifetime if asked is None else asked


class _Maker:
    """Makes the assertion that the key signs for the grant, and remembers whether it was asked to."""

    def __init__(self, provider: Provider, settings: Settings, where: str | None, asked: Grant) -> None:
        self._made = (provider, settings, where, asked)
        self.called = False

    def __call__(self) -> SelfIssued:
        self.called = True
        provider, settings, where, asked = self._made
        return provider.assertion(settings, where, asked)


def _asked_by(settings: Settings, default: str) -> Grant:
    grant = settings.grant if settings.grant is not None else default
    if not isinstance(grant, str):
        if isinstance(grant, Grant) and not isinstance(grant, type):
            return grant
        raise ConfigError(f"grant is of type {type(grant).__name__}.", code="bad_argument", hint="Name or Grant.")
    made: Grant = by_name(GRANTS, grant, "grant")
    return made


def _check_nothing_is_sent(settings: Settings) -> None:
    """Refuses what would go into a request, or bind what comes back, where there is no request."""
    sent = {"form": settings.form, "resource": settings.resource, "dpop": settings.dpop}
    idle = [name for name, value in sent.items() if value]
    if idle:
        raise ConfigError(
            f"{idle[0]}= has no place with a self-signed token.", code="bad_argument",
            hint="Nothing is sent to a server, so nothing is asked of one: leave it out, or use another grant.",
        )  # fmt: skip


def _issuer(settings: Settings) -> str:
    if settings.issuer is None:
        raise ConfigError(
            "No issuer is given.", code="no_issuer",
            hint="Pass issuer=: the client id, consumer key or service-account e-mail the key belongs to.",
        )  # fmt: skip
    return settings.issuer


def _audience(settings: Settings, where: str | None) -> str:
    # An endpoint that metadata name is no audience: a server could name another's, and use there what it was sent.
    named = settings.metadata.issuer if settings.metadata is not None else None
    audience = settings.audience or where or named
    if audience is None:
        raise ConfigError(
            "No audience is given for a self-signed token.", code="no_audience",
            hint="Pass audience=: the address of the API, exactly as its provider writes it.",
        )  # fmt: skip
    return audience


def _audience_as_endpoint(audience: str | None) -> str | None:
    # RFC 7523 section 3 allows the token endpoint as audience, and then one of the two says both.
    if audience is None or not audience.startswith("https://"):
        return None
    return audience if len(urlsplit(audience).path) > 1 else None
