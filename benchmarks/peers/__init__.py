"""Clients of others, and ours, behind one shape, each used as its own documentation says.

Rule: an adapter adds nothing: no retry, no cache, no check. It imports its library at the head, so it is loaded by name
and late, and one library missing takes no other with it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

ISSUER = "robot@example.test"
SCOPE = "read"
API = "https://api.example/files"  # never called; some libraries want to know what the token is for


class Client(Protocol):
    """A long-lived object that keeps itself signed in."""

    def token(self) -> str:
        """Gives the token as the next request would carry it, from the library's cache or from the server."""
        ...

    def until(self) -> float | None:
        """Tells until when the library believes that token: Unix seconds; None: for ever."""
        ...

    def header(self, request: Any) -> None:
        """Puts the token on a prepared request of `requests`, as the library or its documentation does it."""
        ...

    def renew(self) -> None:
        """Gets a new token, whatever is held."""
        ...

    def session(self) -> Any:
        """Gives what calls with the token: `get(url)`; only where the library has such a thing."""
        ...


class Peer(Protocol):
    """One library. Each module here is one.

    Attributes:
        name: As its readers know it.
        distribution: As it is installed.
        own: Where the modules of its own exceptions begin.
        caveat: What is unfair to it here, or odd about it; one sentence.
        imports: What its documentation writes at the head of a program that signs in.
        due: Fields of an answer after which it wants a new token while the old one lives, and the seconds until then.
        cannot: Parts of the comparison side by side that it has nothing for, each with the reason.
    """

    name: str
    distribution: str
    own: str
    caveat: str
    imports: str
    due: tuple[dict[str, Any], float]
    cannot: dict[str, str]

    def open(self, token_endpoint: str, private_key_pem: str, *, timeout: float) -> Client:
        """Makes a client that signs in there; `timeout` in seconds, by whatever the library has for that."""
        ...

    def load_key(self, private_key_pem: str) -> object:
        """Loads a key by what the library loads keys with."""
        ...

    def minter(self, private_key_pem: str, algorithm: str) -> Callable[[], object]:
        """Gives what makes one signed assertion, with the key loaded before where the library can do that."""
        ...


PEERS = {
    "sa_auth": "sa_auth_",
    "google-auth": "google_auth",
    "google-auth-background": "google_auth_background",
    "msal": "msal_",
    "Authlib": "authlib_",
    "requests-oauth2client": "requests_oauth2client_",
    "azure-identity": "azure_identity",
    "requests-oauthlib": "requests_oauthlib_",
}


def load(name: str) -> Peer:
    """Loads one of `PEERS`."""
    peer: Peer = import_module(f"{__name__}.{PEERS[name]}")
    return peer


def version(peer: Peer) -> str:
    """The release that is installed."""
    from importlib.metadata import version as installed  # late: it is no part of what a fresh process is timed for

    return installed(peer.distribution)


class Refused(Exception):  # noqa: N818 - the word of the libraries that return errors instead of raising them
    """A library's own "no" that it returned as a value."""
