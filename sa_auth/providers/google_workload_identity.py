"""Google Workload Identity Federation: a Google token for the token of another cloud or of an identity provider.

Source: https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token (request, answer); https://google.aip.dev/auth/4117
(the file, its sources, impersonation); google-auth's `google.auth.external_account` and `google.oauth2.sts` for what its own
client sends; refusals as reported in github.com/google-github-actions/auth, issues 60, 161, 202 and 211.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ..client_auth.client_secret import ClientSecretBasic
from ..errors import ConfigError, InvalidTarget, KeyFileError
from ..grants.rest_exchange import RestExchange
from ..grants.token_exchange import TokenExchange
from ..metadata import Metadata
from ..settings import Settings
from .base import KeyFile, Known, Page, Provider, text_field
from .google_impersonation import GOOGLE_IMPERSONATION
from .google_sources import source_of

_NEEDED = ("audience", "subject_token_type", "token_url")
_OPTIONAL = ("client_id", "client_secret", "workforce_pool_user_project")
_AGAIN = "Make the file anew: gcloud iam workload-identity-pools create-cred-config."
_TARGET = re.compile(r"(https://[^/]+)/v1/projects/-/serviceAccounts/([^/:]+):generateAccessToken")
_IAM = "https://www.googleapis.com/auth/iam"
_USUAL_TIMEOUT = 10.0


def _read(info: Mapping[str, Any]) -> dict[str, Any]:
    for name in (*_NEEDED, *(name for name in _OPTIONAL if info.get(name) is not None)):
        text_field(info, name, _AGAIN)
    if ("client_id" in info) != ("client_secret" in info):
        raise KeyFileError(
            "The key file has client_id without client_secret, or the reverse.", code="key_file_field", hint=_AGAIN
        )
    source, takes = source_of(info)
    grant = TokenExchange(
        source, info["subject_token_type"], requested_token_type="access_token", audience=info["audience"]  # noqa: S106
    )  # fmt: skip
    arguments: dict[str, Any] = {"grant": grant, "token_endpoint": info["token_url"], **_target(info), **_client(info)}
    return {**arguments, "timeout": takes + _USUAL_TIMEOUT} if takes else arguments


def _target(info: Mapping[str, Any]) -> dict[str, Any]:
    """The service account that is acted for, where the file names one."""
    url = info.get("service_account_impersonation_url")
    if url is None:
        return {}
    found = _TARGET.fullmatch(url) if isinstance(url, str) else None
    if found is None:
        raise KeyFileError(
            "The key file's service_account_impersonation_url is none.", code="key_file_field",
            hint="It is https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/EMAIL:generateAccessToken.",
        )  # fmt: skip
    options = info.get("service_account_impersonation") or {}
    if not isinstance(options, Mapping):
        raise KeyFileError(
            "The key file's service_account_impersonation is no object.", code="key_file_field", hint=_AGAIN
        )
    life = options.get("token_lifetime_seconds")
    return {"server": found[1], "subject": found[2], **({} if life is None else {"lifetime": life})}


def _client(info: Mapping[str, Any]) -> dict[str, Any]:
    if info.get("client_id") and info.get("client_secret"):
        return {"client_auth": ClientSecretBasic(info["client_id"], info["client_secret"])}
    project = info.get("workforce_pool_user_project")
    # google-auth has it so: JSON, percent-encoded, as the value of a form field.
    return {"form": {"options": quote(json.dumps({"userProject": project}))}} if project else {}


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    grant = settings.grant
    if not isinstance(grant, TokenExchange) or grant.subject_token is None:
        raise ConfigError(
            "Workload identity federation wants the other side's token.", code="no_source",
            hint="Open the pool's configuration file, or pass grant=TokenExchange(source, 'jwt', audience='//iam.googleapis.com/"
            "projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER').",
        )  # fmt: skip
    if settings.signer is not None:
        raise ConfigError(
            "Workload identity federation has no use for a key: the other side's token stands for it.", code="bad_argument",
            hint="Leave the key out; a service account's key signs in with provider='google'.",
        )  # fmt: skip
    if settings.subject is None:
        if settings.audience is not None or settings.lifetime is not None:
            raise ConfigError(
                "Google's STS gives no ID token and takes no lifetime.", code="bad_argument",
                hint="With subject=, the service account acted for, audience= and lifetime= are of its token.",
            )  # fmt: skip
        return provider, settings
    return _acting(provider, settings, grant)


def _acting(provider: Provider, settings: Settings, grant: TokenExchange) -> tuple[Provider, Settings]:
    """The sign-in for a service account, whose caller signs in here."""
    # Late: what makes an exchange knows every provider's data.
    from ..source import TokenSource
    from .making import exchange_of

    own = settings._replace(
        subject=None, audience=None, lifetime=None, scope=(_IAM,), grant=grant, metadata=None, allowed_hosts=None
    )  # fmt: skip
    caller = TokenSource(exchange_of(provider, own), settings.memory)
    server = settings.metadata or Metadata(str(GOOGLE_IMPERSONATION.server))
    acting = settings._replace(
        grant=RestExchange(caller), token_endpoint=None, form=(), client_auth=None, metadata=server
    )  # fmt: skip
    made = GOOGLE_IMPERSONATION._replace(
        name=provider.name, page=provider.page, hosts=provider.hosts, known=provider.known
    )
    prepare = GOOGLE_IMPERSONATION.prepare
    return prepare(made, acting) if prepare is not None else (made, acting)


GOOGLE_WORKLOAD_IDENTITY = Provider(
    name="google_workload_identity",
    page=Page(
        title="Google Workload Identity Federation",
        console="Google Cloud console, IAM & Admin, Workload Identity Federation: the pool and its provider, then Download config "
        "(or `gcloud iam workload-identity-pools create-cred-config`). The pool's principal gets the roles itself, or Workload "
        "Identity User on a service account, which is then acted for.",
        file="JSON of type `external_account`. It holds no secret, but names addresses, files or a program that will be followed: "
        "`provider=` has to be said in code. The addresses have to be Google's; others are said in code too.",
        example="""from sa_auth import ServiceAccountCredentials
from sa_auth.grants import TokenExchange

scope = "https://www.googleapis.com/auth/cloud-platform"
creds = ServiceAccountCredentials.from_file("pool.json", provider="google_workload_identity", scope=scope)
# Without a file: a token that this cluster gives, for a service account that the pool may act for.
pool = "//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/pool/providers/cluster"
token = TokenExchange("kubernetes", audience=pool, requested_token_type="access_token")
acting = ServiceAccountCredentials(
    provider="google_workload_identity", grant=token, scope=scope, subject="target@demo.iam.gserviceaccount.com"
)""",
        limits="A scope. Sources: a file or an address (text or JSON), a program (only with "
        "`GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1`, 5 to 120 s, never through a shell), AWS by its environment variables. No "
        "metadata server is asked, and there is no certificate source. An address is https, or on this machine. With a service "
        "account `audience=` asks for its ID token, and `lifetime=` is its token's. In another universe say `token_endpoint=` "
        "and `server=` (of iamcredentials) in code.",
        proven="vendor's SDK (google-auth, captured live in the tests)",
        sources=(
            "https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token",
            "https://google.aip.dev/auth/4117",
            "https://cloud.google.com/iam/docs/samples/iam-workload-identity-aws-credential",
            "google-auth: google.auth.external_account, .identity_pool, .pluggable, .aws, google.oauth2.sts",
        ),
        unknown="Google's words where the pool's attribute condition refuses a token are known by report only.",
    ),
    token_endpoint="https://sts.googleapis.com/v1/token",  # noqa: S106 - an address
    hosts=("sts.googleapis.com", "iamcredentials.googleapis.com"),
    grant="token_exchange",
    scope_needed=True,
    scope_hint="For example scope='https://www.googleapis.com/auth/cloud-platform'.",
    known=(
        Known(
            r"value for .audience", "The file's `audience` (not the token's aud) is not the full name of the pool's provider: //iam.googleapis.com/projects/NUMBER/"
            "locations/global/workloadIdentityPools/POOL/providers/PROVIDER, with the project's number, not its id.", cause="audience",
        ),
        Known(
            r"invalid_target", "There is no such pool or provider, or it is disabled or deleted: look under Workload Identity "
            "Federation, and compare the audience's numbers and names.", error=InvalidTarget,
        ),
        Known(
            r"audience in ID Token|does not match the expected audience", "The other side's token names another audience than the "
            "provider allows: have it made for https://iam.googleapis.com/projects/NUMBER/.../providers/PROVIDER, or add its "
            "audience under Allowed audiences.",
        ),
        Known(
            r"attribute condition", "The provider's attribute condition refuses this token: compare the condition with the token's "
            "claims.",
        ),
        Known(
            r"issuer", "The provider expects tokens of another issuer, or could not reach the issuer's keys: compare its issuer URI "
            "with the token's iss, to the last character.",
        ),
        Known(
            r"stale|expired|signature", "Google did not take the other side's token: it is over, or was not signed by a key that the "
            "issuer publishes. See that whatever gives it gives a fresh one.",
        ),
        *GOOGLE_IMPERSONATION.known,
    ),
    prepare=_prepare,
    key_file=KeyFile(lambda info: info.get("type") == "external_account", _read, named=True),
)  # fmt: skip
