"""A batch job that signs in from a Google key file and stays signed in.

    python samples/batch_google_key.py key.json https://www.googleapis.com/drive/v3/files --calls 100

`--token-endpoint` is for a test server on this machine; a real key file names its own.
"""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor

import requests

from sa_auth import SaAuthError, ServiceAccountCredentials


def main() -> int:
    """Makes the calls on four threads; each thread has a session, all share one token."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("key_file")
    parser.add_argument("url")
    parser.add_argument("--scope", default="https://www.googleapis.com/auth/drive")
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--token-endpoint")
    options = parser.parse_args()
    creds = ServiceAccountCredentials.from_file(
        options.key_file, scope=options.scope, token_endpoint=options.token_endpoint
    )

    def call(share: range) -> int:
        with requests.Session() as session:
            session.auth = creds
            return sum(session.get(f"{options.url}?page={page}", timeout=30).ok for page in share)

    with creds, ThreadPoolExecutor(4) as pool:
        succeeded = sum(pool.map(call, [range(start, options.calls, 4) for start in range(4)]))
    print(f"{succeeded} of {options.calls} calls succeeded")
    return 0 if succeeded == options.calls else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
