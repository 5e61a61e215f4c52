"""The client proves itself with a JWT under a MAC by its secret, which stays here.

Source: RFC 7523 section 2.2; OpenID Connect Core section 9 for the method's name; RFC 7518 section 3.2.
"""

from __future__ import annotations

from .._secret import Secret
from ..assertions.self_issued import SelfIssued
from ..signers.shared_secret import SharedSecretSigner
from .base import Client, ClientAuth, TokenRequest, nobody
from .client_assertion import JWT_TYPE, TYP, sent
from .client_id import check_text
from .private_key_jwt import server_of


class ClientSecretJWT:
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

    __slots__ = ("_assertion", "_audience", "_lifetime", "_signer", "_typ", "client_id")

    name = "client_secret_jwt"

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
        check_text(client_id, "client_id")
        if not isinstance(client_secret, Secret):
            check_text(client_secret, "client_secret")
            client_secret = Secret(client_secret)
        for label, value in (("audience", audience), ("typ", typ)):
            if value is not None:
                check_text(value, label)
        self.client_id, self._audience, self._typ, self._lifetime = client_id, audience, typ, lifetime
        self._signer = SharedSecretSigner(client_secret, algorithm)
        self._assertion = None if audience is None else self._for(audience)

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
        whole = object.__new__(ClientSecretJWT)
        whole.client_id, whole._typ, whole._lifetime = self.client_id, self._typ, self._lifetime
        whole._signer, whole._audience = self._signer, server_of(client, self.name)
        whole._assertion = whole._for(whole._audience)
        return whole

    def apply(self, request: TokenRequest, now: float) -> TokenRequest:
        """Gives the request with a fresh assertion."""
        return sent(request, JWT_TYPE, self._ready().mint(now))

    def fingerprint(self) -> tuple[str, ...]:
        """The method, the client id, and what the assertion says by which secret, hashed."""
        return (self.name, self.client_id, *self._ready().fingerprint())

    def describe(self) -> str:
        """What the assertion says."""
        return f"client assertion with {self._ready().describe()}"

    def _ready(self) -> SelfIssued:
        if self._assertion is None:
            raise nobody("ClientSecretJWT")
        return self._assertion

    def __repr__(self) -> str:
        return f"ClientSecretJWT({self.client_id!r})"
