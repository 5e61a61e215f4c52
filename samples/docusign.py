"""Shows a Docusign user's accounts and how many envelopes changed of late, by an app's key: nobody logs in.

    python samples/docusign.py private.key INTEGRATION_KEY USER_ID
    python samples/docusign.py private.key INTEGRATION_KEY USER_ID --server https://account.docusign.com

Without `--server` it is the demo environment. Before the first call the user consents to the app, once: the refusal names
the address. Where an account's API is, Docusign says beside the account; the token goes to Docusign's hosts alone.
"""

import argparse
import datetime as dt
import sys
from urllib.parse import urlsplit

import requests

from sa_auth import SaAuthError, ServiceAccountCredentials


def main() -> int:
    """Asks whose accounts these are, and then each for its envelopes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("key_file")
    parser.add_argument("integration_key")
    parser.add_argument("user_id")
    parser.add_argument("--server", default="https://account-d.docusign.com")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--userinfo", help="where the accounts are named; default that of the server")
    options = parser.parse_args()
    creds = ServiceAccountCredentials.from_file(
        options.key_file,
        provider="docusign",
        issuer=options.integration_key,
        subject=options.user_id,
        server=options.server,
        scope="signature impersonation",
        allowed_hosts=[urlsplit(options.server).hostname, "*.docusign.net"],
    )
    since = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=options.days)
    with creds, requests.Session() as session:
        session.auth = creds
        user = session.get(options.userinfo or f"{options.server}/oauth/userinfo", timeout=30)
        print(f"user {user.status_code}")
        for account in user.json().get("accounts", []):
            url = f"{account['base_uri']}/restapi/v2.1/accounts/{account['account_id']}/envelopes"
            envelopes = session.get(url, params={"from_date": since.isoformat(timespec="seconds")}, timeout=30)
            found = envelopes.json().get("totalSetSize", 0) if envelopes.ok else envelopes.status_code
            print(f"{account['account_name']}: {found}")
    return 0 if user.ok else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
