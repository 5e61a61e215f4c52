"""A key for this process alone, to prove possession by (RFC 9449): nobody else can use what is bound to it."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec

from .key import Key


def throw_away_key() -> Key:
    """Makes a P-256 key, which every server that does DPoP can check.

    Example:
        >>> throw_away_key().algorithm
        'ES256'
    """
    return Key(ec.generate_private_key(ec.SECP256R1()), validated=True)
