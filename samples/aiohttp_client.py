"""Makes calls at once from many tasks of one aiohttp session; they share one token, and the loop is never blocked.

    python samples/aiohttp_client.py key.json https://www.googleapis.com/drive/v3/files --calls 50

`pip install "sa_auth[aiohttp]"` brings aiohttp. `--token-endpoint` is for a test server on this machine.
"""

import argparse
import asyncio
import sys

import aiohttp

from sa_auth import SaAuthError, ServiceAccountCredentials
from sa_auth.integrations.aiohttp import Auth


async def batch(creds: ServiceAccountCredentials, url: str, calls: int) -> int:
    """Makes the calls, and counts those that succeeded."""
    async with aiohttp.ClientSession(middlewares=(Auth(creds),)) as session:

        async def call() -> bool:
            async with session.get(url) as answer:
                return answer.ok

        return sum(await asyncio.gather(*(call() for _ in range(calls))))


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
