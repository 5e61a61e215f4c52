"""Runs a query in a Salesforce org as a user, by the key of a connected or external client app: nobody logs in.

    python samples/salesforce.py server.key CONSUMER_KEY robot@acme.example "SELECT Name FROM Account LIMIT 5"
    python samples/salesforce.py server.key CONSUMER_KEY robot@acme.example.dev --server https://test.salesforce.com "..."

The key's certificate stands in the app, and the app is approved for the user. Where the org's API is, Salesforce says
beside the token: the token goes to that host alone.
"""

import argparse
import sys
from urllib.parse import urlsplit

import requests

from sa_auth import SaAuthError, ServiceAccountCredentials


def main() -> int:
    """Sends one query, and prints the records or Salesforce's no."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("key_file")
    parser.add_argument("consumer_key")
    parser.add_argument("username")
    parser.add_argument("query")
    parser.add_argument("--server", default="https://login.salesforce.com", help="or the org's My Domain")
    parser.add_argument("--version", default="v62.0", help="of the REST API")
    parser.add_argument("--instance", help="where the API is; default as Salesforce says")
    options = parser.parse_args()
    creds = ServiceAccountCredentials.from_file(
        options.key_file,
        provider="salesforce",
        issuer=options.consumer_key,
        subject=options.username,
        server=options.server,
    )
    instance = options.instance or creds.token().extra["instance_url"]
    creds = creds.replace(allowed_hosts=urlsplit(instance).hostname)
    with creds, requests.Session() as session:
        # A session that ended early is begun anew when the API answers 401.
        session.auth = creds
        answer = session.get(
            f"{instance}/services/data/{options.version}/query", params={"q": options.query}, timeout=60
        )
    found = answer.json()
    print(found.get("records", found) if answer.ok else f"{answer.status_code}: {found}")
    return 0 if answer.ok else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
