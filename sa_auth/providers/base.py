"""A vendor as data, and how settings become an exchange.

Rule: what differs between vendors is a field; code only where no field can say it.
Source: RFC 7523 for what every field means; each preset names its vendor's page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ..assertions.self_issued import SelfIssued
from ..client_auth import CLIENT_AUTH, ClientAuth, ClientId
from ..errors import ConfigError
from ..exchange import Exchange
from ..grants import GRANTS, Grant, JWTBearer
from ..settings import Settings
from ..signers.base import Signer
from ..wire import endpoint


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
        hosts: Hosts a key file's endpoint may have; empty: any.
        lifetime: Seconds from now to `exp`, by default.
        longest: Seconds allowed from `iat` to `exp`; None: no limit known.
        backdate: Seconds that `iat` lies before now.
        scope_claim: Whether the scope is a claim: "always", even if empty, "given", or "never".
        scope_form: Whether the scope is a form field.
        algorithms: JOSE names the vendor takes; empty: any.
        key_file: Its key-file format, where it has one.
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

    def exchange(self, settings: Settings) -> Exchange:
        """Makes an exchange of checked settings.

        Raises:
            ConfigError: something is missing, or the vendor does not take it.
        """
        where = self._endpoint(settings)
        scope = " ".join(settings.scope)
        return Exchange(
            endpoint=where,
            grant=self._grant(settings, where, scope),
            transport=settings.transport,
            client_auth=_client_auth(settings),
            scope=scope,
            form=(*(("resource", one) for one in settings.resource), *settings.form),
            policy=settings.refresh,
            retry=settings.retry,
            timeout=settings.timeout,
            clock=settings.clock,
            reload=settings.reload,
            server_clock=settings.server_clock,
        )

    def _endpoint(self, settings: Settings) -> str:
        given = settings.token_endpoint or self.token_endpoint or _audience_as_endpoint(settings.audience)
        if given is None:
            raise ConfigError(
                "No token endpoint is known.", code="no_token_endpoint",
                hint="Pass token_endpoint=, the URL from the provider's documentation.",
            )  # fmt: skip
        by_caller = settings.endpoint_by_caller or settings.token_endpoint is None
        url = endpoint(given, "token_endpoint", by_caller=by_caller)
        host = urlsplit(url).hostname or ""
        if self.hosts and not by_caller and host not in self.hosts:
            raise ConfigError(
                f"The key file names a token endpoint at {host}, which is none of {self.name}'s.", code="foreign_endpoint",
                hint="A key file from outside could send the assertion anywhere. If that host is right, say so in "
                "code: token_endpoint=...",
            )  # fmt: skip
        return url

    def _grant(self, settings: Settings, where: str, scope: str) -> Grant:
        grant = settings.grant
        if grant is not None and not isinstance(grant, str):
            if isinstance(grant, Grant) and not isinstance(grant, type):
                return grant
            raise ConfigError(f"grant is of type {type(grant).__name__}.", code="bad_argument", hint="Name or Grant.")
        GRANTS.find(grant or "jwt_bearer")
        return JWTBearer(self._assertion(settings, where, scope), scope if self.scope_form else "")

    def _assertion(self, settings: Settings, where: str, scope: str) -> SelfIssued:
        signer = self._signer(settings)
        if settings.issuer is None:
            raise ConfigError(
                "No issuer is given.", code="no_issuer",
                hint="Pass issuer=: the client id, consumer key or service-account e-mail the key belongs to.",
            )  # fmt: skip
        claimed = self.scope_claim == "always" or (self.scope_claim == "given" and scope)
        return SelfIssued(
            signer,
            issuer=settings.issuer,
            subject=settings.subject,
            scope=scope if claimed else None,
            audience=settings.audience if settings.audience is not None else where,
            lifetime=self._lifetime(settings.lifetime),
            backdate=self.backdate,
            longest=self.longest,
            claims=settings.claims,
            headers=settings.headers,
        )

    def _signer(self, settings: Settings) -> Signer:
        signer = settings.signer
        if signer is None:
            raise ConfigError(
                "No key is given to sign with.", code="no_key",
                hint="Pass a path, keys.from_pem(text), keys.from_pfx(data) or keys.from_jwk(data) as the first argument.",
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


def _audience_as_endpoint(audience: str | None) -> str | None:
    # RFC 7523 section 3 allows the token endpoint as audience, and then one of the two says both.
    if audience is None or not audience.startswith("https://"):
        return None
    return audience if len(urlsplit(audience).path) > 1 else None


def _client_auth(settings: Settings) -> ClientAuth | None:
    method = settings.client_auth
    if method is None or not isinstance(method, str):
        if method is None or (isinstance(method, ClientAuth) and not isinstance(method, type)):
            return method
        raise ConfigError(
            f"client_auth is of type {type(method).__name__}.",
            code="bad_argument",
            hint="client_auth.ClientSecretBasic(client_id, client_secret), another class of that shelf, or a name.",
        )
    if method == "none":
        return None
    found = CLIENT_AUTH.find(method)
    if found is ClientId and settings.issuer is not None:
        return ClientId(settings.issuer)
    raise ConfigError(
        f"client_auth={method!r} needs more than its name.", code="bad_argument",
        hint=f"Pass client_auth.{found.__name__}(...) with its arguments.",
    )  # fmt: skip
