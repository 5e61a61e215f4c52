"""What is known and was given out: who may ask, what was seen, which tokens are out."""

from __future__ import annotations

from dataclasses import dataclass, field

from .directory import Register
from .nonces import Nonces
from .promises import Promises
from .replays import Replays
from .tokens import Tokens


@dataclass(frozen=True, slots=True)
class World:
    """All that outlives a request.

    Attributes:
        register: Issuers and clients.
        replays: The assertions and proofs seen before.
        tokens: The access tokens that are out.
        codes: The authorization codes.
        refreshes: The refresh tokens.
        nonces: What the token endpoint wants in DPoP proofs.
        api_nonces: What the API wants in them.
    """

    register: Register = field(default_factory=Register)
    replays: Replays = field(default_factory=Replays)
    tokens: Tokens = field(default_factory=Tokens)
    codes: Promises = field(default_factory=Promises)
    refreshes: Promises = field(default_factory=Promises)
    nonces: Nonces = field(default_factory=Nonces)
    api_nonces: Nonces = field(default_factory=Nonces)

    def revoke_family(self, name: str) -> None:
        """Makes all worthless that came of one code or refresh token."""
        self.refreshes.withdraw(name)
        self.tokens.revoke_family(name)
