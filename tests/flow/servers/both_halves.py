"""Both halves of RFC 7523 by Authlib: assertions as grants, and as the proof of clients; and codes and refresh tokens.

Rule: Authlib judges signature, times, audience, issuer and subject; here stand who is known, which `typ` is meant for
what (draft-ietf-oauth-rfc7523bis), and which `jti` was seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, InvalidClientError, InvalidGrantError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion, JWTBearerGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from flask import Flask, Response, request

from tests.flow.servers.authlib_server import AuthlibServer

METHOD = JWTBearerClientAssertion.CLIENT_AUTH_METHOD
REDIRECT_URI = "https://client.example.test/callback"
USER = "ann@example.test"


@dataclass(frozen=True)
class Known(ClientMixin):
    """A client or an issuer.

    Attributes:
        name: Its client id, or its `iss`.
        key: What its assertions are verified with: keys, or a secret.
        proves: Whether its grants need a client that proves itself by another assertion.
    """

    name: str
    key: Any
    proves: bool = False

    def get_client_id(self) -> str:
        return self.name

    def get_allowed_scope(self, scope: str | None) -> str:
        return scope or ""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == REDIRECT_URI

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002
        return method == METHOD

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:  # noqa: ARG002
        return True


@dataclass(frozen=True)
class Code:
    """An authorization code as Authlib wants to see it."""

    text: str
    client: str
    scope: str
    code_challenge: str | None
    code_challenge_method: str | None

    def get_redirect_uri(self) -> str:
        return REDIRECT_URI

    def get_scope(self) -> str:
        return self.scope


class BothHalves(AuthlibServer):
    """The server.

    Args:
        known: Its clients, and those who issue grants.

    Attributes:
        used: Every jti it has seen, with who used it.
        codes: The authorization codes that nobody has used.
    """

    def __init__(self, *known: Known) -> None:
        self.known = {one.name: one for one in known}
        self.used: set[tuple[str, str]] = set()
        self.codes: dict[str, Code] = {}
        super().__init__()

    def client(self, client_id: str) -> Known | None:
        return self.known.get(client_id)

    def register(self, authorization: AuthorizationServer) -> None:
        authorization.register_client_auth_method(METHOD, Proof(self))
        for grant in (ClientCredentials, Bearer, ByCode, Refresh):
            needs = [CodeChallenge(required=True)] if grant is ByCode else None
            authorization.register_grant(type(grant.__name__, (grant,), {"home": self}), needs)

    def route(self, app: Flask) -> None:
        super().route(app)
        app.add_url_rule("/authorize", "authorize", self.authorize)

    def authorize(self) -> Response:
        """The authorization endpoint; its person agrees at once."""
        asked = self.authorization.get_consent_grant(end_user=USER)
        answer: Response = self.authorization.create_authorization_response(grant_user=USER, grant=asked)
        return answer

    def note(self, who: str, judged: tuple[Any, Any], typ: str) -> str:
        """Takes an assertion that Authlib found good, or says why not: it is for another purpose, or it was seen."""
        header, claims = judged
        if header.get("typ") != typ:
            return "Invalid header: 'typ'"
        if (who, claims["jti"]) in self.used:
            return "JWT ID is used before."
        self.used.add((who, claims["jti"]))
        self.assertions.append((dict(header), dict(claims)))
        return ""


class Proof(JWTBearerClientAssertion):
    """A client's assertion: private_key_jwt and client_secret_jwt are one to Authlib."""

    def __init__(self, home: BothHalves) -> None:
        super().__init__()
        self.home = home

    def get_audiences(self) -> list[str]:
        return [self.home.url]

    def resolve_client_public_key(self, client: Known) -> Any:
        return client.key

    def validate_jti(self, claims: dict[str, Any], jti: str) -> bool:  # noqa: ARG002 - the name is part of the port
        header, _ = self.extract_assertion(request.form["client_assertion"])
        refused = self.home.note(claims["sub"], (header, claims), "client-authentication+jwt")
        if "typ" in refused:
            raise InvalidClientError(description=refused)
        return not refused


class ClientCredentials(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = [METHOD]


class Bearer(JWTBearerGrant):
    """An assertion as grant; that of some issuers is taken from a client that proves itself, and from no other."""

    TOKEN_ENDPOINT_AUTH_METHODS = [METHOD]
    home: BothHalves

    def validate_token_request(self) -> None:
        said = self.extract_assertion(self.request.form.get("assertion", ""))[1].get("iss")
        issuer = self.home.client(said)
        proven = self.authenticate_token_endpoint_client() if issuer is not None and issuer.proves else None
        super().validate_token_request()
        self.request.client = proven or self.request.client

    def resolve_issuer_client(self, issuer: str) -> Known | None:
        return self.home.client(issuer)

    def resolve_client_public_key(self, client: Known) -> Any:
        return client.key

    def get_audiences(self) -> list[str]:
        return [self.home.token_endpoint]

    def process_assertion_claims(self, assertion: str) -> Any:
        claims = super().process_assertion_claims(assertion)
        refused = self.home.note(claims["iss"], (self.extract_assertion(assertion)[0], claims), "JWT")
        if refused:
            raise InvalidGrantError(description=refused)
        return claims

    def authenticate_user(self, subject: str) -> str | None:
        return subject if subject == USER else None

    def has_granted_permission(self, client: Known, user: str) -> bool:  # noqa: ARG002
        return True


class ByCode(AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = [METHOD]
    home: BothHalves

    def save_authorization_code(self, code: str, asked: Any) -> None:
        sent = asked.payload.data
        self.home.codes[code] = Code(
            code, asked.client.name, asked.scope, sent.get("code_challenge"), sent.get("code_challenge_method")
        )

    def query_authorization_code(self, code: str, client: Known) -> Code | None:
        found = self.home.codes.get(code)
        return found if found is not None and found.client == client.name else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        del self.home.codes[authorization_code.text]

    def authenticate_user(self, authorization_code: Code) -> str:  # noqa: ARG002
        return USER


class Refresh(RefreshTokenGrant):
    """Refresh tokens that rotate."""

    TOKEN_ENDPOINT_AUTH_METHODS = [METHOD]
    INCLUDE_NEW_REFRESH_TOKEN = True
    home: BothHalves

    def authenticate_refresh_token(self, refresh_token: str) -> Any:
        return next((one for one in self.home.tokens.values() if one.refresh_token == refresh_token), None)

    def authenticate_user(self, refresh_token: Any) -> str:
        return str(refresh_token.user)

    def revoke_old_credential(self, refresh_token: Any) -> None:
        refresh_token.refresh_token = None
