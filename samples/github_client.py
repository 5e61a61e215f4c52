"""Shows an issue of a repository by PyGithub, signed in as an installation of a GitHub App.

    python samples/github_client.py app.private-key.pem Iv23liCLIENTID 12345 acme/things 7

Needs `pip install PyGithub`. The number after the app is the installation's id. The same as github_app.py, which needs no
client library.
"""

import argparse
import sys
from urllib.parse import urlsplit

import github

from sa_auth import SaAuthError, ServiceAccountCredentials
from sa_auth.integrations.github import Auth


def main() -> int:
    """Asks for one issue."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("key_file")
    parser.add_argument("app", help="the app's client id, or its app id")
    parser.add_argument("installation", help="the installation's id")
    parser.add_argument("repository", help="owner/name")
    parser.add_argument("issue", type=int)
    parser.add_argument("--server", default="https://api.github.com")
    parser.add_argument("--api", help="where the API is; default the server")
    options = parser.parse_args()
    api = options.api or options.server
    creds = ServiceAccountCredentials.from_file(
        options.key_file,
        provider="github",
        issuer=options.app,
        subject=options.installation,
        server=options.server,
        allowed_hosts=urlsplit(api).hostname,
    )
    with creds, github.Github(auth=Auth(creds), base_url=api, lazy=True) as client:
        issue = client.get_repo(options.repository).get_issue(options.issue)
        print(f"#{options.issue} {issue.title}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
