r"""Opens a connection to Snowflake by its own connector, with a token of the server that the account trusts (External OAuth).

    python samples/snowflake_connector.py robot.pem CLIENT-ID https://login.acme.example/oauth2/token myorg-myaccount robot \
        --scope session:role-any

Needs `pip install snowflake-connector-python`. A key pair that Snowflake itself knows needs no token: give the connector the
key, or call the SQL API (snowflake_sql_api.py). `--host` is for a test server on this machine.
"""

import argparse
import sys
from typing import Any

from sa_auth import SaAuthError, ServiceAccountCredentials
from sa_auth.integrations import snowflake


def main() -> int:
    """Opens one, and says which session it is."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("key_file")
    parser.add_argument("client_id")
    parser.add_argument("token_endpoint")
    parser.add_argument("account", help="the account identifier")
    parser.add_argument("user", help="the user's LOGIN_NAME")
    parser.add_argument("--scope", default="")
    parser.add_argument("--host", help="host:port, by plain http")
    options = parser.parse_args()
    creds = ServiceAccountCredentials.from_file(
        options.key_file, issuer=options.client_id, scope=options.scope, token_endpoint=options.token_endpoint
    )
    host, _, port = (options.host or "").partition(":")
    at: dict[str, Any] = {"host": host, "port": int(port), "protocol": "http"} if host else {}
    # In a pool or for SQLAlchemy this is the function that opens one: each gets a token that lives.
    with creds:
        connection = snowflake.connect(
            creds,
            account=options.account,
            user=options.user,
            enable_server_session_keep_alive_auto_detection=False,  # version 5 wants to be told how to end
            **at,
        )
        print(f"session {connection.session_id}")
        connection.close()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
