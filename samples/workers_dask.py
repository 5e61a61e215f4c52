"""Calls an API from the workers of a Dask cluster, which share one token.

    python samples/workers_dask.py key.json https://www.googleapis.com/drive/v3/files
    python samples/workers_dask.py /etc/robot/key.json https://www.googleapis.com/drive/v3/files \
        --scheduler tcp://scheduler.example:8786 --cache redis://cache.example:6379/0

Scattered, credentials go to each worker once: as the key file's path, which the workers' machines have to have, and the
settings. As a plain argument of each task the scheduler would open them too. Without `--scheduler` a cluster is started
on this machine, where the cache may be a file.
"""

from __future__ import annotations

import argparse
import os
import sys

import requests
from distributed import Client, LocalCluster

from sa_auth import SaAuthError, ServiceAccountCredentials


def work(pages: range, url: str, creds: ServiceAccountCredentials) -> tuple[int, int]:
    """Makes some of the calls; gives which process made them, and how many succeeded."""
    with requests.Session() as session:
        session.auth = creds
        return os.getpid(), sum(session.get(f"{url}?page={page}", timeout=30).ok for page in pages)


def main() -> int:
    """Has the calls made."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("key_file")
    parser.add_argument("url")
    parser.add_argument("--scheduler")
    parser.add_argument("--cache", default="file")
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--scope", default="https://www.googleapis.com/auth/drive")
    parser.add_argument("--token-endpoint")
    options = parser.parse_args()
    creds = ServiceAccountCredentials.from_file(
        options.key_file, scope=options.scope, token_endpoint=options.token_endpoint, cache=options.cache
    )
    shares = [range(first, options.calls, 8) for first in range(8)]
    local = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
    with Client(options.scheduler or LocalCluster(**local)) as client:
        everywhere = client.scatter(creds, broadcast=True)
        made = client.gather(client.map(work, shares, url=options.url, creds=everywhere))
    succeeded = sum(ok for _, ok in made)
    print(f"{succeeded} of {options.calls} calls succeeded, made by {len({process for process, _ in made})} processes")
    return 0 if succeeded == options.calls else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
