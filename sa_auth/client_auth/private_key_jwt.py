"""The client proves itself with its key.

Rule: the audience is the server's issuer identifier and nothing else, so that no server can use the assertion at
another. Source: RFC 7523 sections 2.2 and 3; draft-ietf-oauth-rfc7523bis (after CVE-2025-27370).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._fixed import Fixed
from ..assertions.self_issued import SelfIssued, frozen_json
from ..errors import ConfigError
from ..policy import positive
from ..signers.base import Signer
from .base import Client, ClientAuth, TokenRequest, client_id_of, nobody, signer_of
from .client_assertion import JWT_TYPE, TYP, sent
from .client_id import check_text


class PrivateKeyJWT(Fixed):
    """Sends a JWT that the client's key signs about itself.

    Args:
        audience: `aud`; None: the server's issuer identifier (`server=` of the face). For a server that wants its
            token endpoint there, as older texts have it, say so.
        typ: `typ` of the header; older servers know "JWT" alone. None: none.
        client_id: `iss` and `sub`; None: the face's `issuer`.
        signer: Another key than the face's.
        lifetime: Seconds from now to `exp`; None: 300.
        claims: Extra claims.
        headers: Extra JOSE header fields; True for "x5t", "x5t#S256" or "x5c" takes it from the certificate.
        with_client_id: Whether `client_id` is sent beside the assertion, which RFC 7521 section 4.2 calls unnecessary
            and some servers want.

    Raises:
        ConfigError: an argument is of the wrong kind.

    Example:
        >>> from sa_auth import ServiceAccountCredentials
        >>> from sa_auth.testing import new_key
        >>> ServiceAccountCredentials(
        ...     new_key("p256")[0], issuer="app", grant="client_credentials", server="https://as.example",
        ...     token_endpoint="https://as.example/token", client_auth=PrivateKeyJWT(typ="JWT"))
        ServiceAccountCredentials(provider='generic', issuer='app', subject=None, scope='')
    """

    __slots__ = ("_assertion", "_given")

    name = "private_key_jwt"

    _assertion: SelfIssued | None
    _given: Mapping[str, Any]

    def __init__(
        self,
        *,
        audience: str | None = None,
        typ: str | None = TYP,
        client_id: str | None = None,
        signer: Signer | None = None,
        lifetime: int | None = None,
        claims: Mapping[str, Any] | None = None,
        headers: Mapping[str, Any] | None = None,
        with_client_id: bool = False,
    ) -> None:
        for label, value in (("audience", audience), ("typ", typ), ("client_id", client_id)):
            if value is not None:
                check_text(value, label)
        _check_signer(signer)
        if lifetime is not None:
            positive(lifetime, "lifetime")
        if not isinstance(with_client_id, bool):
            raise ConfigError("with_client_id is no bool.", code="bad_argument", hint="It is True or False.")
        # A copy: nobody else may change what the assertion will say.
        extras = {name: None if said is None else dict(frozen_json(said, name, {}))
                  for name, said in (("claims", claims), ("headers", headers))}  # fmt: skip
        self._fix(
            _assertion=None,
            _given={
                "audience": audience, "typ": typ, "client_id": client_id, "signer": signer, "lifetime": lifetime,
                "with_client_id": with_client_id, **extras,
            },
        )  # fmt: skip

    def completed(self, client: Client) -> ClientAuth:
        """With the face's key, client id, server, and what it says of the assertion.

        Raises:
            ConfigError: one of them is not known.
        """
        if self._assertion is not None:
            return self
        given = self._given
        who = given["client_id"] if given["client_id"] is not None else client_id_of(client, self.name)
        own = {name: given[name] for name in ("lifetime", "claims", "headers") if given[name] is not None}
        # The subject is the client (RFC 7523 section 3, 2), unless its provider wants none.
        shape = {"subject": who, **dict(client.shape), **own}
        typ = (client.typ or None) if given["typ"] == TYP and client.typ is not None else given["typ"]
        assertion = SelfIssued(
            given["signer"] if given["signer"] is not None else signer_of(client, self.name), issuer=who,
            audience=given["audience"] or audience_of(client, self.name), type=typ, **shape,
        )  # fmt: skip
        beside = given["with_client_id"] or client.with_client_id
        return self._with(_assertion=assertion, _given={**given, "typ": typ, "with_client_id": beside})

    def apply(self, request: TokenRequest, now: float) -> TokenRequest:
        """Gives the request with a fresh assertion."""
        assertion = self._ready()
        request = sent(request, JWT_TYPE, assertion.mint(now))
        return request.with_fields(("client_id", assertion.issuer)) if self._given["with_client_id"] else request

    def fingerprint(self) -> tuple[str, ...]:
        """The method, the client id, whether that is sent too, and what the assertion says by which key."""
        assertion = self._ready()
        beside = "client_id" if self._given["with_client_id"] else ""
        return (self.name, assertion.issuer, beside, *assertion.fingerprint())

    def describe(self) -> str:
        """What the assertion says."""
        assertion = self._ready()
        return f"client assertion with {assertion.describe()}, alg {assertion.signer.algorithm!r}, typ {self._given['typ']!r}"

    @property
    def assertion(self) -> SelfIssued | None:
        """What it sends; None until it was completed."""
        return self._assertion

    def _ready(self) -> SelfIssued:
        if self._assertion is None:
            raise nobody("PrivateKeyJWT")
        return self._assertion

    def _told(self) -> str:
        return f"audience={self._given['audience']!r}, typ={self._given['typ']!r}"


def audience_of(client: Client, method: str) -> str:
    """The audience: the issuer identifier of the server, or what its provider wants there.

    Raises:
        ConfigError: it is not known.
    """
    if client.audience is None:
        raise ConfigError(
            f"{method} needs to know the server it is for.", code="no_server",
            hint="Pass server=, the issuer identifier of the authorization server (`issuer` in its metadata). A server "
            "that wants another aud: client_auth.PrivateKeyJWT(audience=...), or the audience= of ClientSecretJWT.",
        )  # fmt: skip
    return client.audience


def _check_signer(signer: object) -> None:
    if signer is None or (isinstance(signer, Signer) and not isinstance(signer, type)
                          and not signer.algorithm.startswith("HS")):  # fmt: skip
        return
    raise ConfigError(
        "PrivateKeyJWT(signer=) is no signer with a private key.", code="bad_argument",
        hint="signers.LocalSigner(keys.from_pem(...)); with a shared secret it is client_auth.ClientSecretJWT.",
    )  # fmt: skip
