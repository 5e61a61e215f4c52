"""What the Snowflake connector signs in with: an OAuth token for each connection that is opened.

Rule: a connection has a session of its own once it is open, and asks for no token again; so each is opened with one that
lives, and a login that is refused for its token is tried once more with another. Source:
https://docs.snowflake.com/en/user-guide/oauth-ext-overview; the login of snowflake-connector-python (AUTHENTICATOR, TOKEN);
https://docs.snowflake.com/en/user-guide/oauth-snowflake-overview for the codes of a no.
"""

from __future__ import annotations

import json
from typing import Any

from .._encoding import b64url_decode
from ..errors import ConfigError
from ..token import Token
from .awaiting import Source
from .bearer import bearing
from .extra import needed
from .where import check

# Invalid OAuth access token; OAuth access token expired.
_REFUSED = (390303, 390318)


def arguments(source: Source) -> dict[str, Any]:
    """Gives the arguments of `snowflake.connector.connect` that sign it in: `authenticator` and `token`.

    They are good for a connection that is opened now. Where connections are opened later (a pool, SQLAlchemy's `creator=`)
    `connect` is the function to call.

    Args:
        source: Gives tokens of the server that Snowflake trusts (External OAuth, Snowflake OAuth): the credentials object, or
            anything with its `token`, `poll` and `discard`.

    Raises:
        ConfigError: `key_pair`, its token is a key-pair JWT, which the connector makes by itself.
        MissingExtra: the connector is not installed.
        SaAuthError: there is no token to be had.

    Example:
        >>> from sa_auth import ServiceAccountCredentials
        >>> from sa_auth.testing import Authority, new_key
        >>> private, public = new_key("p256")
        >>> authority = Authority()
        >>> _ = authority.register("robot", public)
        >>> creds = ServiceAccountCredentials(
        ...     private, issuer="robot", token_endpoint=authority.token_endpoint, transport=authority.transport())
        >>> sorted(arguments(creds).items())[0]
        ('authenticator', 'oauth')
    """
    _connector()
    return _signing_in(bearing(source).token())


def connect(source: Source, **options: Any) -> Any:
    """Opens a connection: `snowflake.connector.connect(**options)`, signed in by a token that lives.

    Args:
        source: As for `arguments`.
        **options: Of the connector: account, warehouse, and so on.

    Raises:
        ConfigError: as for `arguments`; or the token may not go there (`not_https`, `host_not_allowed`).
        MissingExtra: the connector is not installed.
        SaAuthError: there is no token to be had.
        snowflake.connector.errors.Error: whatever the connector raises.
    """
    connector = _connector()
    check(_address(options), getattr(bearing(source), "allowed_hosts", None))
    token = source.token()
    refusal: Exception
    try:
        return connector.connect(**{**options, **_signing_in(token)})
    except connector.errors.DatabaseError as error:
        if error.errno not in _REFUSED:
            raise
        refusal = error
    source.discard(token)
    again = source.token()
    if again.access_token == token.access_token:  # another was had a moment ago, and refused as well
        raise refusal
    return connector.connect(**{**options, **_signing_in(again)})


def _address(options: dict[str, Any]) -> str:
    """Where the connector will go, as far as the call says: what stands in a file of connections it reads by itself."""
    host = options.get("host") or f"{options.get('account', '')}.snowflakecomputing.com"
    return f"{options.get('protocol', 'https')}://{host}/"


def _connector() -> Any:
    return needed(
        "snowflake", ("snowflake.connector",), "snowflake-connector-python", named="snowflake-connector-python"
    )


def _signing_in(token: Token) -> dict[str, Any]:
    if ".SHA256:" in _issuer(token.access_token):
        raise ConfigError(
            "The connector takes no key-pair JWT that was made for it.", code="key_pair",
            hint="Give it the key: connect(authenticator='SNOWFLAKE_JWT', private_key_file=...); there is no exchange. "
            "Key-pair credentials sign calls of the SQL API.",
        )  # fmt: skip
    return {"authenticator": "oauth", "token": token.access_token}


def _issuer(text: str) -> str:
    """The `iss` of a token that is a JWT; empty for any other."""
    try:
        claims = json.loads(b64url_decode(text.split(".")[1]))
        return str(claims["iss"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
