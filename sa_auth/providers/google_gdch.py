"""Google Distributed Cloud, hosted by oneself (GDCH): a service identity's token by its key file.

Source: google-auth's `google.oauth2.gdch_credentials` (the file, the claims, the JSON body with its literal grant_type, the CA
from a file) and `google.auth.crypt.es`; https://cloud.google.com/distributed-cloud/hosted/docs for the service identity.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..errors import ConfigError, KeyFileError
from ..grants.rest_exchange import RestExchange
from ..settings import Settings
from .base import KeyFile, Page, Provider, text_field

_NEEDED = ("project", "name", "private_key_id", "private_key", "token_uri")
_TYPES = "urn:ietf:params:oauth:token-type"


def _read(info: Mapping[str, Any]) -> dict[str, Any]:
    if info.get("format_version") != "1":
        raise KeyFileError(
            "The key file is not of format_version '1'.", code="key_file_field", hint="No other version is known: download it anew."
        )  # fmt: skip
    for name in _NEEDED:
        text_field(info, name, "Make another key for the service identity, and download its file.")
    return {
        "issuer": f"system:serviceaccount:{info['project']}:{info['name']}", "key": info["private_key"],
        "key_id": info["private_key_id"], "token_endpoint": info["token_uri"], **_trust(info.get("ca_cert_path")),
    }  # fmt: skip


def _trust(path: Any) -> dict[str, Any]:
    """A transport that trusts the authority of the file, where it names one."""
    if path is None or path == "":
        return {}
    if not isinstance(path, str) or not os.path.isfile(path):
        raise KeyFileError(
            "The key file's ca_cert_path names no file.", code="key_file_field",
            hint="Put the certificate of the cloud's own authority there; or take the field out and pass "
            "transport=RequestsTransport(verify=path).",
        )  # fmt: skip
    # Late: a file without a certificate needs nothing of HTTP yet.
    from ..transports import RequestsTransport

    return {"transport": RequestsTransport(verify=os.path.abspath(path))}


def _prepare(provider: Provider, settings: Settings) -> tuple[Provider, Settings]:
    if settings.audience is None:
        raise ConfigError(
            "GDCH wants to know whom the token is for.", code="no_audience",
            hint="Pass audience=: the address of the API, for example https://objectstorage.ORG.example/.",
        )  # fmt: skip
    if settings.scope:
        raise ConfigError(
            "GDCH has no scopes: a token is for one audience.", code="bad_argument", hint="Leave scope= out."
        )
    if settings.grant is not None:
        raise ConfigError(
            "GDCH has one sign-in, by the key of a service identity.", code="bad_argument", hint="Leave grant= out."
        )
    return provider, settings


GOOGLE_GDCH = Provider(
    name="google_gdch",
    page=Page(
        title="Google Distributed Cloud (air-gapped, GDCH)",
        console="GDC console or `gdcloud iam service-accounts`: the service identity of a project, then a key for it, whose file is "
        "downloaded.",
        file="JSON of type `gdch_service_account`. It names the cloud's own address and a file with its authority's certificate, which "
        "will be trusted: `provider=` has to be said in code.",
        example="""from sa_auth import ServiceAccountCredentials

creds = ServiceAccountCredentials.from_file(
    "gdch.json", provider="google_gdch", audience="https://objectstorage.gdch.example/"
)""",
        limits="`audience=` is the API that the token is for; there is no scope, and nobody else is acted for. The key is elliptic: "
        "ES256, or ES384. At most 3600 s from iat to exp.",
        proven="vendor's SDK (google-auth, captured live in the tests)",
        sources=(
            "google-auth: google.oauth2.gdch_credentials, google.auth.crypt.es",
            "https://cloud.google.com/distributed-cloud/hosted/docs",
        ),
        unknown="In what words it refuses; and what longer life than google-auth's 3600 s it would take.",
    ),
    # The grant_type is that of no RFC: google-auth has it so.
    grant=RestExchange(
        field="subject_token",
        body={
            "grant_type": f"{_TYPES}:token-exchange", "requested_token_type": f"{_TYPES}:access_token",
            "subject_token_type": "urn:k8s:params:oauth:token-type:serviceaccount",
        },
    ),
    audience="{endpoint}",
    audience_field="audience",
    subject="issuer",
    algorithms=("ES256", "ES384"),
    key_id=True,
    lifetime=3590,
    longest=3600,
    scope_claim="never",
    scope_form=False,
    prepare=_prepare,
    key_file=KeyFile(lambda info: info.get("type") == "gdch_service_account", _read, named=True),
)  # fmt: skip
