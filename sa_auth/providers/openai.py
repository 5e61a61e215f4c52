"""OpenAI, workload identity federation: a token service's JWT is exchanged for a token of the OpenAI API.

Source: https://developers.openai.com/api/reference/workload-identity-federation (fields, kinds of subject token, what the JWT
needs); openai's `openai.auth._workload` for the JSON body.
"""

from __future__ import annotations

from ..errors import ConfigError, InvalidGrant
from ..grants.token_exchange import TokenExchange
from ..settings import Settings
from .base import Known, Page, Provider

_NEEDED = ("identity_provider_id", "service_account_id")


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    grant = settings.grant
    if not isinstance(grant, TokenExchange) or grant.subject_token is None:
        raise ConfigError(
            "OpenAI exchanges the token of a token service, and none that this key signs.", code="bad_grant",
            hint='Pass grant=grants.TokenExchange(assertions.FromFile(path)), with "id_token" as the second argument where the '
            "token is an ID token.",
        )  # fmt: skip
    if grant.subject_token_type.rpartition(":")[2] not in {"jwt", "id_token"}:
        raise ConfigError(
            f"OpenAI takes no subject token of the kind {grant.subject_token_type[:80]!r}.", code="bad_grant",
            hint='Pass "jwt" or "id_token" as the second argument of grants.TokenExchange.',
        )  # fmt: skip
    if settings.signer is not None:
        raise ConfigError(
            "OpenAI has no use for a key: the token service's token stands for it.",
            code="bad_argument",
            hint="Leave it out.",
        )
    form = dict(settings.form)
    for name in _NEEDED:
        if not form.get(name, "").strip():
            raise ConfigError(
                f"OpenAI wants {name}.", code="no_form_field",
                hint="Pass form={'identity_provider_id': ..., 'service_account_id': ...}, as Organization settings, Security, "
                "Workload Identity Provider shows them.",
            )  # fmt: skip
    if settings.scope:
        raise ConfigError(
            "A scope gives nothing at OpenAI: the service account's mapping decides.", code="bad_argument",
            hint="Leave scope= out.",
        )  # fmt: skip
    # The subject token is the whole proof; no client is named.
    return provider, settings if settings.client_auth is not None else settings._replace(client_auth="none")


OPENAI = Provider(
    name="openai",
    page=Page(
        title="OpenAI",
        console="OpenAI, Organization settings, Security, Workload Identity Provider: one for the issuer of the tokens, and in it a "
        "mapping to a service account. Both ids go into form=.",
        file="None: the JWT of a token service (Kubernetes, GitHub Actions, a cloud's identity).",
        example="""from sa_auth import ServiceAccountCredentials
from sa_auth.assertions import FromFile
from sa_auth.grants import TokenExchange

creds = ServiceAccountCredentials(
    provider="openai", grant=TokenExchange(FromFile("token.jwt")), allowed_hosts="api.openai.com",
    form={"identity_provider_id": "idp_abc", "service_account_id": "sa_abc"},
)""",
        limits="Kinds of subject token: `jwt` and `id_token`. The JWT needs a `kid`, and `iss`, `aud`, `sub`, `exp` and `iat`. No "
        "scope. A token lives no longer than the JWT that it was exchanged for. The exchange by a client certificate "
        "(`mtls.auth.openai.com`) is not made.",
        proven="vendor's SDK (openai 3.57.0)",
        sources=(
            "https://developers.openai.com/api/reference/workload-identity-federation",
            "openai: openai.auth._workload",
        ),
        unknown="The words of its refusals. What the two ids look like is not checked.",
    ),
    token_endpoint="https://auth.openai.com/oauth/token",  # noqa: S106 - an address
    hosts=("auth.openai.com",),
    grant="token_exchange",
    audience="",
    subject="none",
    subject_hint="Whom the token is for is in the subject token.",
    scope_claim="never",
    scope_form=False,
    json=True,
    known=(
        Known(
            r"invalid_grant|answered 401(?!: )", "OpenAI holds the subject token against the provider and "
            "the mapping that form= names: issuer and audience have to be the provider's, its key in the JWKS, the claims the "
            "mapping's, and it has to live. A kid and iss, aud, sub, exp and iat have to be there.", error=InvalidGrant,
        ),
    ),
    prepare=_prepare,
)  # fmt: skip
