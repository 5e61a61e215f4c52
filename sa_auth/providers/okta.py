"""Okta: a service application in its own name, by a key that was registered for it, at the org or a custom server.

Source: https://developer.okta.com/docs/api/openapi/okta-oauth/guides/client-auth/ (claims, aud, one hour, no client_id);
.../docs/guides/implement-oauth-for-okta-serviceapp (RSA and EC keys, scopes); .../docs/guides/dpop; okta's `okta.jwt` and
`okta.oauth` for what its own client sends, `okta.config.config_validator` for addresses that are none.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ..errors import ConfigError, InvalidClient, InvalidScope
from ..settings import Settings
from .base import Known, Page, Provider

_GUIDES = "https://developer.okta.com/docs/guides"
_CUSTOM = re.compile(r"/oauth2/[^/]+")
_ADDRESS = (
    'The org: server="https://acme.okta.com"; a custom server of it: server="https://acme.okta.com/oauth2/default".'
)


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    if settings.metadata is None:
        return provider, settings
    parts = urlsplit(settings.metadata.issuer)
    path = parts.path.rstrip("/")
    if re.search(r"-admin\.okta|-admin\.oktapreview", parts.hostname or ""):
        raise ConfigError(
            "server= is the address of the admin console.", code="bad_endpoint", hint=f"Leave -admin out. {_ADDRESS}"
        )
    if path and not _CUSTOM.fullmatch(path):
        raise ConfigError("server= is no authorization server of Okta's.", code="bad_endpoint", hint=_ADDRESS)
    # What Okta's own APIs are asked with comes from the org's server, which has no default scopes.
    org = "{server}/oauth2/v1/token"
    return provider._replace(token_endpoint="{server}/v1/token" if path else org, scope_needed=not path), settings


OKTA = Provider(
    name="okta",
    page=Page(
        title="Okta",
        console="Admin Console, Applications, Create App Integration, API Services: the client id; under Client Credentials "
        "choose Public key / Private key and add the key (its kid stands beside it); grant scopes under Okta API Scopes, and "
        "a role under Admin roles. For APIs of your own: Security, API, an authorization server with scopes and a policy.",
        file="JWK with its private part, as the console generates it once, or PEM with `key_id=`. RSA or P-256, P-384, P-521.",
        upload="jwks",
        example="""from sa_auth import ServiceAccountCredentials

creds = ServiceAccountCredentials.from_file(
    "okta-key.json", provider="okta", issuer="0oar95zt9zIpYuz6A0h7", server="https://acme.okta.com",
    scope="okta.users.read",
)
# Applications that demand DPoP, as new ones do: by the same key, or by one made for this process.
bound = ServiceAccountCredentials.from_file(
    "okta-key.json", provider="okta", issuer="0oar95zt9zIpYuz6A0h7", server="https://acme.okta.com",
    scope="okta.users.read", dpop="ephemeral",
)
own_api = ServiceAccountCredentials.from_file(
    "ec.pem", key_id="k2", provider="okta", issuer="0oar95zt9zIpYuz6A0h7",
    server="https://acme.okta.com/oauth2/default", scope="orders.read",
)""",
        limits="`exp` lies at most 3600 s ahead; each assertion goes once, and one that was answered by `use_dpop_nonce` is "
        "used up too: every attempt signs another. `aud` is exactly the endpoint that is asked. A kid is needed where several "
        "keys are registered. The org's server gives tokens of 3600 s for Okta's own APIs, and wants a scope.",
        proven="vendor's SDK (okta, compared field by field)",
        sources=(
            "https://developer.okta.com/docs/api/openapi/okta-oauth/guides/client-auth/",
            f"{_GUIDES}/build-self-signed-jwt/main/",
            f"{_GUIDES}/implement-oauth-for-okta-serviceapp/main/",
            f"{_GUIDES}/dpop/oktaresourceserver/main/",
            "okta: okta.jwt, okta.oauth, okta.dpop, okta.config.config_validator",
        ),
        unknown="What typ Okta wants: its page names none, its SDK sends JWT, and so does this. Revocation: Okta's words "
        "suggest that the assertion's `aud` has to be the revocation endpoint there, which was not tried.",
    ),
    grant="client_credentials",
    audience="{endpoint}",
    subject="issuer",
    subject_hint="A service application of Okta acts for itself: leave subject= out.",
    typ="JWT",
    algorithms=("RS256", "ES256", "ES384", "ES512", "RS384", "RS512"),
    longest=3600,
    scope_claim="never",
    known=(
        Known(
            r"client_assertion token has already been used", "Okta takes an assertion once, and this one was seen before: "
            "look for something on the way, a proxy or gateway, that sends requests twice.", again=True, error=InvalidClient,
        ),
        Known(
            r"audience claim for client_assertion", "Okta wants exactly the endpoint that is asked as aud, and got {aud}: check "
            "server= (a custom domain is another endpoint), and that no proxy rewrites the address.",
        ),
        Known(
            r"expiration too far|client_assertion token is expired|client_assertion.*(issued|future)", "Okta wants exp at most an "
            "hour ahead by its own clock, and not behind: set this machine's clock right, or set a shorter lifetime=.",
        ),
        Known(
            r"client_assertion JWT kid", "The application {iss} has no active key with the kid {kid}: pass key_id= as the console "
            "shows it beside the public key, or register this key.",
        ),
        Known(
            r"client_assertion signature", "No key of the application {iss} made this signature (kid {kid}, {alg}): register the "
            "public half of this key under Client Credentials, or use the key of one that is there.",
        ),
        Known(
            r"'client_id' parameter", "Okta knows no active application {client_id} at this server: check issuer=, and that "
            "server= is the org, or the custom server, that it belongs to.", error=InvalidClient,
        ),
        Known(
            r"DPoP proof JWT header is missing", "The application {client_id} demands DPoP: pass dpop=True (or 'ephemeral') in code, or "
            'switch off "Require Demonstrating Proof of Possession" in its General Settings.',
        ),
        Known(
            r"scopes? (is|are) not (configured|allowed|granted)|not allowed to request any of the requested scopes",
            "The scope {scope} is not there for {client_id}: grant it under Okta API Scopes (the org's server), or add it to the "
            "custom server and its policy.", error=InvalidScope,
        ),
        Known(
            r"policy evaluation failed|no_matching_policy", "No access policy of this authorization server lets {client_id} have "
            "{scope}: add the application, with the grant Client Credentials, under Security, API, Access Policies.",
        ),
    ),
    prepare=_prepare,
)  # fmt: skip
