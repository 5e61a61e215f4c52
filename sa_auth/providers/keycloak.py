"""Keycloak: a client that proves itself with its key, and the grant of an assertion that another issuer vouches for.

Source: https://www.keycloak.org/securing-apps/oidc-layers, https://www.keycloak.org/securing-apps/jwt-authorization-grant
and Keycloak's own source, package
`org.keycloak.authentication.authenticators.client` (AbstractBaseJWTValidator, AbstractJWTClientValidator,
JWTClientAuthenticator) and `org.keycloak.protocol.oidc.grants` (JWTAuthorizationGrantType) for what it checks, in which
order, and its words.
"""

from __future__ import annotations

from ..errors import ConfigError
from ..grants.jwt_bearer import JWTBearer
from ..settings import Settings
from .base import Known, Page, Provider


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    server = settings.metadata.issuer if settings.metadata is not None else None
    if server is not None and "/realms/" not in server:
        raise ConfigError(
            f"{server} is no Keycloak realm.", code="bad_server",
            hint="Pass the realm's issuer as server=, for example https://login.example/realms/orders.",
        )  # fmt: skip
    grant = settings.grant
    signed = grant == "jwt_bearer" or (isinstance(grant, JWTBearer) and grant.assertion is None)
    if not signed:
        return provider, settings
    if settings.client_auth in (None, "none"):
        raise ConfigError(
            "Keycloak takes the grant jwt_bearer from a client that proves itself, beside the assertion.",
            code="no_client_auth",
            hint='Pass client_auth=ClientSecretBasic(client_id, client_secret), or "private_key_jwt" where the key is the '
            "client's too.",
        )
    # An identity provider's assertion may live for 300 s, where a client's has 60.
    return provider._replace(subject="required", lifetime=290, scope_claim="never"), settings


KEYCLOAK = Provider(
    name="keycloak",
    page=Page(
        title="Keycloak",
        console="Admin console, the realm, Clients: the client with Client authentication and Service accounts roles on; "
        "under Credentials, Signed JWT; under Keys, the public key, certificate or JWKS URL. For the grant jwt_bearer (in preview: "
        "the server is started with --features=jwt-authorization-grant): an "
        "identity provider with JWT Authorization Grant on, allowed in the client's settings, and users linked to it.",
        file="PEM, PFX or JWK; Keycloak generates PFX (PKCS12) under Keys.",
        upload="pem",
        example="""from sa_auth import ServiceAccountCredentials
from sa_auth.client_auth import ClientSecretBasic

creds = ServiceAccountCredentials.from_file(
    "robot.pem", provider="keycloak", issuer="my-client-id", key_id="k1", server="https://login.example/realms/orders"
)
for_a_user = ServiceAccountCredentials.from_file(
    "robot.pem", provider="keycloak", grant="jwt_bearer", issuer="https://idp.example", subject="linked-user-id",
    server="https://login.example/realms/orders", client_auth=ClientSecretBasic("my-client-id", "my-secret"),
)""",
        limits="server= is the realm's issuer. A client's assertion is taken for 60 s from iat, one of an identity provider "
        "for 300 s, unless the administrator sets more; each once. The grant jwt_bearer wants the subject that the identity "
        "provider knows the user by, and a client that proves itself.",
        proven="documentation and the server's source only",
        sources=(
            "https://www.keycloak.org/securing-apps/oidc-layers",
            "https://www.keycloak.org/securing-apps/jwt-authorization-grant",
            "keycloak: org.keycloak.authentication.authenticators.client, org.keycloak.protocol.oidc.grants",
        ),
        unknown="Whether a key without kid is found depends on how it was registered: pass key_id= where it is a JWKS.",
    ),
    token_endpoint="{server}/protocol/openid-connect/token",  # noqa: S106 - an address
    revocation_endpoint="{server}/protocol/openid-connect/revoke",
    grant="client_credentials",
    audience="{server}",
    subject_hint="It is the id under which the identity provider knows the user, as linked in Keycloak.",
    typ="JWT",
    # Counted from iat, which lies ten seconds back.
    lifetime=50,
    scope_claim="never",
    known=(
        Known(
            r"Invalid token audience|Multiple audiences not allowed|audience doesn't match", "Keycloak wants the realm's issuer as aud, and got {aud}: "
            "set server= to `issuer` in the realm's metadata, to the last character (host, port, and /auth where it has it).",
        ),
        Known(
            r"issued too far in the past|Token is not active|issued in the future|expiration is too far",
            "Keycloak takes an assertion for 60 s from iat by its own clock: set this machine's clock right, or leave "
            "lifetime= out.", cause="clock",
        ),
        Known(
            r"Token reuse detected", "Keycloak has seen this assertion before: look for something on the way, a proxy or gateway, that "
            "sends requests twice.", cause="replay",
        ),
        Known(
            r"Unable to load public key", "Keycloak finds no public key {kid} for the client {iss}: register it under Keys, or "
            "set key_id= to the kid of its JWKS.",
        ),
        Known(
            r"Signature on JWT token failed validation", "The public key that Keycloak has for {iss} (kid {kid}) is not this "
            "key's: register this one under Clients, Keys.",
        ),
        Known(
            r"Invalid signature algorithm", "The client or identity provider is set to another algorithm than {alg}: choose it "
            "by algorithm=, or set the signature algorithm in the console to any.",
        ),
        Known(
            r"Invalid client or Invalid client credentials", "There is no client {client_id} in this realm, it is off, or its "
            "authenticator is not Signed JWT (Clients, Credentials).",
        ),
        Known(
            r"not enabled to retrieve service account", "Turn Service accounts roles on for the client {client_id}.",
        ),
        Known(
            r"No Identity Provider for provided issuer", "The realm has no identity provider whose issuer is {iss}: issuer= is "
            "compared with it to the last character.",
        ),
        Known(
            r"Identity Provider is not (allowed|configured)", "Turn JWT Authorization Grant on for the identity provider of "
            "{iss}, and allow that provider in the settings of the client {client_id}.",
        ),
        Known(
            r"Error validating JWT with identity provider", "The identity provider of {iss} in the realm does not hold this key "
            "({kid}), or not this subject: check its JWKS URL or public key.",
        ),
        Known(
            r"User not found", "No user of the realm is linked to {sub} of the identity provider {iss}: link one, or set "
            "subject= to the id that is linked.",
        ),
    ),
    prepare=_prepare,
)  # fmt: skip
