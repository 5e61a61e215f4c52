"""A pool of processes that call an API: each gets the credentials once, as it begins, and all share one token.

    python samples/workers_futures.py key.json https://www.googleapis.com/drive/v3/files --workers 2

A session belongs to one process, so each worker makes its own; credentials may go anywhere.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import requests

from sa_auth import SaAuthError, ServiceAccountCredentials

session = requests.Session()


def begin(creds: ServiceAccountCredentials) -> None:
    """Prepares a worker."""
    session.auth = creds


def call(url: str, page: int) -> tuple[int, bool]:
    """Makes one call; gives which process made it, and whether it succeeded."""
    return os.getpid(), session.get(f"{url}?page={page}", timeout=30).ok


def main() -> int:
    """Makes the calls."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("key_file")
    parser.add_argument("url")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--scope", default="https://www.googleapis.com/auth/drive")
    parser.add_argument("--token-endpoint")
    options = parser.parse_args()
    creds = ServiceAccountCredentials.from_file(
        options.key_file, scope=options.scope, token_endpoint=options.token_endpoint, cache="file"
    )
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.workers, spawn, initializer=begin, initargs=(creds,)) as pool:
        made = list(pool.map(partial(call, options.url), range(options.calls)))
    succeeded = sum(ok for _, ok in made)
    print(f"{succeeded} of {options.calls} calls succeeded, made by {len({process for process, _ in made})} processes")
    return 0 if succeeded == options.calls else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
