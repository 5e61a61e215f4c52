"""Calls an API from the workers of a Spark cluster, which share one token.

    spark-submit --master 'local[2]' samples/workers_spark.py key.json https://www.googleapis.com/drive/v3/files
    spark-submit samples/workers_spark.py /etc/robot/key.json https://www.googleapis.com/drive/v3/files \
        --cache redis://cache.example:6379/0

A function that is sent to the workers takes credentials along: as the key file's path, which each machine has to have,
and the settings. On one machine the cache may be a file.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator

import requests
from pyspark import SparkContext

from sa_auth import SaAuthError, ServiceAccountCredentials


def main() -> int:
    """Has the calls made, a partition at a time."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("key_file")
    parser.add_argument("url")
    parser.add_argument("--cache", default="file")
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--scope", default="https://www.googleapis.com/auth/drive")
    parser.add_argument("--token-endpoint")
    options = parser.parse_args()
    url = options.url
    creds = ServiceAccountCredentials.from_file(
        options.key_file, scope=options.scope, token_endpoint=options.token_endpoint, cache=options.cache
    )

    def work(pages: Iterable[int]) -> Iterator[tuple[int, bool]]:
        with requests.Session() as session:
            session.auth = creds
            for page in pages:
                yield os.getpid(), session.get(f"{url}?page={page}", timeout=30).ok

    with SparkContext(appName="workers") as spark:  # in a notebook: spark.sparkContext
        made = spark.parallelize(range(options.calls), 8).mapPartitions(work).collect()
    succeeded = sum(ok for _, ok in made)
    print(f"{succeeded} of {options.calls} calls succeeded, made by {len({process for process, _ in made})} processes")
    return 0 if succeeded == options.calls else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
