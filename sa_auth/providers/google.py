"""Google service accounts: an access token for an assertion.

Source: https://developers.google.com/identity/protocols/oauth2/service-account (format, RS256, at most one hour from
iat to exp); google-auth's `google.oauth2._client` and `google.oauth2.service_account` for what its own client sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import KeyFileError
from .base import KeyFile, Provider

_FIELDS = {"client_email": "issuer", "private_key": "key", "private_key_id": "key_id", "token_uri": "token_endpoint"}
_NEEDED = ("client_email", "private_key")


def _read(info: Mapping[str, Any]) -> dict[str, Any]:
    for name in _NEEDED:
        if name not in info:
            raise KeyFileError(
                f"The key file has no field {name!r}.", code="key_file_field",
                hint="Download a new key: Google Cloud console, IAM, Service Accounts, Keys, Add key, JSON.",
            )  # fmt: skip
    for name in _FIELDS:
        if name in info and (not isinstance(info[name], str) or not info[name].strip()):
            raise KeyFileError(
                f"The key file's field {name!r} is no text, or empty.", code="key_file_field",
                hint="The file was changed by hand, or filled in by a template: download it again.",
            )  # fmt: skip
    return {argument: info[name] for name, argument in _FIELDS.items() if name in info}


GOOGLE = Provider(
    name="google",
    token_endpoint="https://oauth2.googleapis.com/token",  # noqa: S106 - an address
    hosts=("oauth2.googleapis.com", "accounts.google.com", "www.googleapis.com"),
    # Google counts one hour from iat, and iat lies ten seconds back.
    lifetime=3590,
    longest=3600,
    # The claim stands there even without a scope: google-auth sends it so.
    scope_claim="always",
    scope_form=False,
    algorithms=("RS256",),
    key_file=KeyFile(lambda info: info.get("type") == "service_account", _read),
)
