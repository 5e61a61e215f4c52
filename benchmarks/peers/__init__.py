"""Clients of others, and ours, behind one shape, each used as its own documentation says.

Rule: an adapter adds nothing: no retry, no cache, no check. It imports its library at the head, so it is loaded by name
and late, and one library missing takes no other with it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Protocol

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


class Peer(Protocol):
    """One library. Each module here is one.

    Attributes:
        name: As its readers know it.
        version: Of the release that is installed.
        own: Where the modules of its own exceptions begin.
        caveat: What is unfair to it here, or odd about it; one sentence.
    """

    name: str
    version: str
    own: str
    caveat: str

    def open(self, token_endpoint: str, private_key_pem: str, *, timeout: float) -> Client:
        """Makes a client that signs in there; `timeout` in seconds, by whatever the library has for that."""
        ...


PEERS = {
    "sa_auth": "sa_auth_",
    "google-auth": "google_auth",
    "google-auth-background": "google_auth_background",
    "msal": "msal_",
    "Authlib": "authlib_",
    "requests-oauth2client": "requests_oauth2client_",
}


def load(name: str) -> Peer:
    """Loads one of `PEERS`."""
    peer: Peer = import_module(f"{__name__}.{PEERS[name]}")
    return peer


class Refused(Exception):  # noqa: N818 - the word of the libraries that return errors instead of raising them
    """A library's own "no" that it returned as a value."""
