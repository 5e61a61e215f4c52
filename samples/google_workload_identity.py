"""Lists the buckets of a project, signed in to Google by a token of somebody else's: no key of Google's is stored anywhere.

    python samples/google_workload_identity.py pool.json my-project
    GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1 python samples/google_workload_identity.py pool.json my-project

The file is the one that the console offers beside the pool ("Download config"). It says where the other side's token is: in a
file, at an address, from a program (which Google's own variable has to allow), or at AWS.
"""

import argparse
import sys
from urllib.parse import urlsplit

import requests

from sa_auth import SaAuthError, ServiceAccountCredentials


def main() -> int:
    """Asks for the buckets."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("config_file")
    parser.add_argument("project")
    parser.add_argument("--token-endpoint", help="another than the file's: it is trusted because it is named here")
    parser.add_argument("--api", default="https://storage.googleapis.com/storage/v1/b")
    options = parser.parse_args()
    elsewhere = {} if options.token_endpoint is None else {"token_endpoint": options.token_endpoint}
    creds = ServiceAccountCredentials.from_file(
        options.config_file,
        provider="google_workload_identity",
        scope="https://www.googleapis.com/auth/devstorage.read_only",
        allowed_hosts=urlsplit(options.api).hostname,
        **elsewhere,
    )
    with creds, requests.Session() as session:
        session.auth = creds
        answer = session.get(options.api, params={"project": options.project}, timeout=30)
        print(f"buckets {answer.status_code}")
        for bucket in answer.json().get("items", []):
            print(bucket["name"])
    return 0 if answer.ok else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
