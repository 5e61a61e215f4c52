"""Tokens shared by machines, in Redis or Valkey.

Rule: one round trip an act, and what replaces what is decided in there, by its clock; a server that is gone is left alone
for a while, one that says no is asked again next time. Stands under `sharing`. Source: FAULTS line 28 in docs/faults.md.
"""

from __future__ import annotations

import math
import os
import random
import secrets
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from .._clock import SYSTEM, Deadline
from .._frames import shown_alone
from .._secret import Password
from ..errors import ConfigError
from .base import CacheFault, Record
from .breaker import Breaker
from .own_key import checked_key, travelling
from .record import LARGEST, head
from .redis_client import Engine
from .redis_faults import names, told
from .redis_scripts import GET, PUT, REMOVE, TAKE, Script

_POLL = (0.02, 0.04)  # seconds between two tries for the lock; drawn anew, so that waiters do not march in step
_LONGEST = 1e10  # seconds that a record is kept at most, which Redis can still count in milliseconds
Got = TypeVar("Got")


class RedisCache:
    """Shares tokens between machines, in Redis or Valkey.

    Args:
        where: A URL: redis://, rediss:// (TLS, whose certificate is checked) or unix://, also as valkey:// and valkeys://;
            it may hold user and password. Or a client: redis.Redis, redis.RedisCluster, a Sentinel's master_for(), valkey.Valkey; it must give
            bytes, and wait no longer than a second. Or a function that gives one of these, called when it is first
            needed, so that what it gives is judged then, and a bad one is a line in the log: of a module, it travels
            by name.
        key: At least 32 characters or bytes, or a function that gives them: seals the tokens where no key of the
            service account's is in the process (a client secret, a token service, a key service). A local key's
            tokens are sealed by what both give.
        lease: Seconds after which the lock of a process that died is free again; others ask by then.
        prefix: What the names of all keys begin with.

    Raises:
        MissingExtra: the extra "redis" is not installed.
        ConfigError: an argument is not usable; no URL is repeated.

    Example:
        >>> RedisCache("rediss://robot:hush@cache.example:6380/1")
        RedisCache(cache.example:6380/1)
        >>> RedisCache("http://cache.example")
        Traceback (most recent call last):
        sa_auth.errors.ConfigError: bad_argument: RedisCache(where) is a text, and no URL of a Redis. Hint: A URL ...
    """

    tier = "redis"

    @shown_alone
    def __init__(self, where: object, *, key: Password = None, lease: float = 5.0, prefix: str = "sa_auth:") -> None:
        self.key = checked_key(key, "RedisCache")
        if isinstance(lease, bool) or not isinstance(lease, int | float) or not 0 < lease < math.inf:
            raise ConfigError(
                "RedisCache(lease=) is no positive number of seconds.", code="bad_argument",
                hint="It is how long the lock of a process that died holds up the others.",
            )  # fmt: skip
        if not isinstance(prefix, str) or not prefix.isprintable():
            raise ConfigError(
                "RedisCache(prefix=) is no text.",
                code="bad_argument",
                hint='For example "sa_auth:", which is its default.',
            )
        self._lease, self._prefix = lease, prefix
        self._engine, self._breaker = Engine(where), Breaker()

    def get(self, name: str) -> Record | None:
        """What is there under that name.

        Raises:
            CacheFault: Redis is gone or refuses, or what is there is no record: too large, or kept for ever.
        """
        match self._run(GET, self._name(name)):
            case None:
                return None
            # Measured here too: the script asks Redis for its length, and who is in its place may lie.
            case [bytes() as data, int()] if len(data) > LARGEST:
                raise _too_large()
            case [bytes() as data, int() as left] if left >= 0:
                return Record(data, left / 1000)
            case [bytes(), int()]:
                raise CacheFault("a record has no end, which none of this library's lacks", code="no_expiry")
            case [str(), _]:
                raise CacheFault("its client decodes what it reads; give it none that does", code="decode_responses")
            case 0:
                raise _too_large()
        raise _no_answer()

    def put(self, name: str, data: bytes, seconds: float, *, over: bytes | None) -> bool:
        """Keeps a record, unless what is there ends later or is of a later version; one without worth is not kept.

        Raises:
            CacheFault: Redis is gone or refuses.
        """
        found = head(data)
        if found is None or not seconds > 0:
            return False
        left = max(1, int(min(seconds, _LONGEST) * 1000))
        numbers = (b"%d" % found.version, b"%d" % found.kept)
        return bool(self._run(PUT, self._name(name), data, b"%d" % left, over or b"", *numbers) == 1)

    def discard(self, name: str, data: bytes) -> None:
        """Removes a record, if it is still the one that is there.

        Raises:
            CacheFault: Redis is gone or refuses.
        """
        self._run(REMOVE, self._name(name), data)

    def take(self, name: str, seconds: float, *, lasts: float = 0.0) -> RedisLock | None:
        """Takes the lock of that name, for as long as the lease, or as it has to last.

        Raises:
            CacheFault: Redis is gone or refuses.
        """
        key, nonce = self._name(name) + b":lock", secrets.token_hex(16).encode("ascii")
        lease = b"%d" % max(1, int(min(max(self._lease, lasts), _LONGEST) * 1000))
        deadline = Deadline(SYSTEM, seconds)
        while (taken := self._run(TAKE, key, nonce, lease)) != 1:
            if taken != 0:
                raise _no_answer()
            left = deadline.left()
            if left <= 0:
                return None
            SYSTEM.sleep(min(random.uniform(*_POLL), left))  # nosec B311 # noqa: S311 - no secret
        return RedisLock(partial(self._run, REMOVE, key, nonce))

    def _name(self, name: str) -> bytes:
        # In a cluster, what stands in braces says which server has it: record and lock stand on one.
        return f"{self._prefix}{{{name}}}".encode()

    def _run(self, script: Script, key: bytes, *values: bytes) -> Any:
        def act(client: Any) -> Any:
            try:
                return client.evalsha(script.sha, 1, key, *values)
            except Exception as error:
                if "NoScriptError" not in names(error):
                    raise
            return client.eval(script.text, 1, key, *values)  # it was restarted since, or has never seen it

        return self._ask(act)

    def _ask(self, act: Callable[[Any], Got]) -> Got:
        """Does something with the client, unless Redis is being left alone."""
        self._breaker.check()
        try:
            given = act(self._engine.client())
        except Exception as error:  # noqa: BLE001 - of the client's or the caller's function; its text may hold the URL
            fault, gone = told(error, self._engine.named)
        else:
            self._breaker.answered()
            return given
        if gone:
            self._breaker.failed(fault.code)
        if fault.code == "read_only":
            self._engine.forget()  # its name may lead to another server by now, and old connections stay with the old one
        try:
            raise fault
        finally:
            del fault  # or it and this frame would hold each other, and the connections, until both are swept up

    def __repr__(self) -> str:
        return f"RedisCache({self._engine.shown})"

    def __reduce__(self) -> tuple[object, ...]:
        return _revive, (self._engine.recipe(), travelling(self.key, "RedisCache"), self._lease, self._prefix)


class RedisLock:
    """A lock with a lease; only who took it gives it back.

    Args:
        give_back: Removes it from Redis, if it is still this one.
    """

    __slots__ = ("_give_back", "_process")

    def __init__(self, give_back: Callable[[], object]) -> None:
        self._give_back, self._process = give_back, os.getpid()

    def release(self) -> None:
        """Gives it back; where that fails, its lease ends it."""
        if self._process == os.getpid():  # a forked child's copy is the parent's
            with suppress(CacheFault):
                self._give_back()


def _revive(where: object, key: Password, lease: float, prefix: str) -> RedisCache:
    return RedisCache(where, key=key, lease=lease, prefix=prefix)


def _too_large() -> CacheFault:
    return CacheFault("a record is larger than any that this library writes", code="too_large")


def _no_answer() -> CacheFault:
    return CacheFault(
        "that was no answer of a Redis: see where it leads to, and that it is no pipeline", code="no_answer"
    )
