"""Makes calls with a client that no bridge is for: here the standard library's, which takes a header field.

    python samples/any_callable.py key.json https://www.googleapis.com/drive/v3/files --calls 5

The function is asked anew for each call, so the token is never an old one; what follows a 401 is the caller's affair.
`--token-endpoint` is for a test server on this machine.
"""

import argparse
import sys
from urllib.request import Request, urlopen

from sa_auth import SaAuthError, ServiceAccountCredentials
from sa_auth.integrations.function import header_of


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
    succeeded, header = 0, header_of(creds)
    with creds:
        for _ in range(options.calls):
            asked = Request(options.url, headers={"Authorization": header()})  # noqa: S310 - the caller's own address
            with urlopen(asked, timeout=30) as answer:  # noqa: S310 - as above
                succeeded += answer.status == 200
    print(succeeded, "of", options.calls, "calls succeeded")
    return 0 if succeeded == options.calls else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
