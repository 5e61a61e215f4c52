"""How the client names itself at the token endpoint.

A method is one file here and one line in the table. Source: RFC 6749 section 2.3.
"""

from __future__ import annotations

from .._registry import Registry
from .base import ClientAuth, TokenRequest
from .client_id import ClientId
from .client_secret import ClientSecretBasic, ClientSecretPost

__all__ = ["CLIENT_AUTH", "ClientAuth", "ClientId", "ClientSecretBasic", "ClientSecretPost", "TokenRequest"]

CLIENT_AUTH = Registry(
    "client authentication method",
    {
        "client_id": "sa_auth.client_auth.client_id:ClientId",
        "client_secret_basic": "sa_auth.client_auth.client_secret:ClientSecretBasic",
        "client_secret_post": "sa_auth.client_auth.client_secret:ClientSecretPost",
    },
)
