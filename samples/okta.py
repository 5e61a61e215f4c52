"""Lists an Okta org's users as a service application, by the private JWK that the console showed once.

    python samples/okta.py okta-key.json 0oar95zt9zIpYuz6A0h7 https://acme.okta.com
    python samples/okta.py okta-key.json 0oar95zt9zIpYuz6A0h7 https://acme.okta.com --dpop

`--dpop` is for applications that demand proof of possession, as new ones do: the token is then bound to a key of this
process, and each call carries a proof.
"""

import argparse
import sys

import requests

from sa_auth import SaAuthError, ServiceAccountCredentials


def main() -> int:
    """Reads one page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("key_file")
    parser.add_argument("client_id")
    parser.add_argument("org")
    parser.add_argument("--scope", default="okta.users.read")
    parser.add_argument("--url", help="the call; default the org's users")
    parser.add_argument("--dpop", action="store_true")
    options = parser.parse_args()
    creds = ServiceAccountCredentials.from_file(
        options.key_file,
        provider="okta",
        issuer=options.client_id,
        server=options.org,
        scope=options.scope,
        dpop="ephemeral" if options.dpop else None,
    )
    with creds, requests.Session() as session:
        session.auth = creds
        answer = session.get(options.url or f"{options.org}/api/v1/users?limit=10", timeout=30)
        print(answer.status_code)
    return 0 if answer.ok else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
