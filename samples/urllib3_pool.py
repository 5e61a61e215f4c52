"""Makes calls through a urllib3 pool, without `requests`: the token goes along, and is renewed once after a 401.

    python samples/urllib3_pool.py key.json https://www.googleapis.com/drive/v3/files --calls 5

A pool of one's own, with its proxies, retries or certificates, is taken as `Pool(creds, pool)`. `--token-endpoint` is for
a test server on this machine.
"""

import argparse
import sys

from sa_auth import SaAuthError, ServiceAccountCredentials
from sa_auth.integrations.urllib3 import Pool


def main() -> int:
    """Says how many calls succeeded."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("key_file")
    parser.add_argument("url")
    parser.add_argument("--scope", default="https://www.googleapis.com/auth/drive")
    parser.add_argument("--calls", type=int, default=5)
    parser.add_argument("--token-endpoint")
    options = parser.parse_args()
    creds = ServiceAccountCredentials.from_file(
        options.key_file, scope=options.scope, token_endpoint=options.token_endpoint
    )
    with creds, Pool(creds) as pool:
        statuses = [pool.request("GET", options.url, timeout=30).status for _ in range(options.calls)]
    succeeded = statuses.count(200)
    print(succeeded, "of", options.calls, "calls succeeded")
    return 0 if succeeded == options.calls else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
