"""Runs a query in a Salesforce org by simple-salesforce, which stays signed in as long as the program runs.

    python samples/salesforce_client.py server.key CONSUMER_KEY robot@acme.example "SELECT Name FROM Account LIMIT 5"

Needs `pip install simple-salesforce`. The same as salesforce.py, which needs no client library.
"""

import argparse
import sys

from simple_salesforce import Salesforce

from sa_auth import SaAuthError, ServiceAccountCredentials
from sa_auth.integrations import salesforce


def main() -> int:
    """Sends one query, and prints the records."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("key_file")
    parser.add_argument("consumer_key")
    parser.add_argument("username")
    parser.add_argument("query")
    parser.add_argument("--server", default="https://login.salesforce.com", help="or the org's My Domain")
    parser.add_argument("--instance", help="where the API is; default as Salesforce says")
    options = parser.parse_args()
    creds = ServiceAccountCredentials.from_file(
        options.key_file,
        provider="salesforce",
        issuer=options.consumer_key,
        subject=options.username,
        server=options.server,
    )
    given = salesforce.arguments(creds, instance_url=options.instance)
    with creds, given["session"]:
        org = Salesforce(**given, version="62.0")
        for record in org.query_all_iter(options.query):
            print(record["Name"])
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
