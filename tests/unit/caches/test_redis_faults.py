"""What a Redis client raises, in our words: by class in today's libraries, by Redis's own word in older ones."""

from __future__ import annotations

import ssl

import pytest
import redis
import valkey

from sa_auth.caches.base import CacheFault
from sa_auth.caches.redis_faults import told
from sa_auth.errors import ConfigError

CANARY = "canary-7391"
AT = "Redis at cache.example:6379/0"


def behind(error: Exception, cause: Exception) -> Exception:
    """An error that came of another."""
    error.__context__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "code", "advice"),
    [
        (redis.AuthenticationError("Authentication required."), "auth", "asks for a password"),
        (redis.AuthenticationError("invalid username-password pair or user is disabled."), "auth", "refuses the user"),
        (redis.AuthenticationError("AUTH <password> called without any password configured"), "auth", "leave it out"),
        (
            redis.ResponseError("NOAUTH HELLO must be called with the client already authenticated"),
            "auth",
            "asks for a",
        ),
        (valkey.AuthenticationError("Authentication required."), "auth", "asks for a password"),
        (redis.exceptions.NoPermissionError("User x has no permissions"), "no_permission", "+evalsha"),
        (redis.ResponseError("ACL failure in script: User x has no permissions"), "no_permission", "+evalsha"),
        (redis.ReadOnlyError("You can't write against a read only replica."), "read_only", "its primary"),
        (
            redis.ResponseError("Error running script: @user_script: -READONLY You can't write"),
            "read_only",
            "its primary",
        ),
        (valkey.ReadOnlyError("You can't write against a read only replica."), "read_only", "its primary"),
        (redis.OutOfMemoryError("command not allowed"), "full", "maxmemory"),
        (redis.ResponseError("Error running script: -OOM command not allowed"), "full", "maxmemory"),
        (redis.BusyLoadingError("Redis is loading the dataset in memory"), "loading", "just been started"),
        (redis.exceptions.MaxConnectionsError("Too many connections"), "busy", "pool"),
        (redis.ConnectionError("No connection available."), "busy", "pool"),
        (redis.exceptions.MovedError("12182 127.0.0.1:7001"), "cluster", "redis.RedisCluster"),
        (redis.ResponseError("MOVED 12182 127.0.0.1:7001"), "cluster", "redis.RedisCluster"),
        (redis.exceptions.ClusterDownError("Hash slot not served"), "cluster_down", "all keys"),
        (redis.ResponseError("WRONGTYPE Operation against a key"), "wrong_type", "delete it"),
        (redis.ResponseError("MISCONF stop-writes-on-bgsave-error"), "no_disk", "its disk"),
        (redis.ResponseError("NOREPLICAS Not enough good replicas to write."), "no_replicas", "replicas"),
        (redis.ResponseError("BUSY Redis is busy running a script."), "busy", "script"),
        (redis.ResponseError("DENIED Redis is running in protected mode"), "protected", "protected-mode no"),
        (redis.ResponseError("DB index is out of range"), "no_database", "redis://host/0"),
        (redis.ResponseError(f"unknown command 'EVALSHA' {CANARY}"), "refused", "2.6.12"),
    ],
)
def test_refusals(error: Exception, code: str, advice: str) -> None:
    """Whoever answers with a no is there; the fault says which Redis it was and what to do."""
    fault, gone = told(error, AT)
    assert (fault.code, gone) == (code, False)
    assert advice in str(fault)
    assert AT in str(fault) or code == "wrong_type"
    assert "{" not in str(fault)
    assert CANARY not in str(fault)


@pytest.mark.parametrize(
    ("error", "code", "shown"),
    [
        (redis.TimeoutError(f"Timeout reading from {CANARY}"), "timeout", f"{AT} did not answer in time"),
        (
            behind(redis.TimeoutError(CANARY), TimeoutError("_ssl.c:989: The handshake operation timed out")),
            "timeout",
            f"{AT} did not answer in time, nor begin TLS: if it does not speak TLS, use redis://",
        ),
        (valkey.TimeoutError(CANARY), "timeout", "in time"),
        (TimeoutError(CANARY), "timeout", "in time"),
        (redis.ConnectionError(f"Error connecting to {CANARY}"), "unreachable", "(ConnectionError)"),
        (
            behind(redis.ConnectionError(CANARY), ConnectionRefusedError(CANARY)),
            "unreachable",
            f"{AT} cannot be reached (ConnectionRefusedError)",
        ),
        (
            behind(redis.ConnectionError(CANARY), ssl.SSLCertVerificationError(CANARY)),
            "certificate",
            f"of {AT} is not trusted",
        ),
        (
            behind(
                redis.ConnectionError(CANARY),
                ssl.SSLError(1, f"[SSL: WRONG_VERSION_NUMBER] wrong version number {CANARY}"),
            ),
            "no_tls",
            f"{AT} cannot be reached: it does not speak TLS: use redis://",
        ),
        (
            behind(valkey.ConnectionError(CANARY), ssl.SSLError(1, "[SSL] record layer failure (_ssl.c:1000)")),
            "no_tls",
            "it does not speak TLS: use redis://",
        ),
        (behind(redis.ConnectionError(CANARY), ssl.SSLError(CANARY)), "unreachable", "(SSLError)"),
        (redis.sentinel.MasterNotFoundError(CANARY), "unreachable", "(MasterNotFoundError)"),
        (redis.exceptions.RedisClusterException(CANARY), "unreachable", "(RedisClusterException)"),
        (valkey.exceptions.ValkeyClusterException(CANARY), "unreachable", "(ValkeyClusterException)"),
        (OSError(CANARY), "unreachable", "(OSError)"),
        (KeyError(CANARY), "KeyError", "raised KeyError"),
        (TypeError(CANARY), "TypeError", "raised TypeError"),
    ],
)
def test_whoever_is_gone(error: Exception, code: str, shown: str) -> None:
    """Whoever does not answer, or could not even be asked, is gone; of the error the class alone is shown."""
    fault, gone = told(error, AT)
    assert (fault.code, gone) == (code, True)
    assert shown in str(fault)
    assert CANARY not in str(fault)


def test_errors_in_a_circle() -> None:
    """Errors that came of each other end as well."""
    first, second = redis.ConnectionError("a"), OSError("b")
    first.__context__, second.__context__ = second, first
    assert told(first, AT)[0].code == "unreachable"


def test_our_own() -> None:
    """A fault stays what it is; what is wrong with an argument is said as it is, and the argument left alone for a while."""
    fault = CacheFault("It is so.", code="so")
    assert told(fault, AT) == (fault, False)
    mapped, gone = told(ConfigError("It is bad.", code="bad", hint="Mend it."), AT)
    assert (str(mapped), mapped.code, gone) == ("bad: It is bad. Hint: Mend it. More: docs/errors/bad.md.", "bad", True)


POOL = str(told(redis.exceptions.MaxConnectionsError("x"), "Redis")[0])
SAYS = [
    (redis.AuthenticationError("without any password"), "auth",
     "Redis has no password set, and was given one: leave it out of the URL"),
    (redis.AuthenticationError("username-password"), "auth",
     "Redis refuses the user or password: correct them in the URL: redis://user:password@host"),
    (redis.exceptions.MaxConnectionsError("x"), "busy", POOL),
    (redis.ConnectionError("No connection available."), "busy",
     POOL),
    (redis.TimeoutError("x"), "timeout", "Redis did not answer in time"),
    (behind(redis.ConnectionError("x"), ssl.SSLCertVerificationError("x")), "certificate",
     "the certificate of Redis is not trusted: name who issued it: rediss://host?ssl_ca_certs=/path/to/ca.pem"),
    (behind(redis.ConnectionError("x"), ConnectionResetError("x")), "unreachable",
     "Redis cannot be reached (ConnectionResetError)"),
    (redis.ConnectionError("x"), "unreachable", "Redis cannot be reached (ConnectionError)"),
    (behind(KeyError("x"), ConnectionResetError("x")), "unreachable", "Redis cannot be reached (ConnectionResetError)"),
    (ValueError("x"), "ValueError", "its client raised ValueError; use it by itself to see why"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "code", "says"), SAYS)
def test_whole_sentences(error: Exception, code: str, says: str) -> None:
    """A fault says in one sentence what Redis said or failed to say, and what to do."""
    fault, _ = told(error, "Redis")
    assert (fault.code, str(fault)) == (code, says)


def test_the_nearest_cause_is_named() -> None:
    """Of several errors of the system behind one another the nearest is named, and a cause goes before a context."""
    error, near, far = redis.ConnectionError("x"), ConnectionResetError("x"), BrokenPipeError("x")
    near.__context__ = far
    error.__cause__, error.__context__ = near, ConnectionAbortedError("x")
    assert str(told(error, "Redis")[0]) == "Redis cannot be reached (ConnectionResetError)"
