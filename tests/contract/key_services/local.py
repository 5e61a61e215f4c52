"""A key in this process: what the others are measured by."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

from sa_auth.keys import from_pem
from sa_auth.signers import LocalSigner, Signer
from sa_auth.testing import new_key
from tests.contract.key_services import base


@cache
def pair(algorithm: str) -> tuple[str, str]:
    """A key for an algorithm."""
    kinds = {"ES256": "p256", "ES384": "p384", "ES512": "p521", "EdDSA": "ed25519"}
    return new_key(kinds.get(algorithm, "rsa2048"), fresh=True)


class World(base.World):
    """No service at all."""

    scheme: ClassVar[str] = "local"
    algorithms: ClassVar[tuple[str, ...]] = ("RS256", "PS256", "ES256", "ES384", "ES512")

    def public_pem(self, algorithm: str) -> str:
        """As the key has it."""
        return pair(algorithm)[1]

    def signer(self, algorithm: str, **arguments: Any) -> Signer:
        """A local signer."""
        return LocalSigner(from_pem(pair(algorithm)[0]), algorithm=algorithm, **arguments)
