"""Celery tasks that call an API: the worker processes share one token, in the Redis that carries their messages anyway.

    export KEY_FILE=key.json API=https://www.googleapis.com/drive/v3/files REDIS=redis://127.0.0.1:6379/0
    (cd samples && celery --app workers_celery worker --concurrency 2) &
    python samples/workers_celery.py 100

Nothing of the credentials is in a message: each worker makes them of the key file. What Redis holds is sealed.
"""

from __future__ import annotations

import os
import sys
from functools import cache

import requests
from celery import Celery, group

from sa_auth import SaAuthError, ServiceAccountCredentials

REDIS = os.environ["REDIS"]
app = Celery("workers", broker=REDIS, backend=REDIS)


@cache
def session() -> requests.Session:
    """The session of a worker process, made at its first task: a connection must not be older than the fork."""
    made = requests.Session()
    made.auth = ServiceAccountCredentials.from_file(
        os.environ["KEY_FILE"],
        scope="https://www.googleapis.com/auth/drive",
        token_endpoint=os.environ.get("TOKEN_ENDPOINT"),
        cache=REDIS,
    )
    return made


@app.task(name="workers.call")
def call(page: int) -> int:
    """Makes one call."""
    return session().get(f"{os.environ['API']}?page={page}", timeout=30).status_code


def main() -> int:
    """Has the calls made, by whatever workers there are."""
    calls = int(sys.argv[1])
    statuses = group(call.s(page) for page in range(calls))().get(timeout=60)
    print(f"{statuses.count(200)} of {calls} calls succeeded")
    return 0 if statuses.count(200) == calls else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
