"""Makes calls at once from many tasks of one httpx client; they share one token, and the loop is never blocked.

    python samples/httpx_async.py key.json https://www.googleapis.com/drive/v3/files --calls 50

`pip install "sa_auth[httpx]"` brings httpx2. A sync `httpx2.Client` takes the same auth. `--token-endpoint` is for a test
server on this machine.
"""

import argparse
import asyncio
import sys

import httpx2

from sa_auth import SaAuthError, ServiceAccountCredentials
from sa_auth.integrations.httpx import Auth


async def batch(creds: ServiceAccountCredentials, url: str, calls: int) -> int:
    """Makes the calls, and counts those that succeeded."""
    async with httpx2.AsyncClient(auth=Auth(creds), timeout=30) as client:
        answers = await asyncio.gather(*(client.get(url) for _ in range(calls)))
    return sum(answer.is_success for answer in answers)


def main() -> int:
    """Says how many calls succeeded."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("key_file")
    parser.add_argument("url")
    parser.add_argument("--scope", default="https://www.googleapis.com/auth/drive")
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--token-endpoint")
    options = parser.parse_args()
    with ServiceAccountCredentials.from_file(
        options.key_file, scope=options.scope, token_endpoint=options.token_endpoint
    ) as creds:
        succeeded = asyncio.run(batch(creds, options.url, options.calls))
    print(succeeded, "of", options.calls, "calls succeeded")
    return 0 if succeeded == options.calls else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
