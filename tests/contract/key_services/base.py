"""What the contract asks of a key service, to try it: the service itself or a fake of it, and how it can fail.

A new service is one file here, named as its scheme is, with a subclass called `World`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar

from sa_auth.signers import SIGNERS, Signer
from sa_auth.signers.remote import RemoteSigner

Fault = Callable[[], AbstractContextManager[Any]]


class World:
    """A service that runs, and has a key of its own for each algorithm.

    It is made once for all tests of its service, by `with World() as world:`; its faults are context managers that
    last as long as their block.

    Attributes:
        scheme: Of its key URIs.
        algorithms: That are tried.
        library: The package that the extra brings; None: it needs none.
        extra: Its name; empty: as the scheme.
        permission: What the hint of a denial names.
        password: Beside the URI; None: none.
        without: Faults that it cannot have, each with the reason.
    """

    scheme: ClassVar[str]
    algorithms: ClassVar[tuple[str, ...]] = ("RS256", "PS256", "ES256")
    library: ClassVar[str | None] = None
    extra: ClassVar[str] = ""
    permission: ClassVar[str] = ""
    password: Any = None
    without: ClassVar[Mapping[str, str]] = {}

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        """Ends it."""

    def uri(self, algorithm: str) -> str:
        """The URI of the key for an algorithm."""
        raise NotImplementedError

    def public_pem(self, algorithm: str) -> str:
        """The public key of that key, as the service's owner knows it."""
        raise NotImplementedError

    def signer(self, algorithm: str, **arguments: Any) -> Signer:
        """A new signer of that key."""
        row = SIGNERS[self.scheme]
        service = row(self.uri(algorithm), password=self.password) if row.takes_password else row(self.uri(algorithm))
        return RemoteSigner(service, algorithm=algorithm, **arguments)

    @contextlib.contextmanager
    def environment(self) -> Iterator[None]:
        """What the service's library reads of the process's environment; all tests of it run within."""
        yield

    # What can happen to it. `slow`: it answers after a minute. `down`: nobody is there.
    slow: Fault
    down: Fault
    throttled: Fault
    denied: Fault
    not_found: Fault
    wrong_version: Fault
    garbled: Fault  # what it gives is no signature, or one by another key
