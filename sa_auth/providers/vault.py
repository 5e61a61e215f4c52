"""HashiCorp Vault's JWT auth method: a token of Vault's for a JWT that a token service, or the key, vouches for.

`server=` is Vault's address; another mount than `jwt`, or a namespace, stands in `token_endpoint=`; the role is a field
of the request, `form={"role": ...}`. Source: https://developer.hashicorp.com/vault/api-docs/auth/jwt#jwt-login (request);
github.com/hashicorp/vault-plugin-auth-jwt `path_login.go`, `claims.go` and github.com/hashicorp/cap `jwt/jwt.go` (what is
checked, and every word of a refusal); hvac's `api.auth_methods.jwt` and `adapters` (request, `auth.client_token`).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from ..errors import ConfigError, InvalidGrant, InvalidRequest
from ..grants.base import Grant
from ..grants.jwt_bearer import JWTBearer
from ..grants.rest_exchange import RestExchange
from ..settings import Settings
from .base import Known, Page, Provider


def _login(assertion: object = None) -> RestExchange:
    return RestExchange(assertion, field="jwt", token="auth.client_token", expires_in="auth.lease_duration")  # noqa: S106 - a name


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    _check_address(settings)
    if settings.scope:
        raise ConfigError(
            "Vault's tokens have no scope.", code="bad_argument",
            hint="Leave scope= out: the policies of the role decide. Another role is form={'role': ...}.",
        )  # fmt: skip
    grant = _grant(settings)
    handed_over = getattr(grant, "assertion", None) is not None
    if handed_over and (settings.issuer is not None or settings.signer is not None):
        raise ConfigError(
            "A JWT that is handed over stands for itself: Vault has no place for a key or issuer= beside it.",
            code="bad_argument", hint="Leave both out; or leave grant= out, and the key signs the JWT.",
        )  # fmt: skip
    return provider, settings._replace(grant=grant)


def _grant(settings: Settings) -> Grant:
    """The login, of whichever grant the JWT was handed over by."""
    given = settings.grant
    if given is None or (isinstance(given, str) and given in {"jwt_bearer", "rest_exchange"}):
        return _login()
    if isinstance(given, JWTBearer):
        return _login(given.assertion)
    if isinstance(given, RestExchange):
        return given
    raise ConfigError(
        "Vault takes a JWT alone.", code="bad_argument",
        hint="Leave grant= out, and the key signs one; or grant=grants.JWTBearer(assertions.FromFile(path)).",
    )  # fmt: skip


def _check_address(settings: Settings) -> None:
    if settings.token_endpoint is not None:
        return
    if settings.metadata is None:
        raise ConfigError(
            "Vault's address is not known.", code="no_token_endpoint",
            hint="Pass server='https://vault.example:8200' (VAULT_ADDR); or token_endpoint= for another mount than jwt: "
            "https://vault.example:8200/v1/auth/MOUNT/login.",
        )  # fmt: skip
    if urlsplit(settings.metadata.issuer).path.strip("/").partition("/")[0] == "v1":
        raise ConfigError(
            "server= is Vault's address alone, without /v1.", code="bad_server",
            hint="For a mount of your own pass token_endpoint='https://vault.example:8200/v1/auth/MOUNT/login'.",
        )  # fmt: skip


VAULT = Provider(
    name="vault",
    page=Page(
        title="HashiCorp Vault, JWT auth method",
        console="`vault write auth/jwt/config` with the issuer's JWKS address or public keys, and `vault write "
        "auth/jwt/role/ROLE` with `role_type=jwt`, `user_claim`, `bound_audiences` and `bound_subject` or `bound_claims`.",
        file="None where a token service hands the JWT over; else PEM, PFX or JWK.",
        upload="pem",
        example="""from sa_auth import ServiceAccountCredentials
from sa_auth.assertions import FromFile
from sa_auth.grants import JWTBearer

creds = ServiceAccountCredentials(
    provider="vault", server="https://vault.example:8200", form={"role": "ci"}, grant=JWTBearer(FromFile("token.jwt"))
)
other_mount_in_a_namespace = ServiceAccountCredentials(
    provider="vault", token_endpoint="https://vault.example:8200/v1/team-a/auth/kubernetes/login", form={"role": "ci"},
    grant=JWTBearer("kubernetes"),
)
self_signed = ServiceAccountCredentials.from_file(
    "robot.pem", provider="vault", server="https://vault.example:8200", form={"role": "ci"},
    issuer="robot.example", subject="robot", audience="vault",
)""",
        limits="No scope. The JWT's aud has to be one of the role's `bound_audiences`, and there may be none where the role has "
        "none: `audience=` is sent only where it is given. Without `form={'role': ...}` the mount's default role counts. A "
        "token is replaced by a new login, and never renewed. It goes as `Authorization: Bearer`, which Vault takes in place "
        "of `X-Vault-Token`; a token that is over is answered 403 there, and no 401.",
        proven="vendor's SDK (hvac 2.4.0: its login request)",
        sources=(
            "https://developer.hashicorp.com/vault/api-docs/auth/jwt",
            "github.com/hashicorp/vault-plugin-auth-jwt: path_login.go, claims.go",
            "github.com/hashicorp/cap: jwt/jwt.go, jwt/keyset.go",
            "hvac: hvac.api.auth_methods.jwt, hvac.adapters",
        ),
        unknown="How a server of your version words what is wrong before its JWT method is reached (mount, namespace, address "
        "range); the rest is in the plugin's source.",
    ),
    token_endpoint="{server}/v1/auth/jwt/login",  # noqa: S106 - an address
    grant=_login(),
    audience="",
    subject="default",
    scope_claim="never",
    scope_form=False,
    known=(
        Known(
            r"missing role", "The mount has no default role: pass form={{'role': ...}}.", error=InvalidRequest,
        ),
        Known(
            r"role .* could not be found", "This mount has no such role: `vault list auth/MOUNT/role` shows them. See that the "
            "mount in the address is the right one.", error=InvalidRequest,
        ),
        Known(
            r"oidc role_type", "The role is for people with a browser: make one with role_type=jwt.", error=InvalidRequest,
        ),
        Known(
            r"no audiences bound", "The JWT has an aud, and the role names none: set the role's bound_audiences to it, or leave "
            "audience= out.", error=InvalidGrant,
        ),
        Known(
            r"invalid audience|does not match any bound audience", "The JWT's aud is none of the role's bound_audiences: set audience=, "
            "or have the token service make it for one of them.",
            error=InvalidGrant,
        ),
        Known(
            r"invalid issuer", "The JWT's iss is not the mount's bound_issuer, to the last character.",
            error=InvalidGrant,
        ),
        Known(r"invalid subject", "The JWT's sub is not the role's bound_subject.", error=InvalidGrant),
        Known(
            r"token is expired|not yet valid|issued in the future", "By Vault's clock the JWT is over, or not valid yet: set "
            "this machine's clock right, or have the token service make a fresh one.", error=InvalidGrant,
        ),
        Known(
            r"\(alg\)|unsupported signing|unexpected signature algorithm", "The mount takes other algorithms than the JWT's: see its "
            "jwt_supported_algs, and set algorithm=.", error=InvalidGrant,
        ),
        Known(
            r"verifying token signature|no known key|kid header|no key set", "The mount does not know the key that signed: set its "
            "jwt_validation_pubkeys, or see that its jwks_url or oidc_discovery_url is reached and has the key.",
            error=InvalidGrant,
        ),
        Known(
            r"claim .* (?:not found in token|could not be converted)", "The JWT lacks the claim that names the user: set the "
            "role's user_claim to one that it has, such as sub.", error=InvalidGrant,
        ),
        Known(
            r"error validating claims|bound claim|claim .* is missing", "The JWT's claims are not those of the role's "
            "bound_claims: `vault read auth/MOUNT/role/ROLE` shows them.", error=InvalidGrant,
        ),
        Known(
            r"no handler for route|unsupported path|permission denied", "Nothing answers a login there, or not to this address: "
            "check the mount and the namespace in the endpoint, and the role's token_bound_cidrs.",
        ),
    ),
    prepare=_prepare,
)  # fmt: skip
