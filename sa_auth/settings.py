"""The arguments of the face, checked and frozen.

Rule: pure; nothing is opened or sent here, and nothing can change afterwards. Stands between the face, which takes
the arguments, and a provider, which makes an exchange of them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from ._clock import SYSTEM, Clock
from ._secret import Secret
from .arguments import absolute_uri, host_names, pairs, strings, text, whole_seconds, words
from .caches.memory import PROCESS, MemoryCache
from .caches.named import memory_of, travels
from .client_auth.base import ClientAuth
from .dpop import DPoP
from .errors import ConfigError
from .grants.base import Grant
from .metadata import Metadata
from .opened import Opened, throw_away
from .policy import RefreshPolicy, Retry, positive
from .server_clock import ServerClock
from .signers.base import Signer
from .signers.local import LocalSigner
from .transports import LateTransport
from .wire import Transport, endpoint

Kind = TypeVar("Kind")
_LONGEST_TIMEOUT = 86_400.0


class Settings(NamedTuple):
    """What a provider makes an exchange of.

    Attributes:
        endpoint_by_caller: Whether the token endpoint stands in code and not in a key file.
        server_by_caller: Whether the server does.
        scope: In the caller's order, without repeats.
    """

    signer: Signer | None
    transport: Transport
    server_clock: ServerClock
    issuer: str | None = None
    subject: str | None = None
    scope: tuple[str, ...] = ()
    audience: str | None = None
    token_endpoint: str | None = None
    endpoint_by_caller: bool = False
    lifetime: int | None = None
    claims: Mapping[str, Any] | None = None
    headers: Mapping[str, Any] | None = None
    form: tuple[tuple[str, str], ...] = ()
    resource: tuple[str, ...] = ()
    grant: str | Grant | None = None
    client_auth: str | ClientAuth | None = None
    refresh: RefreshPolicy = RefreshPolicy()
    retry: Retry = Retry()
    timeout: float = 10.0
    allowed_hosts: tuple[str, ...] | None = None
    memory: MemoryCache = PROCESS
    clock: Clock = SYSTEM
    reload: Callable[[bool], bool] | None = None
    metadata: Metadata | None = None
    server_by_caller: bool = True
    algorithm: str | None = None
    dpop: DPoP | None = None
    opened: Opened | None = None

    def presenting(self) -> Transport:
        """The transport that presents the key's certificate (mutual TLS).

        Raises:
            ConfigError: there is no key in this process, it has no certificate, or the transport cannot.
        """
        presenting = getattr(self.transport, "presenting", None)
        if presenting is None:
            raise ConfigError(
                f"The transport is of type {type(self.transport).__name__}, which presents no certificate.",
                code="bad_argument", hint="Use RequestsTransport(), or give yours a presenting(key).",
            )  # fmt: skip
        if self.opened is None or getattr(self.signer, "key", None) is None:
            raise ConfigError(
                "Mutual TLS needs a key with its certificate.", code="no_certificate",
                hint="Pass a PEM or PFX that holds both, or certificate= beside the key, as the first argument.",
            )  # fmt: skip
        return self.opened.presenting(self.transport)

    def __repr__(self) -> str:
        return f"Settings(issuer={self.issuer!r})"


# What replace() may change: nothing that decides where the key's proof goes.
REPLACEABLE = frozenset({
    "allowed_hosts", "audience", "claims", "form", "headers", "lifetime", "refresh", "resource", "retry", "scope",
    "subject", "timeout",
})  # fmt: skip


def check(given: Mapping[str, Any], opened: Opened) -> Settings:
    """Checks the arguments of the face.

    Args:
        given: The arguments by name.
        opened: The key, and what its file says.

    Raises:
        ConfigError: one of them is not usable.
    """
    said = text(given["token_endpoint"], "token_endpoint")
    resource = strings(given["resource"], "resource")
    hosts = given["allowed_hosts"]
    return Settings(
        signer=opened.signer,
        transport=_transport(given["transport"]),
        memory=memory_of(given["cache"]),
        server_clock=opened.server_clock,
        reload=opened.reload,
        issuer=text(given["issuer"], "issuer"),
        subject=text(given["subject"], "subject"),
        scope=words(given["scope"], "scope"),
        audience=text(given["audience"], "audience"),
        token_endpoint=said or opened.arguments.get("token_endpoint"),
        endpoint_by_caller=said is not None,
        lifetime=whole_seconds(given["lifetime"], "lifetime"),
        form=pairs(given["form"], "form"),
        resource=tuple(absolute_uri(one) for one in resource),
        timeout=_timeout(given["timeout"]),
        allowed_hosts=None if hosts is None else host_names(strings(hosts, "allowed_hosts")),
        refresh=_instance(given["refresh"], RefreshPolicy, "refresh"),
        retry=_instance(given["retry"], Retry, "retry"),
        clock=_clock(given["clock"]),
        metadata=_metadata(given["server"], opened),
        server_by_caller=given["server"] is not None,
        dpop=_dpop(given["dpop"], opened),
        opened=opened,
        algorithm=given["algorithm"] or opened.arguments.get("algorithm"),
        claims=_mapping(given["claims"], "claims"),
        headers=_mapping(given["headers"], "headers"),
        **{name: given[name] for name in ("grant", "client_auth")},
    )


def _mapping(value: Any, name: str) -> Mapping[str, Any] | None:
    if value is not None and not isinstance(value, Mapping):
        raise ConfigError(
            f"{name} is not a mapping with str keys.", code="bad_argument", hint="For example {'name': 'value'}."
        )
    return value


def kept(given: Mapping[str, Any], settings: Settings, opened: Opened, endpoint: str | None) -> dict[str, Any]:
    """What replace() and a pickle start from.

    What was opened stays open, the endpoint stays where it is, an iterable that was used up is what it gave, and nobody
    else holds what is in it.
    """
    taken = {name: getattr(settings, name) for name in ("scope", "resource", "allowed_hosts", "transport")}
    own = {name: copy.deepcopy(given[name]) for name in ("claims", "headers", "form")}
    # A throw-away key is kept, or each change would make another.
    dpop = given["dpop"] if given["dpop"] is True and opened.signer is not None else settings.dpop or False
    password = given["password"]
    sealed = Secret(password) if isinstance(password, str | bytes) else password
    return {
        **given,
        **taken,
        **own,
        "key": opened,
        "password": sealed,
        "cache": travels(given["cache"]),
        "token_endpoint": _kept_endpoint(given["token_endpoint"], endpoint),
        "server": settings.metadata,
        "dpop": dpop,
    }


class Followed(str):
    """An endpoint that nobody said in code: it followed from the key file, the vendor or the audience."""

    __slots__ = ()


def _kept_endpoint(said: str | None, endpoint: str | None) -> str | None:
    # None: it follows from the subject, or metadata name it; what stands in code stands there still.
    if endpoint is None:
        return said
    return Followed(endpoint) if said is None or isinstance(said, Followed) else endpoint


def _instance(value: Kind, kind: type[Kind], name: str) -> Kind:
    if not isinstance(value, kind):
        raise ConfigError(
            f"{name} is of type {type(value).__name__}.", code="bad_argument", hint=f"It is a {kind.__name__}."
        )
    return value


def _transport(value: Any) -> Transport:
    if value is None:
        return LateTransport()
    of_requests = type(value).__module__.partition(".")[0] == "requests"  # a Session has a send() of another kind
    if not callable(getattr(value, "send", None)) or isinstance(value, type) or of_requests:
        raise ConfigError(
            f"transport is of type {type(value).__name__}.", code="bad_argument",
            hint="It is a transports.RequestsTransport(verify=, proxies=), or an object with its send(request, deadline).",
        )  # fmt: skip
    return value  # type: ignore[no-any-return]


def _clock(value: Any) -> Clock:
    if not all(callable(getattr(value, name, None)) for name in ("now", "wall", "boot", "sleep")):
        raise ConfigError(f"clock is of type {type(value).__name__}.", code="bad_argument", hint="Leave clock= out.")
    return value  # type: ignore[no-any-return]


def _metadata(value: Any, opened: Opened) -> Metadata | None:
    if isinstance(value, Metadata):
        return value
    said = text(value, "server")
    by_caller = said is not None
    server = said if by_caller else opened.arguments.get("server")
    return None if server is None else Metadata(endpoint(server, "server", by_caller=by_caller))


def _dpop(value: Any, opened: Opened) -> DPoP | None:
    if value is None or value is False or isinstance(value, DPoP):
        return value or None
    if value is True:
        return opened.dpop()
    if value == "ephemeral":
        return throw_away()
    if hasattr(value, "private_key") and hasattr(value, "ensure_valid"):
        return DPoP(LocalSigner(value))
    return DPoP(value)  # which says what it takes


def _timeout(value: Any) -> float:
    if positive(value, "timeout") > _LONGEST_TIMEOUT:
        raise ConfigError(
            "timeout is longer than a day.", code="bad_argument", hint="It is in seconds, for one whole exchange."
        )
    return float(value)
