"""What a Redis client raises, in our words.

Rule: known by the names of classes, which redis-py and valkey-py share; the client's own text is compared and never
repeated, for it may hold an address with a password. Stands under the Redis cache.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import SaAuthError
from .base import CacheFault

_POOL = "all connections of its client are in use: give it a larger pool"
# A class's name, or words of Redis's answer; code and reason. The first that fits is told. The words as well, since older
# versions give all that fails in a script one class.
_REFUSALS = (
    ("", "without any password", "auth", "Redis has no password set, and was given one: leave it out of the URL"),
    ("AuthorizationError", "username-password", "auth",
     "Redis refuses the user or password: correct them in the URL: redis://user:password@host"),
    ("AuthenticationError", "NOAUTH", "auth",
     "Redis asks for a password: put it into the URL: redis://:password@host"),
    ("NoPermissionError", "ACL failure", "no_permission",
     "its user may not do this: it needs +get +set +del +pttl +strlen +eval +evalsha, and the keys that begin with prefix="),
    ("ReadOnlyError", "READONLY", "read_only",
     "this Redis is a read-only replica: name its primary, or pass a Sentinel's client"),
    ("OutOfMemoryError", "OOM ", "full", "its memory is full: raise maxmemory, or set maxmemory-policy to volatile-ttl"),
    ("BusyLoadingError", "LOADING", "loading", "it has just been started and is reading its data"),
    ("MaxConnectionsError", "", "busy", _POOL),
    ("ClusterDownError", "CLUSTERDOWN", "cluster_down", "the cluster does not serve all keys just now"),
    ("AskError", "MOVED ", "cluster",
     "this Redis is one of a cluster: pass a client for that: RedisCache(redis.RedisCluster(...))"),
    ("", "WRONGTYPE", "wrong_type", "what stands at a record's name is no string: delete it"),
    ("", "MISCONF", "no_disk", "it refuses writes since it cannot save them: see its log and its disk"),
    ("", "NOREPLICAS", "no_replicas", "it refuses writes since too few replicas follow it"),
    ("", "BUSY ", "busy", "a script of somebody else's keeps it busy"),
    ("", "DENIED", "protected", "it serves its own machine alone: set a password for it, or protected-mode no"),
    ("", "DB index", "no_database", "it has no database of that number: correct it in the URL: redis://host/0"),
    ("ResponseError", "", "refused", "it refused a command: it needs EVALSHA, EVAL, and SET with NX and PX, as Redis has from 2.6.12"),
)  # fmt: skip
_ANSWERS = {"ResponseError", "AuthenticationError", "AuthorizationError", "BusyLoadingError", "MaxConnectionsError"}


def told(error: Exception) -> tuple[CacheFault, bool]:
    """Says what went wrong.

    Args:
        error: Whatever was raised where a client was made or used.

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
            CacheFault(reason, code=code)
            for kind, words, code, reason in _REFUSALS
            if kind in kinds or (words and words in text)
        )
        return next(refusals), False
    if "No connection available" in text:  # of redis-py's pool that waits, which has no class for it
        return CacheFault(_POOL, code="busy"), False
    if "TimeoutError" in kinds:
        return CacheFault("Redis did not answer in time", code="timeout"), True
    behind = [type(one).__name__ for one in _chain(error) if isinstance(one, OSError)]
    if "SSLCertVerificationError" in behind:
        reason = "Redis's certificate is not trusted: name who issued it: rediss://host?ssl_ca_certs=/path/to/ca.pem"
        return CacheFault(reason, code="certificate"), True
    sort = (behind or [type(error).__name__])[0]
    if behind or kinds & {"ConnectionError", "RedisClusterException", "ValkeyClusterException"}:
        return CacheFault(f"Redis cannot be reached ({sort})", code="unreachable"), True
    return CacheFault(f"its client raised {sort}; use it by itself to see why", code=sort), True


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
