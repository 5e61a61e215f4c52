"""What the authority says of itself.

Rule: it tells the truth, unless a test changed it.

Source: RFC 8414 sections 2 and 3, RFC 8705 section 5, RFC 9449 section 5.1, OpenID Connect Discovery 1.0 section 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from .rules.proof import ALGORITHMS
from .rules.uris import GRANTS

_METHODS = ("none", "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt")
_SIGNATURES = (*ALGORITHMS, "HS256", "HS384", "HS512")


def styles_of(path: str, issuer: str) -> str:
    """Which document a path asks for: "oauth", "oidc" or, where it asks for none, "".

    RFC 8414 section 3.1 puts the well-known part between host and path, OpenID Connect behind the path.

    Example:
        >>> styles_of("/.well-known/oauth-authorization-server/one", "https://as.test/one")
        'oauth'
        >>> styles_of("/one/.well-known/openid-configuration", "https://as.test/one")
        'oidc'
    """
    home = urlsplit(issuer).path.rstrip("/")
    if path == f"/.well-known/oauth-authorization-server{home}":
        return "oauth"
    return "oidc" if path == f"{home}/.well-known/openid-configuration" else ""


def document(issuer: str, changes: Mapping[str, Any], *, certificates: bool) -> dict[str, Any]:
    """The fields, for an authority by this name.

    Args:
        issuer: Its issuer identifier.
        changes: Fields to replace; a value of None removes the field.
        certificates: Whether clients can prove themselves by mutual TLS.
    """
    home = issuer.rstrip("/")
    fields: dict[str, Any] = {
        "issuer": issuer,
        "token_endpoint": f"{home}/token",
        "revocation_endpoint": f"{home}/revoke",
        "response_types_supported": ["code"],
        "token_endpoint_auth_methods_supported": list(_METHODS),
        "token_endpoint_auth_signing_alg_values_supported": list(_SIGNATURES),
        "grant_types_supported": list(GRANTS),
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
    }
    if certificates:
        fields["token_endpoint_auth_methods_supported"] += ["tls_client_auth", "self_signed_tls_client_auth"]
        fields["tls_client_certificate_bound_access_tokens"] = True
        fields["mtls_endpoint_aliases"] = {name: fields[name] for name in ("token_endpoint", "revocation_endpoint")}
    return {name: value for name, value in {**fields, **changes}.items() if value is not None}
