"""sa_auth: ServiceAccountCredentials, as in the README."""

from __future__ import annotations

from sa_auth import ServiceAccountCredentials

from . import ISSUER, SCOPE

name = distribution = own = "sa_auth"
caveat = (
    "The faults are the ones that it was written against, and its timeout bounds a whole sign-in, retries included, "
    "where the timeout of the others bounds one wait on a socket."
)
imports = "from sa_auth import ServiceAccountCredentials"
due = ({"expires_in": 6, "refresh_in": 1}, 3.7)
due_longer = ({"expires_in": 40, "refresh_in": 1}, 24.3)  # as `due`, for some seconds of calls
cannot: dict[str, str] = {}


class _Client:
    def __init__(self, credentials: ServiceAccountCredentials) -> None:
        self._credentials = self.header = credentials

    def token(self) -> str:
        self._given = self._credentials.token()
        return self._given.access_token

    def until(self) -> float:
        return self._given.expires_at

    def renew(self) -> None:
        self._credentials.token(min_ttl=1e9)  # more than any token has

    def session(self):
        import requests

        session = requests.Session()
        session.auth = self._credentials
        return session


def open(token_endpoint: str, private_key_pem: str, *, timeout: float) -> _Client:  # noqa: A001 - the peers' word
    return _Client(credentials(private_key_pem, token_endpoint, timeout=timeout))


def credentials(key, token_endpoint: str, **more) -> ServiceAccountCredentials:
    """Credentials for a key, a path of one, or its text."""
    return ServiceAccountCredentials(key, issuer=ISSUER, scope=SCOPE, token_endpoint=token_endpoint, **more)


def fast(private_key_pem: str):
    """A key that is checked by arithmetic alone."""
    from sa_auth.keys import from_pem

    key = from_pem(private_key_pem, validate_key="fast")
    key.ensure_valid()
    return key


def crowd(count: int):
    """So many identities in its memory; what asks for one of them, and for one that is not there."""
    from sa_auth.caches import MemoryCache
    from sa_auth.policy import Held
    from sa_auth.token import Token

    cache = MemoryCache()
    for n in range(count):
        token = Token(f"token-{n:032d}", expires_at=n + 3600.0, refresh_at=n + 3300.0, issued_at=float(n))
        cache.put(n.to_bytes(32, "big"), Held(token, float(n)))
    some, other = (count // 2).to_bytes(32, "big"), b"x" * 32
    return cache, lambda: cache.get(some), lambda: cache.get(other)


def ready(private_key_pem: str):
    """What `open` is given where the key is no part of the figure."""
    return load_key(private_key_pem)


def load_key(private_key_pem: str) -> object:
    from sa_auth.keys import from_pem

    key = from_pem(private_key_pem)
    key.ensure_valid()  # otherwise it waits for the first signature
    return key


def minter(private_key_pem: str, algorithm: str):
    from sa_auth.keys import from_pem

    key = from_pem(private_key_pem)
    assertion = credentials(key, "https://as.example/token", algorithm=algorithm)._source._exchange.grant.assertion
    return lambda: assertion.mint(1_700_000_000.0)
