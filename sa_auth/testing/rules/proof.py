"""One DPoP proof under judgement.

Rule: reading only; what cannot be read raises `Unjudged`.

Source: RFC 9449 section 4.2, RFC 7638 section 3 for the thumbprint.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sa_auth._encoding import b64url, compact_json
from sa_auth.errors import ConfigError
from sa_auth.testing.registration import VerifyKey, verify_key

from .reading import Jws, Unjudged
from .signed import verifies

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
# RFC 7638 section 3.2, RFC 8037 section 2: what makes a key, in the order of the alphabet.
_MEMBERS = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}


@dataclass(frozen=True)
class Proof(Jws):
    """A proof as it was sent."""

    @cached_property
    def jwk(self) -> dict[str, Any]:
        """The key that it carries, as it was sent."""
        value = self.header.get("jwk")
        if not isinstance(value, dict):
            raise Unjudged("The header has no jwk.")
        return value

    @cached_property
    def key(self) -> VerifyKey:
        """The key that it carries, of a kind that can be used here."""
        # A private member is another rule's matter: the key is read without it.
        public = {name: self.jwk[name] for name in _MEMBERS.get(str(self.jwk.get("kty")), ()) if name in self.jwk}
        try:
            return verify_key(public)
        except ConfigError:
            reason = "The jwk is no public key that can be used here."
        raise Unjudged(reason)

    @cached_property
    def signature_holds(self) -> bool:
        """Whether its own key made the signature."""
        alg = self.header.get("alg")
        if alg not in self.key.algorithms:
            raise Unjudged("The alg does not fit the jwk.")
        return verifies(self.text, str(alg), self.key.key)

    @cached_property
    def thumbprint(self) -> str:
        """The thumbprint of its key, in base64url (RFC 7638)."""
        _ = self.key
        members = {name: self.jwk[name] for name in _MEMBERS[self.jwk["kty"]]}
        return b64url(hashlib.sha256(compact_json(members)).digest())
