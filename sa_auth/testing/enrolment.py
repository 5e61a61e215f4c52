"""Who is made known to an authority, and what it issues without being asked.

Rule: nothing is judged here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

from sa_auth.errors import ConfigError

from .promises import Promise, family
from .registration import Registration
from .tokens import Issued
from .world import World

# RFC 6749 section 4.1.2: "A maximum authorization code lifetime of 10 minutes is RECOMMENDED."
_CODE_LIFE_S = 600.0


class Enrolment(ABC):
    """The part of an authority that is told things.

    Attributes:
        token_lifetime: Seconds that its tokens live.
    """

    token_lifetime: float

    def __init__(self) -> None:
        self._world = World()

    @abstractmethod
    def now(self) -> float:
        """The authority's own time, in Unix seconds."""

    def register(
        self,
        issuer: str,
        public_key: Any = None,
        *,
        key_id: str | None = None,
        algorithms: Iterable[str] | None = None,
        subjects: str | Iterable[str] | None = None,
        scopes: str | Iterable[str] | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        certificate: str | bytes | None = None,
        redirect_uris: str | Iterable[str] | None = None,
        dpop_bound: bool = False,
        grants: str | Iterable[str] | None = None,
    ) -> Registration:
        """Makes an issuer or client known. Another key is added to the first; the same `key_id` replaces its key.

        It has to prove itself by what it has: a key, a secret or a certificate. With none of them it is a public client.

        Args:
            issuer: The `iss` of its assertions.
            public_key: PEM text or bytes, a certificate's PEM, a public key of `cryptography`, or a JWK; None: none.
            key_id: The `kid` it answers to; default a JWK's own, else any.
            algorithms: The `alg` values allowed; default all that fit the type of key.
            subjects: The `sub` values allowed; None: any or none.
            scopes: The scopes allowed; None: any.
            client_id: How it names itself as a client; default the issuer.
            client_secret: Its secret, for Basic, the form or `client_secret_jwt`; None: none.
            certificate: Its TLS certificate as PEM, for mutual TLS; None: none.
            redirect_uris: Where its authorization codes may be sent; None: anywhere.
            dpop_bound: Whether it must use DPoP.
            grants: The grant types allowed, in full or as "client_credentials", "jwt-bearer"...; None: any.

        Returns:
            What is known of it now.

        Raises:
            ConfigError: the key or the certificate cannot be used.
        """
        return self._world.register.add(
            issuer, public_key, key_id=key_id, algorithms=algorithms, certificate=certificate, subjects=subjects,
            scopes=scopes, client_id=client_id, client_secret=client_secret, redirect_uris=redirect_uris,
            dpop_bound=dpop_bound, grants=grants,
        )  # fmt: skip

    def trust_issuer(self, issuer: str, public_key: Any, *, subjects: Mapping[str, str] | None = None) -> Registration:
        """Makes a token service known, whose JWTs are taken as grants and, for clients, as their proof.

        Args:
            issuer: The `iss` of its JWTs.
            public_key: As in `register`.
            subjects: The client that each `sub` stands for; None: any subject as a grant, and no client.

        Raises:
            ConfigError: the key cannot be used.
        """
        return self._world.register.add_service(issuer, public_key, subjects)

    def trust_saml(self, issuer: str, certificate_pem: str) -> None:
        """Makes a token service known whose SAML 2.0 assertions are taken, as grants and as the proof of clients.

        Args:
            issuer: The Issuer of its assertions.
            certificate_pem: The certificate that its signatures are verified with.

        Raises:
            ConfigError: it is no certificate.
        """
        self._world.register.add_saml(issuer, certificate_pem)

    @property
    def issuers(self) -> tuple[str, ...]:
        """Who may issue a grant, by `iss`."""
        return tuple(self._world.register.directory.issuers)

    def unregister(self, issuer: str) -> None:
        """Forgets an issuer, client or token service, and its keys; unknown ones are fine."""
        self._world.register.remove(issuer)

    def issue_code(
        self,
        client_id: str,
        *,
        redirect_uri: str | None = None,
        code_challenge: str | None = None,
        scope: str = "",
        subject: str | None = None,
    ) -> str:
        """Makes an authorization code, as if somebody had agreed in a browser. It lives for ten minutes.

        Args:
            client_id: The client it is for.
            redirect_uri: Where it is sent; None: the request named nothing.
            code_challenge: The S256 challenge (RFC 7636 section 4.2); None: none was sent.
            scope: What was agreed to, space separated.
            subject: Who agreed.

        Raises:
            ConfigError: the client is registered for other redirection URIs.
        """
        client = self._world.register.directory.clients.get(client_id)
        allowed = client.redirect_uris if client is not None else None
        if redirect_uri is not None and allowed is not None and redirect_uri not in allowed:
            raise ConfigError(f"{client_id} is not registered for {redirect_uri}.", hint="See redirect_uris.")
        until = self.now() + _CODE_LIFE_S
        return self._world.codes.issue(
            Promise(client_id, subject, scope, family(), until, redirect_uri, code_challenge)
        )

    def issue_refresh_token(self, client_id: str, *, scope: str = "", subject: str | None = None) -> str:
        """Makes a refresh token for a client, as if somebody had agreed in a browser."""
        return self._world.refreshes.issue(Promise(client_id, subject, scope, family()))

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
        return self._world.tokens.issue(Issued(issuer, subject, scope, now + seconds), now)

    def revoke(self, token: str) -> bool:
        """Makes a token worthless at the API; False where it was unknown."""
        return self._world.tokens.revoke(token)

    def revoke_all(self) -> int:
        """Makes all tokens worthless at the API, and tells how many there were."""
        return self._world.tokens.revoke_all()
