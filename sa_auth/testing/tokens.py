"""The tokens that were handed out, and how long each may be used.

Rule: opaque random strings; what they stand for is known here alone.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from dataclasses import dataclass

_SWEEP_AT = 4096


@dataclass(frozen=True, slots=True)
class Issued:
    """What a token stands for.

    Attributes:
        issuer: Who asked for it.
        subject: Who it acts for; None where nobody was named.
        scope: What it may do, space separated.
        expires_at: Unix seconds by the authority's clock.
        client: The id of the client that asked; None: an assertion stood for itself.
        family: What all tokens that come of one code or refresh token have in common; None: it came of neither.
        resources: The resources and audiences it is for.
        key: The thumbprint of the DPoP key it is bound to (RFC 9449 section 6.1); None: it is bound to none.
        certificate: The SHA-256 of the certificate it is bound to (RFC 8705 section 3.1); None: it is bound to none.
    """

    issuer: str
    subject: str | None
    scope: str
    expires_at: float
    client: str | None = None
    family: str | None = None
    resources: tuple[str, ...] = ()
    key: str | None = None
    certificate: bytes | None = None

    @property
    def bound(self) -> bool:
        """Whether it takes more than the token to use it."""
        return self.key is not None or self.certificate is not None


def fingerprint(token: str) -> str:
    """The first 8 hex digits of a token's SHA-256, by which logs and counters name it.

    Example:
        >>> fingerprint("abc")
        'ba7816bf'
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()[:8]


class Tokens:
    """The tokens that are out. Thread safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._live: dict[str, Issued] = {}
        self._sweep_at = _SWEEP_AT

    def issue(self, what: Issued, now: float) -> str:
        """Makes a token that stands for `what`."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._live[token] = what
            if len(self._live) >= self._sweep_at:
                self._live = {name: issued for name, issued in self._live.items() if issued.expires_at > now}
                self._sweep_at = max(_SWEEP_AT, 2 * len(self._live))
        return token

    def find(self, token: str, now: float) -> Issued | None:
        """What a token stands for; None where it is unknown, revoked or over."""
        # No lock: one look-up in a dict is atomic, and ten thousand calls a second come through here.
        issued = self._live.get(token)
        return issued if issued is not None and issued.expires_at > now else None

    def revoke(self, token: str) -> bool:
        """Makes a token worthless; False where it was unknown."""
        with self._lock:
            return self._live.pop(token, None) is not None

    def revoke_family(self, family: str) -> None:
        """Makes all tokens of a family worthless."""
        with self._lock:
            self._live = {name: issued for name, issued in self._live.items() if issued.family != family}

    def revoke_all(self) -> int:
        """Makes all tokens worthless and tells how many there were."""
        with self._lock:
            count = len(self._live)
            self._live = {}
        return count
