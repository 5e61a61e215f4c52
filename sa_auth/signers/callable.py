"""A key behind a function: what no key service here speaks to.

Rule: the function gets the bytes to sign and gives the signature; it is judged like a service's. Stands where a local
signer stands.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from .._loading import load
from ..errors import ConfigError, SigningError
from .remote import RemoteSigner
from .service import KeyService, failed

_ALL = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


class _Function(KeyService):
    service = "the signing function"
    algorithms = _ALL
    form_hint = "Of ECDSA it gives r and s one behind the other (RFC 7518 section 3.4), in bytes; if it gives DER, say der=True."
    mismatch_hint = (
        "public_key= has to be the other half of the key it signs with, and it signs the bytes themselves, not their digest: "
        "RS by PKCS#1 v1.5, PS by PSS with a salt as long as the hash."
    )

    def __init__(self, sign: Callable[[bytes], bytes], *, der: bool) -> None:
        self._sign, self.der = sign, der

    def sign(self, algorithm: str, data: bytes, digest: bytes, timeout: float) -> bytes:  # noqa: ARG002 - its own business
        signature = self._sign(data)
        if not isinstance(signature, bytes | bytearray):
            raise SigningError(f"The signing function gave {type(signature).__name__}, and no bytes.")
        return bytes(signature)

    def explain(self, error: Exception, act: str) -> SigningError:
        if isinstance(error, TimeoutError | ConnectionError):
            return SigningError(
                f"The signing function raised {type(error).__name__}.", code="no_answer", retryable=True
            )  # fmt: skip
        failure = failed(self.service, error, act)
        failure.hint = "Call it by itself to see why."
        return failure


class FromCallable(RemoteSigner):
    """Signs by a function of one's own.

    It runs on a thread that may be left to itself when the time of the exchange is over, so it may be called by
    several threads at once. A `TimeoutError` or `ConnectionError` of it counts as no answer, and is tried again within
    the exchange; it may raise `SigningError` to say more (`retryable`, `retry_after`).

    Args:
        sign: Takes the bytes to sign, and gives the signature of them (not of their digest) by the algorithm: PKCS#1 v1.5
            or PSS with a salt as long as the hash for RSA; r and s one behind the other, or DER with `der=True`, for ECDSA.
        public_key: PEM text, or PEM or DER bytes (SubjectPublicKeyInfo).
        algorithm: JOSE name; None: the default of such a key (RS256, ES256/384/512, EdDSA).
        key_id: `kid` of the header; None: none.
        certificate: Of the key: PEM text, PEM or DER bytes, or a path.
        der: Whether the function gives ECDSA signatures in DER.
        reuse: As of `RemoteSigner`.

    Raises:
        ConfigError: an argument is of the wrong type, or the algorithm does not fit the key.
        KeyLoadError: the public key or the certificate cannot be read, or they do not belong together.

    Example:
        >>> from sa_auth.keys import from_pem
        >>> from sa_auth.signers import LocalSigner
        >>> from sa_auth.testing import new_key
        >>> private, public = new_key("p256")
        >>> FromCallable(LocalSigner(from_pem(private)).sign, public).algorithm
        'ES256'
    """

    __slots__ = ()

    def __init__(
        self,
        sign: Callable[[bytes], bytes],
        public_key: str | bytes,
        *,
        algorithm: str | None = None,
        key_id: str | None = None,
        certificate: str | bytes | os.PathLike[str] | None = None,
        der: bool = False,
        reuse: float = 0,
    ) -> None:
        if not callable(sign) or not isinstance(public_key, str | bytes):
            raise ConfigError(
                f"FromCallable was given {type(sign).__name__} and {type(public_key).__name__}.", code="bad_argument",
                hint="It takes a function that signs bytes, and the public key as PEM.",
            )  # fmt: skip
        data = public_key.encode() if isinstance(public_key, str) else public_key
        super().__init__(_Function(sign, der=der), algorithm=algorithm, key_id=key_id, reuse=reuse)
        # A mistake shows where it is made: it needs nobody's answer.
        public = load("sa_auth.keys.public").PublicKey(data, certificate)
        self._fix(_public=lambda: public)
        _ = self.algorithm
