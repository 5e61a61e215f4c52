"""Lists what an installation of a GitHub App can reach, by the app's key: no personal token, no password.

    python samples/github_app.py app.private-key.pem Iv23liCLIENTID 12345
    python samples/github_app.py app.private-key.pem 42 7 --server https://github.acme.example/api/v3
    python samples/github_app.py app.private-key.pem Iv23liCLIENTID 12345 --repository one --permission contents=read

The number is the installation's id, at the end of the address of its settings. With `--repository` or `--permission` the
token is good for that alone, however much the installation may do.
"""

import argparse
import sys
from urllib.parse import urlsplit

import requests

from sa_auth import SaAuthError, ServiceAccountCredentials, grants


def main() -> int:
    """Asks for the repositories, page by page is left out."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("key_file")
    parser.add_argument("app", help="the app's client id, or its app id")
    parser.add_argument("installation", help="the installation's id")
    parser.add_argument("--server", default="https://api.github.com")
    parser.add_argument("--api", help="where the API is; default the server")
    parser.add_argument("--repository", action="append", default=[])
    parser.add_argument("--permission", action="append", default=[], metavar="NAME=LEVEL")
    options = parser.parse_args()
    less = {
        "repositories": options.repository,
        "permissions": dict(one.split("=", 1) for one in options.permission),
    }
    api = options.api or options.server
    creds = ServiceAccountCredentials.from_file(
        options.key_file,
        provider="github",
        issuer=options.app,
        subject=options.installation,
        server=options.server,
        grant=grants.RestExchange(body={name: value for name, value in less.items() if value}),
        allowed_hosts=urlsplit(api).hostname,
    )
    with creds, requests.Session() as session:
        session.auth = creds
        answer = session.get(f"{api}/installation/repositories", params={"per_page": 100}, timeout=30)
    found = answer.json()
    print(answer.status_code, *(repository["full_name"] for repository in found.get("repositories", [])))
    return 0 if answer.ok else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
