"""The face: one frozen object that names the parts and speaks for them.

Rule: nothing is done here but to take arguments and hand them on. Stands on top; a call goes from here to the source.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from ._clock import SYSTEM, Clock
from ._frames import shown_alone
from ._loading import Late
from .arguments import check_names, text
from .errors import ConfigError
from .integrations.requests import RequestsAuth
from .policy import RefreshPolicy, Retry
from .wire import called

if TYPE_CHECKING:
    from concurrent.futures import Future

    from typing_extensions import Self

    from . import keyfile, providers, recipe, settings, source
    from ._secret import Password
    from .caches.named import Cache
    from .client_auth.base import ClientAuth
    from .dpop import DPoP, Proofs
    from .grants.base import Grant
    from .keys import Key
    from .metadata import Metadata
    from .opened import Opened
    from .providers import making
    from .signers.base import Signer
    from .token import Token
    from .wire import Transport
else:
    # What makes credentials is loaded when the first are made: a program that has this module does not always make any.
    keyfile, providers, making = Late("sa_auth.keyfile"), Late("sa_auth.providers"), Late("sa_auth.providers.making")
    recipe, settings, source = Late("sa_auth.recipe"), Late("sa_auth.settings"), Late("sa_auth.source")


class ServiceAccountCredentials(RequestsAuth):
    """Signs a service account in, and keeps it signed in.

    Args:
        key: A path; a key's text, `keys.from_pem(text)`, `from_pfx(data)`, `from_jwk(data)`; the URI of a key elsewhere
            (docs/signers.md); or a Signer. None: a token service hands the assertion over, or a secret proves the client.
        issuer: `iss`: client id, consumer key, service-account e-mail.
        subject: `sub`: the user acted for.
        scope: str, space separated, or an iterable of str.
        audience: `aud`; default the token endpoint exactly as written.
        server: Issuer identifier of the authorization server: `aud` of a client assertion, and where its metadata name
            the token endpoint if nobody else does, and the revocation endpoint.
        token_endpoint: Default the key file's or provider's; with "generic", an https audience that has a path.
        certificate: Path or PEM, where it is not in the key's own file.
        password: str, bytes or a callable, for an encrypted PEM, a PFX, or the PIN of an HSM.
        key_id: `kid`.
        algorithm: Default from the key: RS256, ES256/384/512, EdDSA.
        lifetime: Seconds from now to `exp`; default the provider's, 300 for generic.
        claims: Extra claims; `{"nbf": True}` asks for an nbf.
        headers: Extra JOSE header fields; `{"x5t#S256": True}` (or "x5t", "x5c") takes it from the certificate.
        form: Extra form fields.
        resource: RFC 8707 resources: absolute URIs.
        provider: A name in `providers.PROVIDERS`.
        grant: A name in `grants.GRANTS` or a Grant; default "jwt_bearer".
        client_auth: A name in `client_auth.CLIENT_AUTH` or a ClientAuth. Default: none with "jwt_bearer"; with another
            grant "private_key_jwt", where there is a key.
        dpop: Whether tokens are bound to a key (RFC 9449): True: the service account's own, or a throw-away one where it
            has none; "ephemeral": a throw-away one; or another key or Signer.
        cache: Where tokens are shared beyond the process: "file", "redis://...", a FileCache or RedisCache, or a TokenCache
            of one's own. Or a MemoryCache apart from the process's.
        transport: `RequestsTransport(verify=, proxies=)`, or anything that sends.
        refresh: When a token is renewed.
        retry: When a failed request is sent again.
        timeout: Seconds for one whole exchange.
        allowed_hosts: Hosts the token may be sent to; None: any over https, and this machine over http.
        clock: Where time comes from; for tests.

    Raises:
        ConfigError: an argument is not usable; nothing was sent.

    Example:
        >>> from sa_auth.testing import Authority, new_key
        >>> private, public = new_key()
        >>> authority = Authority()
        >>> _ = authority.register("robot@demo", public)
        >>> creds = ServiceAccountCredentials(
        ...     private, issuer="robot@demo", scope="read",
        ...     token_endpoint=authority.token_endpoint, transport=authority.transport())
        >>> creds.token().scope
        'read'
        >>> creds.replace(subject="user@example.com")
        ServiceAccountCredentials(provider='generic', issuer='robot@demo', subject='user@example.com', scope='read')
    """

    __slots__ = ("__weakref__", "_given")

    _given: dict[str, Any]

    @shown_alone
    def __init__(
        self,
        key: str | os.PathLike[str] | Key | Signer | Opened | None = None,
        *,
        issuer: str | None = None,
        subject: str | None = None,
        scope: str | Iterable[str] = (),
        audience: str | None = None,
        server: str | Metadata | None = None,
        token_endpoint: str | None = None,
        certificate: str | os.PathLike[str] | None = None,
        password: Password = None,
        key_id: str | None = None,
        algorithm: str | None = None,
        lifetime: float | None = None,
        claims: Mapping[str, Any] | None = None,
        headers: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
        resource: str | Iterable[str] = (),
        provider: str = "generic",
        grant: str | Grant | None = None,
        client_auth: str | ClientAuth | None = None,
        dpop: bool | str | Key | Signer | DPoP = False,
        cache: Cache = None,
        transport: Transport | None = None,
        refresh: RefreshPolicy = RefreshPolicy(),  # noqa: B008 - frozen
        retry: Retry = Retry(),  # noqa: B008 - frozen
        timeout: float = 10.0,
        allowed_hosts: str | Iterable[str] | None = None,
        clock: Clock = SYSTEM,
    ) -> None:
        given = {name: value for name, value in locals().items() if name not in {"self", "__class__"}}
        unlock = keyfile.Unlock(password, certificate, text(key_id, "key_id"), text(algorithm, "algorithm"))
        opened = keyfile.open_key(key, unlock)
        vendor, checked = making.prepared(providers.PROVIDERS.find(provider), settings.check(given, opened))
        exchange = making.exchange_of(vendor, checked)
        tokens = source.TokenSource(exchange, checked.memory)
        super().__init__(tokens, checked.allowed_hosts, making.api_headers(vendor, checked))
        object.__setattr__(
            self, "_given", settings.kept(given, checked, opened, making.kept_endpoint(vendor, exchange))
        )

    @classmethod
    @shown_alone
    def from_file(cls, path: str | os.PathLike[str], **changes: Any) -> Self:
        """Opens a key file: a vendor's JSON, our own, PEM, PFX or JWK; recognised, or `provider` says which.

        Args:
            path: Where it is.
            **changes: Arguments of the constructor, which go before the file's; and `rights` ("warn", or "strict":
                refuse a file that others may read) and `validate_key` ("full", "fast", "now"; see `keys.from_pem`).

        Raises:
            KeyFileError: the file is not usable as a key file.
            KeyLoadError: the key in it is not.
            ConfigError: an argument is missing or wrong.
        """
        check_names(changes, _NAMES)
        return cls._opened(keyfile.open_file(path, keyfile.Unlock.part(changes)), changes)

    @classmethod
    @shown_alone
    def from_info(cls, mapping: Mapping[str, Any], **changes: Any) -> Self:
        """Takes a key file's parsed content; otherwise as `from_file`."""
        check_names(changes, _NAMES)
        return cls._opened(keyfile.open_info(mapping, keyfile.Unlock.part(changes)), changes)

    @classmethod
    @shown_alone
    def from_env(cls, name: str = "SA_AUTH_KEY", **changes: Any) -> Self:
        """Takes a path, or a key file's text, from an environment variable; otherwise as `from_file`."""
        check_names(changes, _NAMES)
        return cls._opened(keyfile.open_env(name, keyfile.Unlock.part(changes)), changes)

    @classmethod
    def _opened(cls, opened: Opened, changes: dict[str, Any]) -> Self:
        # The addresses stay with the file: where they were read decides which hosts they may name.
        said = {name: value for name, value in opened.arguments.items() if name not in {"token_endpoint", "server"}}
        return cls(opened, **{**said, **changes})

    def token(self, min_ttl: float = 0.0) -> Token:
        """Gives a token that lives; waits for one only where none does.

        Args:
            min_ttl: Seconds of life the caller needs. What a renewal brings is returned whatever its life.

        Raises:
            SaAuthError: there is none to be had; `hint` says what to do.
        """
        return self._source.token(min_ttl)

    def token_for(self, method: str, url: str) -> Token:
        """Gives a token for one call: signed for it where the vendor wants that, otherwise as `token()`.

        Raises:
            SaAuthError: there is none to be had, or it may not go there (`allowed_hosts`).
        """
        if self._per_call:
            self._check(called(method, url))
        return self._source.token_for(method, url)

    def poll(self) -> Token | Future[Token]:
        """Gives a token that lives, or the future of the next; never waits, so an event loop may call it."""
        return self._source.poll()

    def discard(self, token: Token) -> None:
        """Forgets a token that was refused, if it is still the held one.

        Not so within 30 s of the last renewal for such a reason: an API that refuses every token is not helped by more.
        """
        self._source.discard(token)

    @property
    def identity(self) -> bytes:
        """32 bytes, a hash of all that decides which token this is: credentials with the same share one."""
        return self._source.identity

    def shared_identity(self) -> bytes | None:
        """The identity as it is on every machine; None where it cannot be told, or no other process could have it."""
        return self._source.shared_identity()

    @property
    def proofs(self) -> Proofs | None:
        """Makes the `DPoP` header field of a call, for clients other than `requests`; None without `dpop=`."""
        return self._source.proofs

    @property
    def tls_key(self) -> Key | None:
        """The key whose certificate the tokens are bound to; None without mutual TLS.

        `integrations.requests.adapter(creds)` makes a Session present it.
        """
        return self._source.tls_key

    def revoke(self) -> None:
        """Tells the server that the token is not needed any more (RFC 7009), and forgets it.

        Nothing happens where there is none. A later call asks for another.

        Raises:
            ConfigError: nobody says where the server revokes tokens: `server=` leads to its metadata.
            SaAuthError: the server did not do it: it may still take the token, which is still held.
        """
        self._source.revoke()

    def replace(self, **changes: Any) -> Self:
        """Makes credentials of the same key, endpoint, transport and cache.

        Args:
            **changes: scope, subject, audience and other arguments that do not decide where the key's proof goes.

        Raises:
            ConfigError: an argument is unknown, wrong, or fixed.
        """
        fixed = changes.keys() - settings.REPLACEABLE
        if fixed:
            raise ConfigError(
                f"replace() does not take {min(fixed)[:40]!r}.", code="bad_argument",
                hint=f"It takes {', '.join(sorted(settings.REPLACEABLE))}; for anything else make new credentials.",
            )  # fmt: skip
        return type(self)(**{**self._given, **changes})

    def close(self) -> None:
        """Closes idle connections; revokes nothing, and a later call opens new ones."""
        getattr(self._given["transport"], "close", lambda: None)()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        given = getattr(self, "_given", None)  # a debugger may look at what is not made yet
        if given is None:
            return "ServiceAccountCredentials(...)"
        shown = {**given, "scope": " ".join(given["scope"])}
        parts = ", ".join(f"{name}={shown[name]!r}" for name in ("provider", "issuer", "subject", "scope"))
        return f"ServiceAccountCredentials({parts})"

    def __reduce__(self) -> tuple[Any, ...]:
        return recipe.revive, (type(self), *recipe.recipe(self._given))

    def __setattr__(self, name: str, *_value: object) -> NoReturn:
        raise AttributeError("credentials do not change; replace() makes others")

    def __copy__(self, _memo: object = None) -> Self:
        return self

    __delattr__ = __setattr__
    __deepcopy__ = __copy__


_NAMES = frozenset({*ServiceAccountCredentials.__init__.__wrapped__.__kwdefaults__, "rights", "validate_key"})  # type: ignore[attr-defined]
