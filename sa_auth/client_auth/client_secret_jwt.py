"""The client proves itself with a JWT under a MAC by its secret, which stays here.

Source: RFC 7523 section 2.2; OpenID Connect Core section 9 for the method's name; RFC 7518 section 3.2.
"""

from __future__ import annotations

from .._fixed import Fixed
from .._secret import Secret
from ..assertions.self_issued import SelfIssued
from ..errors import ConfigError
from ..policy import positive
from ..signers.shared_secret import SharedSecretSigner
from .base import Client, ClientAuth, TokenRequest, nobody
from .client_assertion import JWT_TYPE, TYP, sent
from .client_id import check_text, is_text
from .private_key_jwt import audience_of


class ClientSecretJWT(Fixed):
    """Sends a JWT that the client secret vouches for.

    Args:
        client_id: As registered.
        client_secret: Its secret, of at least 32 bytes (48, 64 for HS384, HS512).
        audience: `aud`; None: the server's issuer identifier (`server=` of the face).
        algorithm: "HS256", "HS384" or "HS512".
        typ: `typ` of the header; older servers know "JWT" alone. None: none.
        lifetime: Seconds from now to `exp`.

    Raises:
        ConfigError: an argument is of the wrong kind, or the secret too short.

    Example:
        >>> method = ClientSecretJWT("app", "s" * 32, audience="https://as.example")
        >>> [name for name, _ in method.apply(TokenRequest(), 0).fields]
        ['client_assertion_type', 'client_assertion']
    """

    # The signer first: it refuses to travel, and says why.
    __slots__ = ("_signer", "_assertion", "_lifetime", "_typ", "client_id")  # noqa: RUF023

    name = "client_secret_jwt"

    client_id: str
    _signer: SharedSecretSigner
    _typ: str | None
    _lifetime: int
    _assertion: SelfIssued | None

    def __init__(
        self,
        client_id: str,
        client_secret: str | Secret,
        *,
        audience: str | None = None,
        algorithm: str = "HS256",
        typ: str | None = TYP,
        lifetime: int = 300,
    ) -> None:
        sealed = client_secret if isinstance(client_secret, Secret) else None
        if isinstance(client_secret, str) and is_text(client_secret):
            sealed = Secret(client_secret)
        del client_secret  # or the frame of an error would hold it
        if sealed is None:
            raise ConfigError(
                "client_secret is not a non-empty str.", code="bad_argument",
                hint="Take it from where the client is registered.",
            )  # fmt: skip
        check_text(client_id, "client_id")
        for label, value in (("audience", audience), ("typ", typ)):
            if value is not None:
                check_text(value, label)
        positive(lifetime, "lifetime")
        signer = SharedSecretSigner(sealed, algorithm)
        self._fix(client_id=client_id, _signer=signer, _typ=typ, _lifetime=lifetime, _assertion=None)
        if audience is not None:
            self._fix(_assertion=self._for(audience))

    def _for(self, audience: str) -> SelfIssued:
        return SelfIssued(
            self._signer, issuer=self.client_id, subject=self.client_id, audience=audience, type=self._typ,
            lifetime=self._lifetime,
        )  # fmt: skip

    def completed(self, client: Client) -> ClientAuth:
        """With the face's server as audience, where it was named without one.

        Raises:
            ConfigError: the face does not know it either.
        """
        if self._assertion is not None:
            return self
        return self._with(_assertion=self._for(audience_of(client, self.name)))

    def apply(self, request: TokenRequest, now: float) -> TokenRequest:
        """Gives the request with a fresh assertion."""
        return sent(request, JWT_TYPE, self._ready().mint(now))

    def fingerprint(self) -> tuple[str, ...]:
        """The method, the client id, and what the assertion says by which secret, hashed."""
        return (self.name, self.client_id, self._signer.algorithm, *self._ready().fingerprint())

    def describe(self) -> str:
        """What the assertion says."""
        said = self._ready().describe()
        return f"client assertion with {said}, alg {self._signer.algorithm!r}, typ {self._typ!r}"

    def _ready(self) -> SelfIssued:
        if self._assertion is None:
            raise nobody("ClientSecretJWT")
        return self._assertion

    def _told(self) -> str:
        return repr(self.client_id)
