"""What is asked by: one class per grant.

A grant is one file here and one line in the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._registry import Registry
from .base import Grant

if TYPE_CHECKING:
    from .authorization_code import AuthorizationCode
    from .client_credentials import ClientCredentials
    from .jwt_bearer import JWTBearer
    from .refresh_token import RefreshToken
    from .rest_exchange import RestExchange
    from .saml2_bearer import SAML2Bearer
    from .self_signed import SelfSigned
    from .token_exchange import TokenExchange

__all__ = [
    "GRANTS",
    "AuthorizationCode",
    "ClientCredentials",
    "Grant",
    "JWTBearer",
    "RefreshToken",
    "RestExchange",
    "SAML2Bearer",
    "SelfSigned",
    "TokenExchange",
]

GRANTS = Registry(
    "grant",
    {
        "authorization_code": "sa_auth.grants.authorization_code:AuthorizationCode",
        "client_credentials": "sa_auth.grants.client_credentials:ClientCredentials",
        "jwt_bearer": "sa_auth.grants.jwt_bearer:JWTBearer",
        "refresh_token": "sa_auth.grants.refresh_token:RefreshToken",
        "rest_exchange": "sa_auth.grants.rest_exchange:RestExchange",
        "saml2_bearer": "sa_auth.grants.saml2_bearer:SAML2Bearer",
        "self_signed": "sa_auth.grants.self_signed:SelfSigned",
        "token_exchange": "sa_auth.grants.token_exchange:TokenExchange",
    },
)


def __getattr__(name: str) -> Any:
    return GRANTS.named(name, __name__)
