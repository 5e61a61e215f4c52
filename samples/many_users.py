"""One key that acts for many users: each user has a token of their own, the key is parsed once.

python samples/many_users.py key.json https://www.googleapis.com/drive/v3/files alice@example.com bob@example.com
"""

import argparse
import sys

import requests

from sa_auth import SaAuthError, ServiceAccountCredentials


def main() -> int:
    """Makes one call for each user, twice; the second round needs no exchange."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("key_file")
    parser.add_argument("url")
    parser.add_argument("users", nargs="+")
    parser.add_argument("--scope", default="https://www.googleapis.com/auth/drive")
    parser.add_argument("--token-endpoint")
    options = parser.parse_args()
    robot = ServiceAccountCredentials.from_file(
        options.key_file, scope=options.scope, token_endpoint=options.token_endpoint
    )
    with robot, requests.Session() as session:
        for _ in range(2):
            for user in options.users:
                # Made for one call and thrown away: the token stays in the process's memory.
                answer = session.get(options.url, auth=robot.replace(subject=user), timeout=30)
                print(user, answer.status_code)
                answer.raise_for_status()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
