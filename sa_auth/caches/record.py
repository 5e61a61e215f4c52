"""A token as a sealed record, and a sealed record as a token.

Rule: AES-256-GCM; the identity and the end of life stand inside the seal, so a record that was swapped, changed or
lengthened does not open. JSON, never pickle. Stands under `sharing`. Source: NIST SP 800-38D; RFC 5869 (HKDF).
"""

from __future__ import annotations

import json
import os
import re
from types import MappingProxyType
from typing import Any, NamedTuple

from .. import errors
from .._clock import Instant
from .._encoding import OPENSSL, digest
from .._loading import load
from .._secret import Secret
from ..errors import SaAuthError
from ..policy import Held
from ..token import NOTHING, Token
from .base import CacheFault

LARGEST = 512 * 1024  # bytes; an answer is at most half of that
KEPT = 30 * 86_400.0  # seconds beyond its token's end that a record is kept for the refresh token in it
REMEMBERED = 30.0  # seconds beyond its pause that an error is kept for the names of the machines that met it
_HEAD = re.compile(rb"sa_auth (\d{1,4}) (\d{1,16}) (\d{1,8})\n")
_VERSION = 1
_NONCE = 12
_EARLY = 1.0  # seconds by which two readings of one clock may differ


class Head(NamedTuple):
    """What anybody may read of a record; it is under the seal, so changing it spoils the record.

    Attributes:
        version: Of its form.
        ends: When the token ends, Unix seconds by its writer's clock.
        kept: Seconds beyond that for which the record is kept.
    """

    version: int
    ends: float
    kept: float


_NOTHING = Head(0, 0.0, 0.0)
_FIELDS = ("message", "code", "hint", "retryable", "status")


def head(data: bytes) -> Head | None:
    """Reads a record's head; None where there is none."""
    found = _HEAD.match(data)
    if found is None:
        return None
    version, ends, kept = (int(part) for part in found.groups())
    return Head(version, ends / 1000, float(kept))


def worth(data: bytes, now: float) -> float:
    """For how many seconds a record is worth keeping.

    Args:
        data: The record.
        now: Unix seconds by its writer's clock.
    """
    found = head(data)
    return 0.0 if found is None else found.ends + found.kept - now


def newer(data: bytes) -> bool:
    """Whether a later version of this library wrote it: that one's processes go on using it."""
    found = head(data)
    return found is not None and found.version > _VERSION


class Met(NamedTuple):
    """An error that a server answered.

    Attributes:
        error: The error.
        machines: Those that met one since the last token.
        binds: Whether its pause lasts, for which nobody need ask again.
    """

    error: SaAuthError
    machines: frozenset[str]
    binds: bool = True


class Seal:
    """Seals and opens the records of one identity.

    Args:
        secret: Bytes that only those have who may read the tokens.
        identity: Whose tokens.

    Attributes:
        name: Under which a cache keeps the record; it tells nothing of the identity.
        failure_name: Under which it keeps the last error.

    Example:
        >>> seal = Seal(b"s" * 32, b"i" * 32)
        >>> token = Token("abc", expires_at=1600.0, refresh_at=1450.0, issued_at=1000.0)
        >>> data = seal.close(Held(token, 5.0), boot_id="b")
        >>> seal.open(data, Instant(1100.0, 105.0), left=None, boot_id="b").token.access_token
        'abc'
    """

    __slots__ = ("_identity", "_key", "failure_name", "name")

    def __init__(self, secret: bytes, identity: bytes) -> None:
        hashes, hkdf = load("cryptography.hazmat.primitives.hashes"), load("cryptography.hazmat.primitives.kdf.hkdf")
        aead = load("cryptography.hazmat.primitives.ciphers.aead")

        def derive(purpose: bytes) -> bytes:
            derived: bytes = hkdf.HKDF(hashes.SHA256(), 32, None, b"sa_auth " + purpose).derive(secret)
            return derived

        self._identity = identity
        with OPENSSL:
            self._key, name = aead.AESGCM(derive(b"seal 1")), derive(b"name 1")
        self.name, self.failure_name = digest(name, identity).hex(), digest(name, identity, "failure").hex()

    def close(self, held: Held, *, boot_id: str) -> bytes:
        """Makes a record of a token.

        Args:
            held: The token.
            boot_id: Of this machine since it was started; empty where it has none.

        Raises:
            CacheFault: it is larger than a record may be.
        """
        token = held.token
        told: dict[str, Any] = {
            "access_token": token.access_token, "token_type": token.token_type, "expires_at": token.expires_at,
            "refresh_at": token.refresh_at, "issued_at": token.issued_at, "scope": token.scope,
            "extra": dict(token.extra), "since": held.since, "boot_id": boot_id, "rotations": held.rotations,
        }  # fmt: skip
        if held.refresh_token is not None:
            told["refresh_token"] = held.refresh_token.reveal().decode("utf-8", "surrogatepass")
        return self._sealed(told, token.expires_at, KEPT if held.refresh_token is not None else 0.0)

    def close_failure(self, met: Met, now: float, pause: float) -> bytes:
        """Makes a record of an error that a server answered.

        Args:
            met: The error, and who met it.
            now: Unix seconds.
            pause: Seconds for which nobody need ask again.

        Raises:
            CacheFault: it is larger than a record may be.
        """
        told = {name: getattr(met.error, name) for name in _FIELDS}
        told["cause"] = getattr(met.error, "cause", "")
        told |= {"kind": type(met.error).__name__, "pause": pause, "machines": sorted(met.machines)}
        return self._sealed(told, now + pause, REMEMBERED)

    def open_failure(self, data: bytes, now: Instant, *, left: float | None) -> Met:
        """Makes an error of a record, with `retry_after` as it is now.

        Args:
            data: The record.
            now: The instant.
            left: Seconds until the cache forgets it; None: it does not tell.

        Raises:
            CacheFault: it does not open.
        """
        told, found = self._told(data, failure=True), head(data)
        # The end under the seal counts in any case, or whoever can write could have an old error last for ever.
        wait, pause = (found or _NOTHING).ends - now.wall, told.pop("pause")
        if left is not None:
            wait = min(wait, left - REMEMBERED, pause)
        kind, machines = getattr(errors, told.pop("kind"), SaAuthError), frozenset(told.pop("machines"))
        cause = told.pop("cause", "")
        failure: SaAuthError = kind(told.pop("message"), **{**told, "retry_after": wait, "attempts": 0})
        if isinstance(failure, errors.TokenEndpointError):
            failure.cause = cause
        failure.hint, failure.elsewhere = f"{failure.hint} This is what another process was told.".strip(), True
        # Longer than it was to last: the clock was set back, and nobody knows how much of it is left.
        return Met(failure, machines, 0 < wait <= pause + _EARLY)

    def _sealed(self, told: dict[str, Any], ends: float, kept: float) -> bytes:
        top = b"sa_auth %d %d %d\n" % (_VERSION, max(0, int(ends * 1000)), int(kept))
        nonce, beside = os.urandom(_NONCE), self._beside(top, failure="kind" in told)
        with OPENSSL:
            data: bytes = top + nonce + self._key.encrypt(nonce, json.dumps(told).encode("ascii"), beside)
        if len(data) > LARGEST:
            raise CacheFault("the answer is too large to be shared", code="too_large")
        return data

    def open(self, data: bytes, now: Instant, *, left: float | None, boot_id: str) -> Held:
        """Makes a token of a record, with the life that it has left by whichever clock leaves it least.

        Args:
            data: The record.
            now: The instant.
            left: Seconds until the cache forgets it; None: it does not tell.
            boot_id: Of this machine.

        Raises:
            CacheFault: it does not open: damaged, another's, or of a later version.
        """
        told, kept = self._told(data), (head(data) or _NOTHING).kept
        token, since = _token(told), float(told["since"])
        length = token.expires_at - token.issued_at
        lives = [token.expires_at - now.wall]
        if told["boot_id"] == boot_id and boot_id:
            lives.append(since + length - now.boot)
        if left is not None:
            lives.append(left - kept)
        # Of a token from the future, and nothing else to go by, nobody knows how long it lives.
        known = len(lives) > 1 or lives[0] <= length + _EARLY
        rest = min(*lives, length) if known else 0.0
        moved = now.wall + rest - token.expires_at
        if abs(moved) > _EARLY:  # the clocks disagree: its times are told by ours
            token = _token({**told, **{name: told[name] + moved for name in ("expires_at", "refresh_at", "issued_at")}})
        refresh_token = told.get("refresh_token")
        sealed = None if refresh_token is None else Secret(refresh_token)
        return Held(token, now.boot + rest - length, sealed, told["rotations"])

    def _told(self, data: bytes, *, failure: bool = False) -> dict[str, Any]:
        found = head(data)
        if found is None or found.version != _VERSION:
            later = newer(data)
            raise CacheFault(
                "a record of a later version is not read" if later else "a record is damaged",
                code="newer_version" if later else "damaged",
            )
        at = data.index(b"\n") + 1
        told, beside = None, self._beside(data[:at], failure=failure)
        try:
            with OPENSSL:
                plain = self._key.decrypt(data[at : at + _NONCE], data[at + _NONCE :], beside)
            told = json.loads(plain)
        except Exception:  # nosec B110 # noqa: BLE001, S110 - InvalidTag, or whatever comes of what is no record
            pass
        if told is None:
            raise CacheFault("a record was damaged, or is not this identity's", code="damaged")
        given: dict[str, Any] = told
        return given

    def _beside(self, top: bytes, *, failure: bool) -> bytes:
        # Whoever can write could otherwise put one kind in the other's place.
        return top + self._identity + (b"failure" if failure else b"token")


def _token(told: dict[str, Any]) -> Token:
    return Token(
        told["access_token"], told["token_type"], expires_at=told["expires_at"], refresh_at=told["refresh_at"],
        issued_at=told["issued_at"], scope=told["scope"],
        extra=MappingProxyType(told["extra"]) if told["extra"] else NOTHING,
    )  # fmt: skip
