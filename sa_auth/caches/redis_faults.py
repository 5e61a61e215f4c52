"""What a Redis client raises, in our words.

Rule: known by the names of classes, which redis-py and valkey-py share; the client's own text is compared and never
repeated, for it may hold an address with a password. Stands under the Redis cache.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import SaAuthError
from .base import CacheFault

_POOL = "all connections to {redis} are in use: give its client a larger pool"
# A class's name, or words of Redis's answer; code and reason, in which {redis} is what the Redis is called. The first that
# fits is told. The words as well, since older versions give all that fails in a script one class.
_REFUSALS = (
    ("", "without any password", "auth", "{redis} has no password set, and was given one: leave it out of the URL"),
    ("AuthorizationError", "username-password", "auth",
     "{redis} refuses the user or password: correct them in the URL: redis://user:password@host"),
    ("AuthenticationError", "NOAUTH", "auth",
     "{redis} asks for a password: put it into the URL: redis://:password@host"),
    ("NoPermissionError", "ACL failure", "no_permission",
     "{redis} denies its user a command or key: allow +get +set +del +pttl +strlen +eval +evalsha, and what begins with prefix="),
    ("ReadOnlyError", "READONLY", "read_only",
     "{redis} is a read-only replica: name its primary, or pass a Sentinel's client"),
    ("OutOfMemoryError", "OOM ", "full",
     "the memory of {redis} is full: raise maxmemory, or set maxmemory-policy to volatile-ttl"),
    ("BusyLoadingError", "LOADING", "loading", "{redis} has just been started and is reading its data"),
    ("MaxConnectionsError", "", "busy", _POOL),
    ("ClusterDownError", "CLUSTERDOWN", "cluster_down", "{redis} is of a cluster that does not serve all keys just now"),
    ("AskError", "MOVED ", "cluster",
     "{redis} is one of a cluster: pass a client for that: RedisCache(redis.RedisCluster(...))"),
    ("", "WRONGTYPE", "wrong_type", "what stands at a record's name is no string: delete it"),
    ("", "MISCONF", "no_disk", "{redis} refuses writes since it cannot save them: see its log and its disk"),
    ("", "NOREPLICAS", "no_replicas", "{redis} refuses writes since too few replicas follow it"),
    ("", "BUSY ", "busy", "a script of somebody else's keeps {redis} busy"),
    ("", "DENIED", "protected", "{redis} serves its own machine alone: set a password for it, or protected-mode no"),
    ("", "DB index", "no_database", "{redis} has no database of that number: correct it in the URL: redis://host/0"),
    ("ResponseError", "", "refused",
     "{redis} refused a command: it needs EVALSHA, EVAL, and SET with NX and PX, as Redis has from 2.6.12"),
)  # fmt: skip
_SLOW = "{redis} did not answer in time"
_PLAIN = ", nor begin TLS: if it does not speak TLS, use redis://"
_NO_TLS = "{redis} cannot be reached: it does not speak TLS: use redis://"
_UNTRUSTED = "the certificate of {redis} is not trusted: name who issued it: rediss://host?ssl_ca_certs=/path/to/ca.pem"
_ANSWERS = {"ResponseError", "AuthenticationError", "AuthorizationError", "BusyLoadingError", "MaxConnectionsError"}


def told(error: Exception, redis: str) -> tuple[CacheFault, bool]:
    """Says what went wrong.

    Args:
        error: Whatever was raised where a client was made or used.
        redis: What to call the Redis, for example "Redis at cache.example:6379/0".

    Returns:
        The fault, which holds nothing of the error; whether Redis is gone, rather than there and saying no.
    """
    if isinstance(error, CacheFault):
        return error, False
    if isinstance(error, SaAuthError):
        return CacheFault(str(error), code=error.code), True
    kinds, text = names(error), str(error)
    if kinds & _ANSWERS:
        refusals = (
            CacheFault(reason.replace("{redis}", redis), code=code)
            for kind, words, code, reason in _REFUSALS
            if kind in kinds or (words and words in text)
        )
        return next(refusals), False
    if "No connection available" in text:  # of redis-py's pool that waits, which has no class for it
        return CacheFault(_POOL.replace("{redis}", redis), code="busy"), False
    reason, code = _gone(error, kinds)
    return CacheFault(reason.replace("{redis}", redis), code=code), True


def _gone(error: Exception, kinds: set[str]) -> tuple[str, str]:
    """Reason and code of an error that is no answer."""
    behind = [one for one in _chain(error) if isinstance(one, OSError)]
    sorts, texts = [type(one).__name__ for one in behind], " ".join(map(str, behind)).lower()
    if "TimeoutError" in kinds:
        # Of a ClientHello Redis makes a command whose end it waits for, unless there happens to be a line's end in it.
        return _SLOW + (_PLAIN if "handshake operation timed out" in texts else ""), "timeout"
    if "SSLCertVerificationError" in sorts:
        return _UNTRUSTED, "certificate"
    if "wrong version number" in texts or "record layer failure" in texts:
        return _NO_TLS, "no_tls"
    sort = (sorts or [type(error).__name__])[0]
    if sorts or kinds & {"ConnectionError", "RedisClusterException", "ValkeyClusterException"}:
        return f"{{redis}} cannot be reached ({sort})", "unreachable"
    return f"its client raised {sort}; use it by itself to see why", sort


def names(error: Exception) -> set[str]:
    """The names of an error's class and of those that it comes from."""
    return {kind.__name__ for kind in type(error).__mro__}


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, and those that it came of."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or found.__context__
