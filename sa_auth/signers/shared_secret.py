"""A secret that client and server share, as a signer: the MAC of client_secret_jwt and of nothing else.

Rule: never made of a key file, so nobody can be made to take a public key for a secret. Stands where a local signer
stands. Source: RFC 7518 section 3.2.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, NoReturn

from .._encoding import digest
from .._secret import Secret
from ..errors import ConfigError

# RFC 7518 section 3.2: "A key of the same size as the hash output (for instance, 256 bits for "HS256") or larger MUST
# be used with this algorithm."
_HASHES = {"HS256": ("sha256", 32), "HS384": ("sha384", 48), "HS512": ("sha512", 64)}


class SharedSecretSigner:
    """Signs with a client secret.

    Args:
        secret: The secret, of which a JWS key is the UTF-8 bytes.
        algorithm: "HS256", "HS384" or "HS512".

    Raises:
        ConfigError: the algorithm is another, or the secret is shorter than its hash.

    Example:
        >>> len(SharedSecretSigner(Secret("s" * 32)).sign(b"data"))
        32
    """

    __slots__ = ("_algorithm", "_secret")

    key_id = None

    _algorithm: str
    _secret: Secret

    def __init__(self, secret: Secret, algorithm: str = "HS256") -> None:
        kind, wrapped = type(secret).__name__, isinstance(secret, Secret)
        if not wrapped:
            del secret  # or the frame of the error would hold it
            raise ConfigError(
                f"The client secret is of type {kind}.", code="bad_argument",
                hint="client_auth.ClientSecretJWT(client_id, client_secret) wraps it.",
            )  # fmt: skip
        if not isinstance(algorithm, str) or algorithm not in _HASHES:
            raise ConfigError(
                f"The algorithm {str(algorithm)[:20]!r} is none for a client secret.", code="bad_algorithm",
                hint=f"One of {', '.join(_HASHES)}.",
            )  # fmt: skip
        least = _HASHES[algorithm][1]
        if len(secret.reveal()) < least:
            raise ConfigError(
                f"The client secret is shorter than the {least} bytes that {algorithm} needs (RFC 7518 section 3.2).",
                code="secret_too_short", hint="Have the server make a longer one, or use a key: private_key_jwt.",
            )  # fmt: skip
        object.__setattr__(self, "_secret", secret)
        object.__setattr__(self, "_algorithm", algorithm)

    @property
    def algorithm(self) -> str:
        """JOSE name of the algorithm."""
        return self._algorithm

    @property
    def thumbprint(self) -> str:
        """A keyed hash of the secret, which says nothing of a weak one."""
        return hmac.new(self._secret.reveal(), b"sa_auth shared secret", "sha256").hexdigest()

    def sign(self, data: bytes) -> bytes:
        """Gives the MAC of the data."""
        return hmac.new(self._secret.reveal(), data, _HASHES[self._algorithm][0]).digest()

    def secret(self) -> bytes | None:
        """Bytes that only those who share the secret have."""
        return digest("sa_auth shared secret", self._secret.reveal())

    def certificate_field(self, name: str) -> Any:
        """Never there.

        Raises:
            ConfigError: always: a secret has no certificate.
        """
        raise ConfigError(
            f"A client secret has no certificate to take {name!r} from.", code="no_certificate", hint="Use a key."
        )

    def public_jwk(self) -> Mapping[str, Any]:
        """Never there.

        Raises:
            ConfigError: always: a secret has no public half.
        """
        raise ConfigError("A client secret has no public half.", code="no_public_key", hint="Use a key.")

    def __repr__(self) -> str:
        # Without one while it refuses an argument, and a debugger looks at the frame.
        return f"SharedSecretSigner({getattr(self, '_algorithm', '...')})"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a signer does not change; make another")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a signer does not change; make another")

    def __copy__(self) -> SharedSecretSigner:
        return self

    def __deepcopy__(self, _memo: object) -> SharedSecretSigner:
        return self

    def __reduce__(self) -> NoReturn:
        raise ConfigError(
            "A signer with a secret is not pickled.", code="not_picklable",
            hint="Make the client authentication anew in the other process.",
        )  # fmt: skip
