"""Worker processes that share one token: one exchange for all of them, whichever way they are started.

    python samples/workers_multiprocessing.py key.json https://www.googleapis.com/drive/v3/files --start spawn

What a new process gets is the key file's path and the settings; it opens the file itself. The token lies sealed in the
user's cache folder, where the first worker leaves it for the others, and for whatever is started while it lives.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys

import requests

from sa_auth import SaAuthError, ServiceAccountCredentials


def work(creds: ServiceAccountCredentials, url: str, pages: range) -> None:
    """Makes one worker's share of the calls."""
    with requests.Session() as session:
        session.auth = creds
        for page in pages:
            session.get(f"{url}?page={page}", timeout=30).raise_for_status()


def main() -> int:
    """Starts the workers, and waits for them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("key_file")
    parser.add_argument("url")
    parser.add_argument("--start", choices=multiprocessing.get_all_start_methods())
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--scope", default="https://www.googleapis.com/auth/drive")
    parser.add_argument("--token-endpoint")
    options = parser.parse_args()
    creds = ServiceAccountCredentials.from_file(
        options.key_file, scope=options.scope, token_endpoint=options.token_endpoint, cache="file"
    )
    context = multiprocessing.get_context(options.start)
    shares = [range(first, options.calls, options.workers) for first in range(options.workers)]
    workers = [context.Process(target=work, args=(creds, options.url, share)) for share in shares]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        print(f"{worker.name} ended with {worker.exitcode}")
    return 0 if all(worker.exitcode == 0 for worker in workers) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
