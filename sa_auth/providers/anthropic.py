"""Anthropic, workload identity federation: the token of one's own identity provider becomes one for the Claude API.

Source: https://platform.claude.com/docs/en/manage-claude/wif-reference (fields, answer); anthropic's
`anthropic.lib.credentials._workload` and `_constants` for the JSON body and the `anthropic-beta` values of the exchange and
of every call; its type `jwks_inline_param` for an issuer whose keys are given to Anthropic by hand.
"""

from __future__ import annotations

import re

from ..errors import ConfigError, InvalidGrant
from ..grants.base import Grant
from ..grants.jwt_bearer import JWTBearer
from ..settings import Settings
from .base import Known, Page, Provider

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_PREFIXES = {"federation_rule_id": "fdrl_", "service_account_id": "svac_", "workspace_id": "wrkspc_"}


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    grant = settings.grant
    handed_over = isinstance(grant, JWTBearer) and grant.assertion is not None
    if grant not in (None, "jwt_bearer") and not (isinstance(grant, Grant) and isinstance(grant, JWTBearer)):
        raise ConfigError(
            "Anthropic takes the grant jwt_bearer alone.", code="bad_argument",
            hint="Pass grant=grants.JWTBearer(assertions.FromFile(path)), or another assertion of a token service.",
        )  # fmt: skip
    if handed_over and settings.signer is not None:
        raise ConfigError(
            "Anthropic has no use for a key beside a token service's JWT.", code="bad_argument",
            hint="Leave the key out; or leave grant= out, and the key signs the JWT.",
        )  # fmt: skip
    _check_form(dict(settings.form))
    if settings.scope:
        raise ConfigError(
            "Anthropic's federation takes no scope: the rule decides it.", code="bad_argument", hint="Leave scope= out."
        )
    if not handed_over and settings.signer is not None and settings.audience is None:
        raise ConfigError(
            "A token that your own key signs needs the audience of the federation rule.", code="no_audience",
            hint="Pass audience=, as the federation issuer or rule has it.",
        )  # fmt: skip
    # The assertion is the whole proof; no client is named.
    return provider, settings if settings.client_auth is not None else settings._replace(client_auth="none")


def _check_form(form: dict[str, str]) -> None:
    for name in ("federation_rule_id", "organization_id"):
        if name not in form:
            raise ConfigError(
                f"Anthropic wants {name}.", code="no_form_field",
                hint="Pass form={'federation_rule_id': 'fdrl_...', 'organization_id': UUID, 'service_account_id': 'svac_...'}, "
                "as the Claude Console shows them under Workload identity.",
            )  # fmt: skip
    for name, prefix in _PREFIXES.items():
        said = form.get(name, prefix)
        if not said.startswith(prefix) and (name, said) != ("workspace_id", "default"):
            raise ConfigError(
                f"{said[:40]!r} is no {name} of Anthropic's, which begins with {prefix}.", code="bad_form_field",
                hint="Copy it from the Claude Console: Workload identity.",
            )  # fmt: skip
    if not _UUID.fullmatch(form["organization_id"]):
        raise ConfigError(
            f"{form['organization_id'][:40]!r} is no organization_id of Anthropic's, which is a UUID.", code="bad_form_field",
            hint="Copy it from the Claude Console: Settings, Organization.",
        )  # fmt: skip


ANTHROPIC = Provider(
    name="anthropic",
    page=Page(
        title="Anthropic (Claude API)",
        console="Claude Console, Workload identity: a federation issuer (the identity provider, or its keys by hand), a service "
        "account, and a federation rule that ties the two (`fdrl_...`, `svac_...`). The organization's UUID: Settings, "
        "Organization.",
        file="None: the JWT of a token service (Kubernetes, GitHub Actions, a cloud's identity), or a key of one's own issuer.",
        upload="jwks",
        example="""from sa_auth import ServiceAccountCredentials
from sa_auth.assertions import FromFile
from sa_auth.grants import JWTBearer

rule = {
    "federation_rule_id": "fdrl_01AbCd", "organization_id": "00000000-0000-0000-0000-000000000000",
    "service_account_id": "svac_01AbCd",
}
creds = ServiceAccountCredentials(
    provider="anthropic", grant=JWTBearer(FromFile("token.jwt")), form=rule, allowed_hosts="api.anthropic.com"
)
by_a_key_of_my_own = ServiceAccountCredentials.from_file(
    "robot.pem", provider="anthropic", issuer="https://login.example", subject="robot", key_id="k1",
    audience="https://api.anthropic.com", form=rule,
)""",
        limits="The fields `federation_rule_id` and `organization_id` are needed in form=, `service_account_id` by the "
        "documentation, `workspace_id` (`wrkspc_...` or `default`) where the rule is for several workspaces. No scope. The "
        "exchange is JSON with `anthropic-beta: oauth-2025-04-20,oidc-federation-2026-04-01`; every call carries "
        "`anthropic-beta: oauth-2025-04-20`, beside whatever betas the call names itself. A rule may take each JWT once.",
        proven="vendor's SDK (anthropic 2.13.0)",
        sources=(
            "https://platform.claude.com/docs/en/manage-claude/wif-reference",
            "anthropic: anthropic.lib.credentials._workload, anthropic.lib.credentials._constants",
        ),
        unknown="Whether service_account_id may be left out: the documentation says it is required, and the library lets it be "
        "absent; so does this. The words of its refusals.",
    ),
    token_endpoint="https://api.anthropic.com/v1/oauth/token",  # noqa: S106 - an address
    hosts=("api.anthropic.com",),
    audience="",
    subject="default",
    scope_claim="never",
    scope_form=False,
    json=True,
    request_headers={"anthropic-beta": "oauth-2025-04-20,oidc-federation-2026-04-01"},
    api_headers={"anthropic-beta": "+oauth-2025-04-20"},
    known=(
        Known(
            r"invalid_grant|answered 401(?!: )", "Anthropic holds the JWT against the rule that form= names: its "
            "issuer, subject, audience and claims have to be the rule's, and it has to live. Where the rule is for several "
            "workspaces, add workspace_id to form=. The Claude Console shows every attempt under Workload identity, with its "
            "reason.", error=InvalidGrant,
        ),
    ),
    prepare=_prepare,
)  # fmt: skip
