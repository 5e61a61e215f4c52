"""A small batch, and what it did with its token: how often it was got, handed out, taken over from another process.

    python samples/metrics.py key.json https://www.googleapis.com/drive/v3/files --calls 20

For dashboards take `sa_auth.integrations.opentelemetry.instrument()` in place of the counts. `--token-endpoint` is for a
test server on this machine.
"""

import argparse
import sys

import requests

from sa_auth import SaAuthError, ServiceAccountCredentials
from sa_auth.events import Counts, listen


def main() -> int:
    """Makes the calls, and prints a line for each kind of event."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("key_file")
    parser.add_argument("url")
    parser.add_argument("--scope", default="https://www.googleapis.com/auth/drive")
    parser.add_argument("--calls", type=int, default=20)
    parser.add_argument("--token-endpoint")
    options = parser.parse_args()
    creds = ServiceAccountCredentials.from_file(
        options.key_file, scope=options.scope, token_endpoint=options.token_endpoint
    )
    counts = Counts()
    stop = listen(counts)
    with creds, requests.Session() as session:
        session.auth = creds
        succeeded = sum(session.get(options.url, timeout=30).ok for _ in range(options.calls))
    stop()
    told = {name if isinstance(name, str) else " ".join(name): count for name, count in counts.as_dict().items()}
    for name, count in sorted(told.items()):
        print(name, count)
    return 0 if succeeded == options.calls else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
