"""One request under judgement: its grant, its client, and what they refer to.

Rule: as in `asked`, which this adds to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sa_auth.testing.nonces import Nonces
from sa_auth.testing.promises import Promise
from sa_auth.testing.registration import Registration
from sa_auth.testing.tokens import Issued

from .asked import Asked
from .reading import Unjudged, miss
from .signed import CLIENT_TYPES, GRANT_TYPES, Role, Signed
from .uris import CLIENT_SAML, CODE, EXCHANGE, JWT_TYPES, REFRESH, SAML2, SAML_BEARER
from .xml import Saml


@dataclass(frozen=True, slots=True)
class Caller:
    """The client that a request comes from, as it says itself.

    Attributes:
        name: The id it goes by.
        method: How it proves that, by the names of RFC 8414 section 2; "none" where it only says so.
        registration: What is known of it; None where nothing is.
    """

    name: str
    method: str
    registration: Registration | None


class Case(Asked):
    """A request, and all that a rule may ask about it."""

    # The grant.

    @cached_property
    def grant_is_jwt(self) -> bool:
        """Whether a JWT is the grant, or stands for one: at the REST exchange, and at an API that takes it as it is."""
        if self.grants(EXCHANGE):
            return self.has("subject_token_type") in JWT_TYPES
        if self.at_api:
            return self.settings.self_signed is not None and self.bearer.count(".") == 2
        return self.is_unnamed_grant or (self.endpoint == "exchange" and not self.settings.own_bearer)

    @cached_property
    def grant_is_saml(self) -> bool:
        """Whether a SAML assertion is the grant, or stands for one."""
        exchanged = self.grants(EXCHANGE) and self.has("subject_token_type") == SAML2
        return exchanged or self.grants(SAML_BEARER)

    @cached_property
    def grant_saml(self) -> Saml:
        """The SAML assertion that is the grant."""
        return self._saml(self._grant_text() or miss("There is no assertion."))

    def _saml(self, text: str) -> Saml:
        settings = self.settings
        return Saml(
            text, self.directory.saml, settings.saml_audiences, settings.endpoints, self.now, settings.leeway,
            settings.max_lifetime, self.world.replays,
        )  # fmt: skip

    @cached_property
    def grant_jwt(self) -> Signed:
        """The JWT that is the grant."""
        return self._signed(self._grant_text() or miss("There is no assertion."), self._grant_role())

    @cached_property
    def actor_jwt(self) -> Signed:
        """The JWT of the acting party (RFC 8693 section 2.1)."""
        return self._signed(self.form["actor_token"], self._grant_role())

    def _grant_text(self) -> str:
        if self.endpoint == "exchange":
            return self.rest_jwts[0] if self.rest_jwts else ""
        if self.at_api:
            return self.bearer
        return self.has("subject_token" if self.grants(EXCHANGE) else "assertion")

    def _grant_role(self) -> Role:
        settings = self.settings
        alone = self.at_api and settings.self_signed is not None
        return Role(
            "an authorization grant", GRANT_TYPES,
            (str(settings.self_signed),) if alone else settings.audiences,
            settings.leeway, settings.max_lifetime, require_subject=settings.require_subject,
            require_jti=settings.require_jti and not alone, reusable=alone,
        )  # fmt: skip

    def _signed(self, text: str, role: Role, issuers: Mapping[str, Registration] | None = None) -> Signed:
        known = self.directory.issuers if issuers is None else issuers
        return Signed(text, role, known, self.now, self.world.replays)

    @property
    def grantor(self) -> Registration | None:
        """The registered issuer that vouches for the grant; None where the grant is of another kind."""
        return self.grant_jwt.registration if self.grant_is_jwt else None

    @property
    def grant_header(self) -> dict[str, Any]:
        """The JOSE header of the JWT that is the grant; empty where there is none."""
        return self.grant_jwt.header if self.grant_is_jwt else {}

    @property
    def grant_claims(self) -> dict[str, Any]:
        """What the assertion that is the grant claims; empty where there is none."""
        if self.grant_is_saml:
            return self.grant_saml.summary
        return self.grant_jwt.claims if self.grant_is_jwt else {}

    @cached_property
    def promise(self) -> Promise | None:
        """What the code or refresh token stands for; None where there is none, or it is unknown."""
        if self.grants(CODE):
            return self.world.codes.find(self.has("code"))
        return self.world.refreshes.find(self.has("refresh_token")) if self.grants(REFRESH) else None

    @cached_property
    def rest_jwts(self) -> list[str]:
        """The JWTs that came to the REST exchange, wherever they stand."""
        found: list[object] = [self.bearer] if self.scheme == "bearer" else []
        try:
            fields = self.json if self.body else {}
        except Unjudged:
            fields = {}
        nested = fields.get("login")
        found += [
            fields.get("jwt"),
            fields.get("subject_token"),
            nested.get("jwt") if isinstance(nested, dict) else None,
        ]
        return [text for text in found if isinstance(text, str) and text]

    # The client.

    @cached_property
    def client_is_jwt(self) -> bool:
        """Whether the client proves itself by a JWT."""
        return self.is_form and bool(self.has("client_assertion")) and not self.client_is_saml

    @cached_property
    def client_is_saml(self) -> bool:
        """Whether the client proves itself by a SAML assertion."""
        named = self.is_form and self.has("client_assertion_type") == CLIENT_SAML
        return named and bool(self.has("client_assertion"))

    @cached_property
    def client_saml(self) -> Saml:
        """The SAML assertion by which the client proves itself."""
        return self._saml(self.form["client_assertion"])

    @property
    def client_claims(self) -> dict[str, Any]:
        """What the client's proof claims; empty where it has none."""
        if self.client_is_saml:
            return self.client_saml.summary
        return self.client_jwt.claims if self.client_is_jwt else {}

    @cached_property
    def client_jwt(self) -> Signed:
        """The JWT by which the client proves itself."""
        settings = self.settings
        role = Role(
            "a client's proof", CLIENT_TYPES, settings.client_audiences, settings.leeway, settings.max_lifetime,
            sole_audience=settings.sole_audience, require_subject=True, require_jti=True, macs=True,
        )  # fmt: skip
        text = self.form.get("client_assertion") or miss("There is no client assertion.")
        return self._signed(text, role, self.directory.vouchers)

    @cached_property
    def presented(self) -> tuple[str, str] | None:
        """The client id and secret that were sent, in whichever way; None where none were."""
        if self.basic is not None:
            return self.basic
        if "client_secret" in self.form:
            return self.form.get("client_id", ""), self.form["client_secret"]
        return None

    @cached_property
    def caller(self) -> Caller | None:
        """The client that the request says it comes from; None where it names none."""
        if not self.is_form:
            return None
        if self.presented is not None:
            method = "client_secret_post" if self.basic is None else "client_secret_basic"
            return self._caller(self.presented[0], method)
        if self.client_is_saml:
            # RFC 7522 section 3, 3: "For client authentication, the Subject MUST be the client_id of the OAuth client."
            return self._caller(self.client_saml.subject, "saml2-bearer")
        if self.client_is_jwt:
            return self._asserted()
        name = self.form.get("client_id")
        if name is None:
            return None
        found = self._caller(name, "none")
        by_certificate = found.registration and found.registration.certificate and self.certificate
        return self._caller(name, "tls_client_auth") if by_certificate else found

    @cached_property
    def by_certificate(self) -> bool:
        """Whether the client proves itself by the connection's certificate."""
        try:
            return self.caller is not None and self.caller.method == "tls_client_auth"
        except Unjudged:
            return False

    @cached_property
    def parties(self) -> list[Registration]:
        """All who have a part in the request, as far as they are known: the client, and who vouches for the grant."""
        found: list[Registration | None] = []
        try:
            found.append(self.caller.registration if self.caller else None)
        except Unjudged:
            pass
        try:
            found.append(self.grantor)
        except Unjudged:
            pass
        return [known for known in found if known is not None]

    def _caller(self, name: str, method: str) -> Caller:
        return Caller(name, method, self.directory.clients.get(name))

    def _asserted(self) -> Caller:
        """The client that a JWT speaks for."""
        jwt = self.client_jwt
        subject, known = jwt.claims.get("sub"), jwt.registration
        if known.clients is not None:
            name = known.clients.get(subject) if isinstance(subject, str) else None
            return self._caller(name or miss("This sub is no client here."), "jwt-bearer")
        by_mac = str(jwt.header.get("alg", "")).upper().startswith("HS")
        return self._caller(known.name, "client_secret_jwt" if by_mac else "private_key_jwt")

    # What was given out before.

    @property
    def nonces(self) -> Nonces:
        """The nonces of the endpoint that was asked."""
        return self.world.api_nonces if self.at_api else self.world.nonces

    @cached_property
    def issued(self) -> Issued | None:
        """What the token of the Authorization header stands for; None where it is not out."""
        return self.world.tokens.find(self.bearer, self.now)

    @cached_property
    def revoked_owner(self) -> str | None:
        """The client that the token to be revoked was issued to; None where nobody knows it, or it was to none."""
        token = self.has("token")
        promise, issued = self.world.refreshes.find(token), self.world.tokens.find(token, self.now)
        return promise.client if promise else issued.client if issued else None
