"""What a Redis cache is given to reach its server by, and the client that comes of it.

Rule: a URL may hold a password, so nothing repeats it; no client is taken that could hold a renewal for long. redis-py is
loaded when a client is first needed. Stands under the Redis cache. Source: FAULTS line 28 in docs/faults.md.
"""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Mapping
from types import FunctionType
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from .._loading import is_installed, load
from ..errors import ConfigError, MissingExtra

_SCHEMES = {"redis": "redis", "rediss": "rediss", "unix": "unix", "valkey": "redis", "valkeys": "rediss"}
_KINDS = (
    'A URL ("redis://cache.example:6379/0"; rediss:// by TLS; unix:///path); a client (redis.Redis, redis.RedisCluster, '
    "a Sentinel's master_for(), valkey.Valkey); or a function that gives one of these."
)
_TIMEOUT = 0.3  # seconds to connect, to send and to wait for an answer, each
_LONGEST = 1.0  # seconds that a client of the caller's own may wait for each
_CONNECTIONS = 16  # as many as renewals run at once
_NEEDED = ("eval", "evalsha")
# What redis-py takes in a URL, from 6 to 8. Of any other name redis-py is the judge, when it is loaded: a later one may
# know more. What all but equals one of these is a slip, and is not left until then.
_NAMES = {
    "db", "host", "port", "path", "username", "password", "client_name", "encoding", "encoding_errors",
    "decode_responses", "health_check_interval", "socket_timeout", "socket_connect_timeout", "socket_keepalive",
    "socket_keepalive_options", "socket_read_size", "socket_type", "timeout", "max_connections", "retry",
    "retry_on_timeout", "retry_on_error", "protocol", "legacy_responses", "lib_name", "lib_version", "ssl_keyfile",
    "ssl_certfile", "ssl_password", "ssl_cert_reqs", "ssl_ca_certs", "ssl_ca_data", "ssl_ca_path",
    "ssl_check_hostname", "ssl_min_version", "ssl_ciphers", "ssl_include_verify_flags", "ssl_exclude_verify_flags",
    "ssl_validate_ocsp", "ssl_validate_ocsp_stapled", "ssl_ocsp_context", "ssl_ocsp_expected_cert",
}  # fmt: skip
_NEAR = 0.8  # by difflib, of 1
# Whoever stands in between would have Redis's password. What redis-py reads as "no" is listed whole.
_UNVERIFIED = {"ssl_cert_reqs": ("none",), "ssl_check_hostname": ("0", "f", "false", "n", "no")}


class Engine:
    """The server, by URL, client or function.

    Args:
        where: One of these.

    Attributes:
        shown: What may be shown of it.
        named: What a log line calls it: "Redis at cache.example:6379/0"; "Redis", where its place is not known (yet).

    Raises:
        MissingExtra: it is a URL, and redis-py is not installed.
        ConfigError: it is none of these, or a client that would wait too long or decode what it reads.
    """

    __slots__ = ("_made", "_where", "named", "shown")

    def __init__(self, where: object) -> None:
        self._where: Any = where
        self._made: tuple[int, Any] | None = None
        self.named = "Redis"
        if isinstance(where, str):
            self.shown = self._noted(_place(_judged_url(where)))
            _require()
        elif _speaks(where):
            _judge(where)
            self.shown = self._noted(_seen_place(where)) or type(where).__name__
        elif callable(where) and not isinstance(where, type):
            self.shown = str(getattr(where, "__qualname__", type(where).__name__))
        else:
            raise ConfigError(f"RedisCache(where) is of type {type(where).__name__}.", code="bad_argument", hint=_KINDS)

    def client(self) -> Any:
        """The client; made now or before, in this process: connections are not shared with a forked child.

        Raises:
            Exception: whatever the caller's function or redis-py raises.
        """
        made = self._made
        if made is None or made[0] != os.getpid():
            made = self._made = os.getpid(), self._make()
        return made[1]

    def forget(self) -> None:
        """Has the next client made anew, where it is ours."""
        self._made = None

    def recipe(self) -> Any:
        """What a pickle may hold of it.

        Raises:
            ConfigError: it is a client, a URL with a user or password, or a function without a name.
        """
        where = self._where
        if isinstance(where, str):
            parts = urlsplit(where)
            if "@" not in parts.netloc and not any("password" in name for name in _asked(parts)):
                return where
            what = "A URL with a password in it"
        elif isinstance(where, FunctionType):
            # What a pickle would find under the name must be this very function.
            if getattr(sys.modules.get(where.__module__), where.__qualname__, None) is where:
                return where
            what = f"The function {where.__qualname__}, which has no name in a module,"
        else:
            what = f"A {type(where).__name__} given to RedisCache"
        raise ConfigError(
            f"{what} is not pickled.", code="not_picklable",
            hint="Pass a function of a module (def, at the left margin) that gives the URL or the client: it travels by "
            "name, and is called in the process that uses it.",
        )  # fmt: skip

    def _make(self) -> Any:
        load("encodings.idna")  # or it would be imported while a name is looked up, where no fork waits for it
        where = self._where
        if not isinstance(where, str) and not _speaks(where):
            self._noted("")
            where = where()
        if isinstance(where, str):
            self._noted(_place(_judged_url(where)))
            _require()
            where = _connected(where)
        elif _speaks(where):
            self._noted(_seen_place(where))
        else:
            raise ConfigError(
                f"The function given to RedisCache gave a {type(where).__name__}.", code="bad_argument", hint=_KINDS
            )
        _judge(where)
        return where

    def _noted(self, place: str) -> str:
        self.named = f"Redis at {place}" if place else "Redis"
        return place


def _require() -> None:
    if not is_installed("redis"):
        raise MissingExtra(
            "The Redis cache needs the package 'redis'.", hint='Install it with: pip install "sa_auth[redis]"'
        )


def _speaks(thing: object) -> bool:
    return not isinstance(thing, type) and all(callable(getattr(thing, act, None)) for act in _NEEDED)


def _connected(url: str) -> Any:
    """A client by a URL; it connects when it is first used."""
    scheme, _, rest = url.partition("://")
    redis = load("redis")
    none = load("redis.retry").Retry(load("redis.backoff").NoBackoff(), 0)
    # Or it would introduce itself in two more round trips a connection; by RESP 3, in two others.
    silent = {"driver_info": None} if hasattr(redis, "DriverInfo") else {"lib_name": None, "lib_version": None}
    pool = redis.BlockingConnectionPool.from_url(
        f"{_SCHEMES[scheme]}://{rest}", max_connections=_CONNECTIONS, timeout=_TIMEOUT, socket_timeout=_TIMEOUT,
        socket_connect_timeout=_TIMEOUT, retry=none, protocol=2, **silent,
    )  # fmt: skip
    return redis.Redis(connection_pool=pool)


def _judged_url(url: str) -> SplitResult:
    """Takes a URL apart; whatever is wrong with it is said without repeating it."""
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in _SCHEMES:
        raise ConfigError("RedisCache(where) is a text, and no URL of a Redis.", code="bad_argument", hint=_KINDS)
    parts = None
    try:
        found = urlsplit(url)
        parts = found if found.port != 0 else None
    except ValueError:  # its text repeats what it could not read
        pass
    # A password that was not encoded ends the address early: its rest would be taken for a host, port, path or query.
    if parts is None or "#" in url or "@" in parts.path + parts.query:
        raise ConfigError(
            "The URL of the Redis cannot be read.", code="bad_argument",
            hint="Percent-encode what is special in its password: %40 for @, %2F for /, %23 for #, %3F for ?, %3A for :.",
        )  # fmt: skip
    if (parts.hostname or not parts.path) if scheme == "unix" else not re.fullmatch(r"/?\d*", parts.path):
        raise ConfigError(
            "The URL of the Redis names no socket." if scheme == "unix" else "The URL's path is no database's number.",
            code="bad_argument", hint=_KINDS,
        )  # fmt: skip
    _judge_names(parts)
    # All of them, since redis-py takes the first of two that have one name.
    if any(value.lower() in _UNVERIFIED.get(name, ()) for name, value in parse_qsl(parts.query)):
        raise ConfigError(
            "The URL of the Redis turns off that its certificate is checked.", code="bad_argument",
            hint="Name a CA of your own by ssl_ca_certs=PATH; who knows why it has to be unchecked gives a client: "
            "RedisCache(client).",
        )  # fmt: skip
    asked = _asked(parts)
    if "decode_responses" in asked:
        raise _decodes()
    waits = [asked[name] for name in ("socket_timeout", "socket_connect_timeout", "timeout") if name in asked]
    if not all(_short(one) for one in waits):
        raise _waits()
    return parts


def _judge_names(parts: SplitResult) -> None:
    """Refuses a parameter that is a known one misspelt; what was written may be a part of a password, and is not repeated."""
    for name in sorted({name for name, _ in parse_qsl(parts.query, keep_blank_values=True)} - _NAMES):
        from difflib import get_close_matches  # for a mistake alone

        if close := get_close_matches(name.lower(), _NAMES, 1, _NEAR):
            raise ConfigError(
                "The URL of the Redis has a parameter that redis-py does not know.", code="bad_argument",
                hint=f"Write {close[0]}=, if that was meant.",
            )  # fmt: skip


def _asked(parts: SplitResult) -> dict[str, str]:
    return {name.lower(): value for name, value in parse_qsl(parts.query, keep_blank_values=True)}


def _short(seconds: str) -> bool:
    try:
        return not seconds or 0 < float(seconds) <= _LONGEST
    except ValueError:
        return False


def _place(parts: SplitResult) -> str:
    if parts.scheme == "unix":
        return parts.path
    host = parts.hostname or "localhost"
    database = _asked(parts).get("db", "") or parts.path.strip("/")
    return f"{f'[{host}]' if ':' in host else host}:{parts.port or 6379}/{int(database) if database.isdecimal() else 0}"


def _settings(client: Any) -> Mapping[str, Any] | None:
    """What a client makes its connections with; None: it does not tell."""
    pool = getattr(client, "connection_pool", None) or getattr(client, "nodes_manager", None)
    found = getattr(pool, "connection_kwargs", None)
    return found if isinstance(found, Mapping) else None


def _seen_place(client: Any) -> str:
    """Where a client leads to; empty: it does not tell."""
    found = _settings(client) or {}
    if "path" in found:
        return str(found["path"])
    return f"{found['host']}:{found.get('port', 6379)}/{found.get('db', 0)}" if "host" in found else ""


def _judge(client: Any) -> None:
    """Refuses a client that renewals should not depend on.

    Raises:
        ConfigError: it is asynchronous, decodes what it reads, or waits too long.
    """
    if any("asyncio" in kind.__module__.split(".") for kind in type(client).__mro__):
        raise ConfigError(
            "RedisCache(where) is a client for asyncio.", code="bad_argument",
            hint="Renewals run on threads of their own, for tasks as well: pass a redis.Redis, or a URL.",
        )  # fmt: skip
    if (_settings(client) or {}).get("decode_responses"):
        raise _decodes()
    if _waits_long(client):
        raise _waits()


def _waits_long(client: Any) -> bool:
    found = _settings(client)
    if found is None:
        return False
    answer = found.get("socket_timeout")
    # Where it is not named at all, redis-py 8 has a default of its own, of five seconds.
    connect = None if "path" in found else found.get("socket_connect_timeout", math.inf)
    waits = (answer, answer if connect is None else connect)
    # By its private name: valkey-py has no other.
    retries = [getattr(retry, "_retries", 0) for retry in (getattr(client, "retry", None), found.get("retry"))]
    retries.append(getattr(client, "cluster_error_retry_attempts", 0))
    if not all(isinstance(one, int | float) and one <= _LONGEST for one in waits) or not {*retries} <= {0, 1}:
        return True
    manager = getattr(getattr(client, "connection_pool", None), "sentinel_manager", None)
    return any(_waits_long(one) for one in getattr(manager, "sentinels", ()))


def _decodes() -> ConfigError:
    return ConfigError(
        "The client given to RedisCache decodes what it reads (decode_responses), and records are bytes.",
        code="decode_responses", hint="Make one of its own for the cache, without decode_responses=True.",
    )  # fmt: skip


def _waits() -> ConfigError:
    return ConfigError(
        "The client given to RedisCache may wait for longer than a second for a Redis that does not answer, and renewals "
        "would wait with it.", code="no_timeout",
        hint="Make it with socket_timeout=0.3, socket_connect_timeout=0.3, retry=Retry(NoBackoff(), 0), and a Sentinel with "
        "the same in sentinel_kwargs= as well. A URL alone brings them by itself.",
    )  # fmt: skip
