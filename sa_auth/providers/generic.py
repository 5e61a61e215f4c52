"""Any server that follows RFC 7523, and the key file of our own.

Source: RFC 7523 sections 2.1 and 3. The key file is a JSON object whose names are arguments of
`ServiceAccountCredentials`; "key" and "certificate" are text, never a path.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import KeyFileError
from .base import KeyFile, Page, Provider

# Arguments that are data. What opens a file, reaches a network or runs code is not taken from a file.
_TEXT = frozenset({
    "key", "certificate", "issuer", "subject", "audience", "token_endpoint", "key_id", "algorithm", "provider", "grant",
    "client_auth", "server",
})  # fmt: skip
_OTHER = frozenset({"dpop", "scope", "lifetime", "claims", "headers", "form", "resource", "timeout", "allowed_hosts"})
_CODE_ONLY = frozenset({"password", "cache", "transport", "refresh", "retry", "clock"})


def _recognise(info: Mapping[str, Any]) -> bool:
    said = info.get("type")
    return said == "sa_auth" or (said is None and "key" in info and ("issuer" in info or "token_endpoint" in info))


def _read(info: Mapping[str, Any]) -> dict[str, Any]:
    arguments = {name: value for name, value in info.items() if name != "type"}
    for name, value in arguments.items():
        if name in _CODE_ONLY:
            raise KeyFileError(
                f"The key file sets {name!r}, which only code may.", code="key_file_field",
                hint=f"Pass {name}= beside the file.",
            )  # fmt: skip
        if name not in _TEXT | _OTHER:
            raise KeyFileError(
                f"The key file has a field {str(name)[:40]!r} that is no argument.", code="key_file_field",
                hint=f"Known: {', '.join(sorted(_TEXT | _OTHER))}.",
            )  # fmt: skip
        if name in _TEXT and not isinstance(value, str):
            raise KeyFileError(
                f"The key file's field {name!r} is no text.", code="key_file_field", hint="Put it in double quotes."
            )
    _text_and_no_path(arguments, "key", required=True)
    _text_and_no_path(arguments, "certificate", required=False)
    return arguments


def _text_and_no_path(arguments: Mapping[str, Any], name: str, *, required: bool) -> None:
    value = arguments.get(name)
    if value is None and not required:
        return
    if not isinstance(value, str) or not (value.lstrip().startswith("{") or "-----BEGIN" in value):
        raise KeyFileError(
            f"The key file's field {name!r} holds no key or certificate text.", code="key_file_field",
            hint=f"Put the PEM (-----BEGIN ...) itself into {name!r}; a path is not followed.",
        )  # fmt: skip


GENERIC = Provider(
    name="generic",
    page=Page(
        title="Any server that follows the RFCs",
        file="PEM, PFX, JWK, or a JSON file of our own.",
        upload="jwks",
        example="""from sa_auth import ServiceAccountCredentials

creds = ServiceAccountCredentials.from_file(
    "robot.pem", issuer="my-client-id", scope="orders.read", token_endpoint="https://login.example/oauth2/token"
)
as_client = ServiceAccountCredentials.from_file(
    "robot.pem", issuer="my-client-id", grant="client_credentials", server="https://login.example", scope="orders.read"
)""",
        limits="None is known of a server in general.",
        proven="real servers (oidc-provider, Authlib)",
        sources=("RFC 7523", "draft-ietf-oauth-rfc7523bis"),
    ),
    subject="default",
    reusable=True,  # whoever asks for it knows the server
    key_file=KeyFile(_recognise, _read),
)
