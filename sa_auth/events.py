"""What happens to tokens, told to whoever listens.

Rule: telling costs nothing where nobody listens, holds no lock, and a listener that fails does no harm. No secret is in
an event. Stands under everything that has something to tell.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from ._forks import guarded
from .errors import ConfigError


class Event(NamedTuple):
    """One thing that happened.

    Attributes:
        name: "hit": a held token was handed out at once, fresh or stale; `tier` is "memory". A call that a 401 sends
            again asks twice.
            "adopted": a renewal took a token from a shared cache, which another process had left there, or an earlier
            run; `tier` which cache.
            "exchange": a renewal got a token from its server, or signed one where the vendor takes the JWT itself;
            `seconds` it took.
            "waited": a renewal waited for another process; `seconds`, and `tier` which cache they share.
            "bypassed": that took too long, so this one asks beside the other; `tier` which cache.
            "failure": a renewal failed, whoever waited for it; `code` is the error's.
            "cache_failure": something went wrong in the shared cache; `tier` which, `code` what, in a word or two. Once
            per renewal and code.
            Nothing is told of tokens that are signed for each call, nor of revocations.
        identity: 8 hex digits of which identity it was.
        tier: "memory", "file", "redis", or the name of a cache of your own; else empty.
        seconds: How long it took.
        code: What went wrong.
    """

    name: str
    identity: str = ""
    tier: str = ""
    seconds: float = 0.0
    code: str = ""


Listener: TypeAlias = Callable[[Event], object]
# Each in a box of its own, so that one function may listen twice.
_listeners: tuple[tuple[Listener], ...] = ()
_hooks: list[Callable[[], None]] = []
_lock = guarded(threading.Lock())
_counting = guarded(threading.Lock())  # of all counts


def listen(listener: Listener) -> Callable[[], None]:
    """Has a function called with every event of this process.

    Args:
        listener: Called on whatever thread the event happens on: be short, and do not ask for a token.

    Returns:
        Ends it when called.

    Raises:
        ConfigError: it cannot be called.

    Example:
        >>> from sa_auth import ServiceAccountCredentials
        >>> from sa_auth.testing import Authority, new_key
        >>> private, public = new_key("p256")
        >>> authority = Authority()
        >>> _ = authority.register("robot", public)
        >>> creds = ServiceAccountCredentials(
        ...     private, issuer="robot", token_endpoint=authority.token_endpoint, transport=authority.transport())
        >>> counts = Counts()
        >>> stop = listen(counts)
        >>> for _ in range(3):
        ...     _ = creds.token()
        >>> stop()
        >>> counts["exchange"], counts["hit", "memory"]
        (1, 2)
    """
    if not callable(listener):
        raise ConfigError(
            f"listen() was given a {type(listener).__name__}.",
            code="bad_argument",
            hint="It takes a function of one Event.",
        )
    box = (listener,)
    _change(lambda listeners: (*listeners, box))

    def stop() -> None:
        _change(lambda listeners: tuple(one for one in listeners if one is not box))

    return stop


def _change(change: Callable[[tuple[tuple[Listener], ...]], tuple[tuple[Listener], ...]]) -> None:
    global _listeners
    with _lock:
        _listeners = change(_listeners)
    for hook in _hooks:
        hook()


def on_change(hook: Callable[[], None]) -> None:
    """Has a module told whenever somebody begins or ends to listen: it may take a shorter way while nobody does."""
    _hooks.append(hook)


def listening() -> bool:
    """Whether anybody listens."""
    return bool(_listeners)


def tell(*events: Event) -> None:
    """Tells all who listen; never from under a lock, and after whoever waits was served."""
    for (listener,) in _listeners:
        for event in events:
            _tell(listener, event)


def _tell(listener: Listener, event: Event) -> None:
    try:
        listener(event)
    except Exception:  # nosec B110 # noqa: BLE001, S110 - of the caller's own; a token is not lost for it
        pass


class Counts:
    """A listener that counts: by name, and by name and tier or code.

    Example:
        >>> counts = Counts()
        >>> counts(Event("hit", tier="memory"))
        >>> counts["hit"], counts["hit", "memory"], counts["hit", "file"]
        (1, 1, 0)
    """

    def __init__(self) -> None:
        self._counts: Counter[str | tuple[str, str]] = Counter()

    def __call__(self, event: Event) -> None:
        """Counts one."""
        with _counting:
            self._counts[event.name] += 1
            detail = event.tier or event.code
            if detail:
                self._counts[event.name, detail] += 1

    def __getitem__(self, name: str | tuple[str, str]) -> int:
        return self._counts[name]

    def __repr__(self) -> str:
        return f"Counts({self.as_dict()})"

    def as_dict(self) -> dict[str | tuple[str, str], int]:
        """All counts so far."""
        with _counting:
            return dict(self._counts)
