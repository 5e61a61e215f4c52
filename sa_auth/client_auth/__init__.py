"""How the client names itself at the token endpoint.

A method is one file here and one line in the table. Source: RFC 6749 section 2.3; the names are those of RFC 7591
section 2 and RFC 8705 section 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._registry import Registry
from .base import Client, ClientAuth, TokenRequest
from .client_id import ClientId

if TYPE_CHECKING:
    from .client_assertion import ClientAssertion
    from .client_secret import ClientSecretBasic, ClientSecretPost
    from .client_secret_jwt import ClientSecretJWT
    from .mutual_tls import MutualTLS
    from .private_key_jwt import PrivateKeyJWT

__all__ = [
    "CLIENT_AUTH",
    "Client",
    "ClientAssertion",
    "ClientAuth",
    "ClientId",
    "ClientSecretBasic",
    "ClientSecretJWT",
    "ClientSecretPost",
    "MutualTLS",
    "PrivateKeyJWT",
    "TokenRequest",
]

CLIENT_AUTH = Registry(
    "client authentication method",
    {
        "client_assertion": "sa_auth.client_auth.client_assertion:ClientAssertion",
        "client_id": "sa_auth.client_auth.client_id:ClientId",
        "client_secret_basic": "sa_auth.client_auth.client_secret:ClientSecretBasic",
        "client_secret_jwt": "sa_auth.client_auth.client_secret_jwt:ClientSecretJWT",
        "client_secret_post": "sa_auth.client_auth.client_secret:ClientSecretPost",
        "private_key_jwt": "sa_auth.client_auth.private_key_jwt:PrivateKeyJWT",
        "self_signed_tls_client_auth": "sa_auth.client_auth.mutual_tls:MutualTLS",
        "tls_client_auth": "sa_auth.client_auth.mutual_tls:MutualTLS",
    },
)


def __getattr__(name: str) -> Any:
    return CLIENT_AUTH.named(name, __name__)
