"""Authorization codes and refresh tokens: what was promised to whom, and whether it was claimed already.

Rule: what is used up is remembered, since a second use says that somebody has stolen it.

Source: RFC 6749 sections 4.1.2 and 10.4.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Promise:
    """What an authorization code or refresh token stands for.

    Attributes:
        client: The id of the client it was issued to.
        subject: Whom its tokens act for; None: nobody was named.
        scope: What they may do, space separated.
        family: What all tokens that come of one promise have in common.
        expires_at: Unix seconds by the authority's clock; None: it does not expire.
        redirect_uri: Where a code was sent; None: nowhere in particular.
        code_challenge: What the verifier of PKCE is measured by; None: there is none.
        key: The thumbprint of the DPoP key that it is bound to; None: it is bound to none.
        resources: The resources its tokens are for.
    """

    client: str
    subject: str | None
    scope: str
    family: str
    expires_at: float | None = None
    redirect_uri: str | None = None
    code_challenge: str | None = None
    key: str | None = None
    resources: tuple[str, ...] = ()


class Promises:
    """Those that are out, and those that are used up. Thread safe.

    Example:
        >>> promises = Promises()
        >>> code = promises.issue(Promise("client", None, "", "family"))
        >>> promises.take(code), promises.take(code), promises.used(code)
        (True, False, True)
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._live: dict[str, Promise] = {}
        self._used: dict[str, Promise] = {}

    def issue(self, what: Promise) -> str:
        """Makes a random string that stands for `what`."""
        text = secrets.token_urlsafe(32)
        with self._lock:
            self._live[text] = what
        return text

    def find(self, text: str) -> Promise | None:
        """What a string stands for, used up or not; None where it is unknown or withdrawn."""
        with self._lock:
            return self._live.get(text) or self._used.get(text)

    def used(self, text: str) -> bool:
        """Whether it was used up."""
        with self._lock:
            return text in self._used

    def take(self, text: str) -> bool:
        """Uses one up; False where it was unknown, withdrawn or used up before."""
        with self._lock:
            what = self._live.pop(text, None)
            if what is not None:
                self._used[text] = what
            return what is not None

    def withdraw(self, family: str) -> None:
        """Makes all of a family worthless. That one of them was used up is still known."""
        with self._lock:
            self._live = {text: what for text, what in self._live.items() if what.family != family}


def family() -> str:
    """A name for a new family."""
    return secrets.token_hex(8)
