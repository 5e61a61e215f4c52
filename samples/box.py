"""Shows whom a Box app is, and then some of its users' folders, by the key file of the developer console.

    python samples/box.py config.json
    python samples/box.py config.json 456 789

The first call is the app's service account's; each user is a token of its own, from the same key. The file holds
everything, the passphrase of its key and the app's secret included: keep it as a password is kept.
"""

import argparse
import sys
from urllib.parse import urlsplit

import requests

from sa_auth import SaAuthError, ServiceAccountCredentials


def main() -> int:
    """Asks who the service account is, and lists the top folder of each user."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("config")
    parser.add_argument("users", nargs="*", help="users' ids")
    parser.add_argument("--api", default="https://api.box.com/2.0")
    parser.add_argument("--token-endpoint")
    options = parser.parse_args()
    robot = ServiceAccountCredentials.from_file(
        options.config,
        token_endpoint=options.token_endpoint,
        allowed_hosts=urlsplit(options.api).hostname,
    )
    with robot, requests.Session() as session:
        answer = session.get(f"{options.api}/users/me", auth=robot, timeout=30)
        print("service account", answer.status_code, answer.json().get("login", ""))
        for user in options.users:
            folder = session.get(f"{options.api}/folders/0/items", auth=robot.replace(subject=user), timeout=30)
            print(user, folder.status_code, *(entry["name"] for entry in folder.json().get("entries", [])))
    return 0 if answer.ok else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
