"""A key ready to sign, and what goes with it for all credentials that are made of it.

Rule: opened once; `replace()` hands it on. Stands under the settings, which are made of it and of arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ._loading import load
from .dpop import DPoP
from .server_clock import ServerClock
from .signers.base import Signer
from .signers.local import LocalSigner
from .token import NOTHING
from .wire import Transport


class Opened:
    """A key ready to sign, and what else its file said.

    Attributes:
        signer: The key; None where none was given.
        arguments: Arguments of the face that stand in the file, without the key.
        recipe: How another process opens the same: ("file", path, ...) or ("env", name, ...); None: it cannot.
        reload: Reads a changed file again.
        server_clock: What is learned of the server's clock, for all credentials of this key.
    """

    __slots__ = ("_dpop", "_presenting", "arguments", "recipe", "reload", "server_clock", "signer")

    def __init__(
        self,
        signer: Signer | None,
        arguments: Mapping[str, Any] = NOTHING,
        recipe: tuple[Any, ...] | None = None,
        reload: Callable[[bool], bool] | None = None,
    ) -> None:
        self.signer, self.arguments, self.recipe, self.reload = signer, arguments, recipe, reload
        self.server_clock = ServerClock()
        self._dpop: DPoP | None = None
        self._presenting: tuple[Transport, Transport] | None = None

    def dpop(self) -> DPoP:
        """Proofs by this very key, or by a throw-away one where there is none; for all credentials of this key."""
        if self._dpop is None:
            self._dpop = DPoP(self.signer) if self.signer is not None else throw_away()
        return self._dpop

    def presenting(self, transport: Transport) -> Transport:
        """A transport that presents this key's certificate; the same for all credentials of this key."""
        if self._presenting is None or self._presenting[0] is not transport:
            following = load("sa_auth.transports.following").FollowingTransport(transport, self.signer)
            self._presenting = (transport, following)
        return self._presenting[1]


def throw_away() -> DPoP:
    """Proofs by a key made for this process alone."""
    return DPoP(LocalSigner(load("sa_auth.keys.throw_away").throw_away_key()), throw_away=True)
