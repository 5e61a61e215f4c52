"""Who is known to the authority: issuers, clients, and token services that vouch for clients.

Rule: each view is a new dict after a change and never changed itself: requests under judgement hold the old one.

Source: RFC 7521 section 3, whose two pictures are an issuer that signs for itself and a token service.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .registration import Registration, VerifyKey, certificate_digest, grant_types, secret_key, verify_key, words


@dataclass(frozen=True, slots=True)
class Directory:
    """One state of what is known.

    Attributes:
        issuers: Who may issue a grant, by `iss`: those registered, and token services.
        clients: Who may ask, by client id.
        vouchers: Who may issue a client's proof, by `iss`: clients, with the secret as one of their keys, and token
            services.
        saml: The certificates of those who may issue SAML assertions, by Issuer.
    """

    issuers: Mapping[str, Registration]
    clients: Mapping[str, Registration]
    vouchers: Mapping[str, Registration]
    saml: Mapping[str, tuple[str, ...]]


class Register:
    """Keeps the directory. Thread safe.

    Attributes:
        directory: Its newest state.

    Example:
        >>> register = Register()
        >>> _ = register.add("robot", client_secret="hush")
        >>> sorted(register.directory.clients)
        ['robot']
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._registered: dict[str, Registration] = {}
        self._services: dict[str, Registration] = {}
        self._saml: dict[str, tuple[str, ...]] = {}
        self.directory = Directory({}, {}, {}, {})

    def add(
        self,
        issuer: str,
        public_key: Any = None,
        *,
        key_id: str | None = None,
        algorithms: Iterable[str] | None = None,
        certificate: str | bytes | None = None,
        **others: Any,
    ) -> Registration:
        """Makes an issuer or client known; see `Authority.register`.

        Raises:
            ConfigError: the key or the certificate cannot be used.
        """
        key = None if public_key is None else verify_key(public_key, key_id, algorithms)
        for name in ("subjects", "scopes", "redirect_uris"):
            others[name] = words(others.get(name))
        known = Registration(
            issuer,
            certificate=None if certificate is None else certificate_digest(certificate),
            **{**others, "grants": grant_types(others.get("grants"))},
        )
        with self._lock:
            known = replace(known, keys=_with_key(self._registered.get(issuer), key))
            self._registered[issuer] = known
            self._publish()
        return known

    def add_service(self, issuer: str, public_key: Any, clients: Mapping[str, str] | None) -> Registration:
        """Makes a token service known; see `Authority.trust_issuer`.

        Raises:
            ConfigError: the key cannot be used.
        """
        key = verify_key(public_key)
        subjects = None if clients is None else frozenset(clients)
        with self._lock:
            keys = _with_key(self._services.get(issuer), key)
            known = Registration(issuer, keys, subjects, clients=dict(clients or {}))
            self._services[issuer] = known
            self._publish()
        return known

    def add_saml(self, issuer: str, certificate: str) -> None:
        """Makes an issuer of SAML assertions known; another certificate is added.

        Raises:
            ConfigError: it is no certificate.
        """
        certificate_digest(certificate)
        with self._lock:
            self._saml[issuer] = (*self._saml.get(issuer, ()), certificate)
            self._publish()

    def remove(self, issuer: str) -> None:
        """Forgets an issuer, client or token service; unknown ones are fine."""
        with self._lock:
            self._registered.pop(issuer, None)
            self._services.pop(issuer, None)
            self._saml.pop(issuer, None)
            self._publish()

    def _publish(self) -> None:
        clients = {known.name: known for known in self._registered.values()}
        self.directory = Directory(
            {**self._services, **self._registered},
            clients,
            {**self._services, **{name: _with_secret(known) for name, known in clients.items()}},
            dict(self._saml),
        )


def _with_key(before: Registration | None, key: VerifyKey | None) -> tuple[VerifyKey, ...]:
    """The keys after one more: it stands beside the others, or in the place of the one of its name."""
    if key is None:
        return before.keys if before else ()
    return (*(old for old in (before.keys if before else ()) if old.key_id != key.key_id), key)


def _with_secret(known: Registration) -> Registration:
    """The client with its secret among its keys, for `client_secret_jwt`."""
    if known.client_secret is None:
        return known
    return replace(known, keys=(*known.keys, secret_key(known.client_secret)))
