"""A loaded private key.

Rule: a value. It is judged (kind, size, certificate) when it is made, validated once before it first signs, and
shows, pickles and changes nothing. Source: RFC 7638 (thumbprint), RFC 7515 sections 4.1.6 to 4.1.8 (x5c, x5t).
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .._encoding import b64url, compact_json
from .._secret import fingerprint
from ..errors import ConfigError
from .certificate import arrange, header_field
from .faults import fault
from .kind import PrivateKey, algorithms_of, name_of, private_digest, public_members, supported
from .validity import check_mode, sound

if TYPE_CHECKING:
    from cryptography import x509

# One turn for all keys: validation holds the GIL anyway. In a list, so that a forked child can put in a fresh lock.
_TURN = [threading.Lock()]


def _renew_turn() -> None:
    _TURN[0] = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_turn)


class Key:
    """A private key and what belongs to it.

    Args:
        private_key: A key object of `cryptography`.
        certificates: In any order; the key's own must be among them if there are any.
        key_id: The `kid` that came with the key; None where none did.
        algorithm: The key's own `alg`; default: RS256, ES256, ES384, ES512 or EdDSA.
        validate_key: "full" before the first signature, "fast" likewise but by arithmetic alone, "now" at once.
        validated: The key is known to be sound, for example made here or validated by its reader.

    Attributes:
        private_key: The key object, for whoever signs. Call `ensure_valid()` first.
        algorithm: The JOSE algorithm to sign with where the caller names none.
        algorithms: All it can sign with, of which `algorithm` is one.
        key_id: As given.
        certificates: The chain, leaf first; empty where there is none.

    Raises:
        KeyLoadError: `key_too_small`, `key_unsupported`, `certificate_mismatch`; `key_damaged` with "now".
        ConfigError: `validate_key` is not known.

    Example:
        >>> from cryptography.hazmat.primitives.asymmetric import ec
        >>> key = Key(ec.generate_private_key(ec.SECP256R1()))
        >>> key.algorithm, key.algorithms, key.certificates
        ('ES256', ('ES256',), ())
    """

    __slots__ = ("_memo", "_mode", "algorithm", "algorithms", "certificates", "key_id", "private_key")

    private_key: PrivateKey
    algorithm: str
    algorithms: tuple[str, ...]
    key_id: str | None
    certificates: tuple[x509.Certificate, ...]
    _mode: str
    _memo: dict[str, Any]

    def __init__(
        self,
        private_key: object,
        *,
        certificates: Sequence[x509.Certificate] = (),
        key_id: str | None = None,
        algorithm: str | None = None,
        validate_key: str = "full",
        validated: bool = False,
    ) -> None:
        check_mode(validate_key)
        put = object.__setattr__
        put(self, "private_key", supported(private_key))
        put(self, "algorithms", algorithms_of(self.private_key))
        put(self, "algorithm", _fitting(algorithm, self.algorithms))
        put(self, "key_id", key_id)
        put(self, "_mode", validate_key)
        put(self, "_memo", {"sound": True} if validated else {})
        put(self, "certificates", arrange(certificates, self.spki()))
        if validate_key == "now":
            self.ensure_valid()

    def ensure_valid(self) -> None:
        """Validates the key unless that was done: once for all threads, and whatever the outcome.

        RSA costs 45 ms (2048 bits) to 330 ms (4096 bits) with "full" and "now", under 1 ms with "fast".

        Raises:
            KeyLoadError: `key_damaged`.
        """
        verdict = self._memo.get("sound")
        if verdict is None:
            with _TURN[0]:
                verdict = self._memo.get("sound")
                if verdict is None:
                    verdict = self._memo["sound"] = sound(self.private_key, self._mode)
        if not verdict:
            raise fault("key_damaged")

    @property
    def thumbprint(self) -> str:
        """The SHA-256 thumbprint of the public JWK (RFC 7638), base64url without padding."""
        if "thumbprint" not in self._memo:
            self._memo["thumbprint"] = b64url(hashlib.sha256(compact_json(self.public_jwk())).digest())
        found: str = self._memo["thumbprint"]
        return found

    def public_jwk(self) -> dict[str, str]:
        """The public JWK with its required members only, in the thumbprint's order; a new dict each time."""
        return public_members(self.private_key)

    def public_pem(self) -> str:
        """The public key as PEM ("BEGIN PUBLIC KEY")."""
        public = self.private_key.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")

    def spki(self) -> bytes:
        """The public key as DER SubjectPublicKeyInfo; Snowflake's fingerprint is its SHA-256."""
        return self.private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def x5t(self) -> str:
        """The SHA-1 thumbprint of the certificate, base64url without padding; ConfigError where there is none."""
        return str(header_field(self.certificates, "x5t"))

    @property
    def x5t_s256(self) -> str:
        """The SHA-256 thumbprint of the certificate, base64url without padding; ConfigError where there is none."""
        return str(header_field(self.certificates, "x5t#S256"))

    @property
    def x5c(self) -> tuple[str, ...]:
        """The chain as standard base64 of DER, leaf first; ConfigError where there is no certificate."""
        return tuple(header_field(self.certificates, "x5c"))

    def secret(self) -> bytes:
        """32 bytes to derive other keys from; the same for the same key in whatever file it came."""
        return private_digest(self.private_key)

    def __repr__(self) -> str:
        return f"Key({name_of(self.private_key)}, sha256={fingerprint(self.thumbprint)})"

    def __setattr__(self, name: str, _value: object) -> NoReturn:
        raise AttributeError(f"A key does not change; {name!r} cannot be set.")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"A key does not change; {name!r} cannot be deleted.")

    def __copy__(self) -> Key:
        return self

    def __deepcopy__(self, _memo: object) -> Key:
        return self

    def __reduce__(self) -> NoReturn:
        raise ConfigError(
            "A key is not pickled.",
            code="not_picklable",
            hint="Build the credentials from a path or an environment variable; those travel by name.",
        )


def _fitting(algorithm: str | None, known: tuple[str, ...]) -> str:
    if algorithm is None:
        return known[0]
    if algorithm not in known:
        raise fault(
            "key_unsupported", "The algorithm given does not fit the key.", hint=f"It can sign with {', '.join(known)}."
        )
    return algorithm
