"""Runs a statement by Snowflake's SQL API, signed in by a key pair: no password, no driver, no exchange.

    python samples/snowflake_sql_api.py rsa_key.p8 myorg-myaccount robot "select current_user()"

The key's public half is set for the user before: ALTER USER robot SET RSA_PUBLIC_KEY='...'. `--url` is for an account
that is reached by another address than that of its name, or for a test server on this machine.
"""

import argparse
import sys
from urllib.parse import urlsplit

import requests

from sa_auth import SaAuthError, ServiceAccountCredentials


def main() -> int:
    """Sends one statement, and prints the rows or Snowflake's no."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("key_file")
    parser.add_argument("account", help="the account identifier")
    parser.add_argument("user", help="the user's LOGIN_NAME")
    parser.add_argument("statement")
    parser.add_argument("--url")
    options = parser.parse_args()
    url = options.url or f"https://{options.account}.snowflakecomputing.com"
    creds = ServiceAccountCredentials.from_file(
        options.key_file,
        provider="snowflake",
        issuer=options.account,
        subject=options.user,
        # The token is good at every address of the account: it goes to this one alone.
        allowed_hosts=urlsplit(url).hostname,
    )
    with creds, requests.Session() as session:
        session.auth = creds
        answer = session.post(f"{url}/api/v2/statements", json={"statement": options.statement}, timeout=60)
    found = answer.json()
    print(
        found.get("data", found) if answer.ok else f"{answer.status_code}: {found.get('code')} {found.get('message')}"
    )
    return 0 if answer.ok else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
