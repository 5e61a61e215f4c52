"""The port to a cache that is shared between processes: sealed records by name, and a lock for each.

Rule: a cache knows neither tokens nor keys; what it keeps is opaque, and what goes wrong in it is no caller's error.
Stands under `sharing`, which seals, looks and waits. Source: FAULTS lines 26 to 29 in docs/faults.md.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

from .._secret import Password, Secret


class Record(NamedTuple):
    """What a cache has under a name.

    Attributes:
        data: The sealed record.
        left: Seconds until the cache forgets it, by the cache's own clock; None: it does not tell.
    """

    data: bytes
    left: float | None = None


class CacheFault(Exception):  # noqa: N818 - it never leaves the library, and is not an error of the caller's
    """A cache cannot be used, or what was found in it must not be.

    Args:
        reason: Why, and what to do about it; it is logged.
        code: Why, in a word or two.
    """

    def __init__(self, reason: str, *, code: str) -> None:
        super().__init__(reason)
        self.code = code


class Lock(Protocol):
    """That this process, and no other, asks for a token."""

    def release(self) -> None:
        """Gives it back; raises nothing."""
        ...


@runtime_checkable
class TokenCache(Protocol):
    """Where tokens are shared beyond the process.

    Any method may raise `CacheFault`: then there is less sharing, and no harm. None of them takes longer than about a
    second.

    Attributes:
        tier: What it is called in events: "file", "redis".
        key: A key of its own to seal with, beside the service account's, or where there is none; None: it has none.
    """

    @property
    def tier(self) -> str: ...  # noqa: D102 - said above, as for its neighbour

    @property
    def key(self) -> Secret | Password: ...  # noqa: D102

    def get(self, name: str) -> Record | None:
        """What is there under that name; None: nothing."""
        ...

    def put(self, name: str, data: bytes, seconds: float, *, over: bytes | None) -> bool:
        """Keeps a record in place of one that ends earlier, or of that very one.

        Args:
            name: 64 hex digits.
            data: The record; its head says when it ends, see `record`.
            seconds: For how long it is worth keeping.
            over: What was found there and is of no use any more; None: nothing was.

        Returns:
            False: what is there ends later, and stays.
        """
        ...

    def discard(self, name: str, data: bytes) -> None:
        """Forgets a record, if it is still the one that is there."""
        ...

    def take(self, name: str, seconds: float, *, lasts: float = 0.0) -> Lock | None:
        """Takes the lock of that name.

        Args:
            name: As for `get`.
            seconds: How long to wait for it at most; zero: not at all.
            lasts: Seconds before which it must not come free by itself while its holder lives; zero: as the cache is set.

        Returns:
            The lock; None: another has it.
        """
        ...
