"""A private key that never enters this process.

Rule: the public key is read once and the first signature is checked against it; one attempt is made, within the time of
the exchange under way, and that one alone tries again. Stands where a local signer stands.
Source: RFC 7518 sections 3.3 to 3.5, RFC 8037 section 3.1; docs/adr/0010 and 0022.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from .._encoding import OPENSSL
from .._fixed import Fixed
from .._loading import load
from ..errors import ConfigError, SaAuthError, SigningError
from ..wire import conversation
from .calling import Calls, Hanging, PerProcess
from .service import KeyService, failed, no_answer

if TYPE_CHECKING:
    import os

    from ..keys.public import PublicKey

TIMEOUT = 10.0  # seconds for one call outside of an exchange: the public key of credentials that are being made


class RemoteSigner(Fixed):
    """Signs with a key of a service, an HSM or a function.

    The service is asked for the public key when that is first needed, which making credentials does: a service that is
    down then fails the making, with an error that says whether it may pass (`retryable`). With `certificate=` the public
    key is the certificate's, and nobody is asked before the first signature.

    Args:
        service: Who keeps the key.
        algorithm: JOSE name; None: the first that fits the key and that the service does.
        key_id: `kid` of the header; None: none.
        certificate: Of the key: PEM text, PEM or DER bytes, or a path.
        reuse: Seconds for which one signed assertion may be sent again, where a signature costs money or is rationed; see
            `assertions.SelfIssued`. A ConfigError where the provider takes each assertion once. 0: never.

    Raises:
        KeyLoadError: the certificate cannot be read.

    Example:
        >>> from sa_auth.keys import from_pem
        >>> from sa_auth.signers import FromCallable, LocalSigner
        >>> from sa_auth.testing import new_key
        >>> private, public = new_key("p256")
        >>> remote = FromCallable(LocalSigner(from_pem(private)).sign, public)
        >>> remote.algorithm, len(remote.sign(b"data"))
        ('ES256', 64)
    """

    __slots__ = ("_algorithm", "_calls", "_proven", "_public", "key_id", "reuse", "service")

    service: KeyService
    key_id: str | None
    reuse: float
    _algorithm: str | None
    _public: Callable[[], PublicKey]
    _proven: set[str]
    _calls: Calls

    def __init__(
        self,
        service: KeyService,
        *,
        algorithm: str | None = None,
        key_id: str | None = None,
        certificate: str | bytes | os.PathLike[str] | None = None,
        reuse: float = 0,
    ) -> None:
        self._fix(
            service=service, key_id=key_id, reuse=reuse, _algorithm=algorithm, _calls=Calls(), _proven=set(),
            _public=PerProcess(self._read),
        )  # fmt: skip
        if certificate is not None:
            public = load("sa_auth.keys.public").PublicKey(None, certificate)
            self._fix(_public=lambda: public)

    def _read(self) -> PublicKey:
        data = self._asked("public_key", self.service.public_key)
        found: PublicKey = load("sa_auth.keys.public").PublicKey(data)
        self._fix(_public=lambda: found)  # which is public, and good after a fork too
        return found

    @property
    def algorithms(self) -> tuple[str, ...]:
        """All it could sign by, the default first: what fits the key and the service does."""
        return tuple(each for each in self._public().algorithms if each in self.service.algorithms)

    @property
    def algorithm(self) -> str:
        """JOSE name of the algorithm.

        Raises:
            ConfigError: it does not fit the key, or the service does not do it.
            SigningError: the public key was not to be had.
        """
        can = self.algorithms
        chosen = self._algorithm or (can[0] if can else self._public().algorithms[0])
        if chosen not in can:
            raise ConfigError(
                f"The algorithm {chosen[:20]!r} does not fit the key, or {self.service.service} does not do it.",
                code="bad_algorithm", hint=f"It signs by {', '.join(can) or 'none that the key could'}.",
            )  # fmt: skip
        return chosen

    def by(self, algorithm: str) -> RemoteSigner:
        """Gives the same key by another algorithm."""
        return self._with(_algorithm=algorithm)

    @property
    def thumbprint(self) -> str:
        """RFC 7638 thumbprint of the public key."""
        return self._public().thumbprint

    def sign(self, data: bytes) -> bytes:
        """Gives the JWS signature of the data.

        Raises:
            SigningError: `code` says why: `no_answer`, `signing_throttled`, `signing_denied`, `key_not_found`,
                `signature_mismatch`...; `retryable` whether it may pass by itself.
        """
        algorithm = self.algorithm
        digest = _digest(algorithm, data)
        answer = self._asked("sign", lambda timeout: self.service.sign(algorithm, data, digest, timeout))
        public, signature = self._public(), None
        try:
            signature = public.jws_form(answer, der=self.service.der)
        except (ValueError, OverflowError, TypeError):
            pass
        if signature is None:
            raise SigningError(
                f"{self.service.service} answered with what is no signature by {algorithm}.",
                hint=self.service.form_hint,
            )
        if algorithm not in self._proven:
            self._prove(algorithm, public, data, signature)
        return signature

    def _prove(self, algorithm: str, public: PublicKey, data: bytes, signature: bytes) -> None:
        good = False
        with OPENSSL:
            try:
                good = load("jwt").get_algorithm_by_name(algorithm).verify(data, public.public_key, signature)
            except Exception:  # noqa: BLE001 - not of the form that it is to have; the same as a bad one
                good = False
        if not good:
            raise SigningError(
                f"The first signature of {self.service.service} does not verify.", code="signature_mismatch",
                hint=self.service.mismatch_hint,
            )  # fmt: skip
        self._proven.add(algorithm)

    def _asked(self, act: str, call: Callable[[float], bytes]) -> bytes:
        """Asks the service once; what its library raises stays here."""
        self.service.prepare()
        under_way = conversation()
        left = TIMEOUT if under_way is None else under_way.deadline.left()
        service = self.service
        if left <= 0:
            raise no_answer(service.service, "The time of the exchange was over before: raise timeout=.")
        answer: bytes = b""
        failure: SaAuthError | None = None
        try:
            answer = self._calls.within(left, lambda: _octets(call(left)))
        except SaAuthError as error:
            failure = error.copy()
        except Hanging:
            failure = no_answer(service.service)
        except Exception as error:  # noqa: BLE001 - of the service's library; it is named and let go
            failure = _explained(service, error, act)
        if failure is not None:
            raise failure
        return answer

    def secret(self) -> bytes | None:
        """None: tokens are sealed with a key of the cache's own."""
        return None

    def certificate_field(self, name: str) -> Any:
        """The header field "x5t", "x5t#S256" or "x5c".

        Raises:
            ConfigError: there is no certificate.
        """
        return self._public().certificate_field(name)

    def public_jwk(self) -> Mapping[str, Any]:
        """The public half as a JWK."""
        return self._public().jwk()

    def _told(self) -> str:
        return f"{self.service!r}, key_id={self.key_id!r}"

    def __reduce__(self) -> NoReturn:
        raise ConfigError(
            "A signer is not pickled.", code="not_picklable",
            hint="Build the credentials from a key URI; that travels by name.",
        )  # fmt: skip


def _explained(service: KeyService, error: Exception, act: str) -> SigningError:
    try:
        return service.explain(error, act)
    except Exception:  # noqa: BLE001 - an error that is like none that was met
        return failed(service.service, error, act)


def _octets(answer: object) -> bytes:
    if isinstance(answer, bytes | bytearray):
        return bytes(answer)
    raise TypeError


def _digest(algorithm: str, data: bytes) -> bytes:
    if algorithm == "EdDSA":
        return b""
    with OPENSSL:
        return hashlib.new(f"sha{algorithm[2:]}", data, usedforsecurity=True).digest()
