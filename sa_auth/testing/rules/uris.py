"""The URIs and words by which requests name what they mean.

Source: RFC 6749 sections 4 and 6, RFC 7522 section 2, RFC 7523 section 2, RFC 8693 section 3.
"""

from __future__ import annotations

_URN = "urn:ietf:params:oauth"
CODE = "authorization_code"
REFRESH = "refresh_token"
CREDENTIALS = "client_credentials"
JWT_BEARER = f"{_URN}:grant-type:jwt-bearer"
SAML_BEARER = f"{_URN}:grant-type:saml2-bearer"
EXCHANGE = f"{_URN}:grant-type:token-exchange"
GRANTS = (CODE, REFRESH, CREDENTIALS, JWT_BEARER, SAML_BEARER, EXCHANGE)

CLIENT_JWT = f"{_URN}:client-assertion-type:jwt-bearer"
CLIENT_SAML = f"{_URN}:client-assertion-type:saml2-bearer"

ACCESS_TOKEN = f"{_URN}:token-type:access_token"
REFRESH_TOKEN = f"{_URN}:token-type:refresh_token"
ID_TOKEN = f"{_URN}:token-type:id_token"
JWT = f"{_URN}:token-type:jwt"
SAML2 = f"{_URN}:token-type:saml2"
JWT_TYPES = (JWT, ID_TOKEN)
