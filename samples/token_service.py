"""A token service issues the assertion (RFC 7521 section 3, the figure "Assertion Created by Third Party"), in either use.

    python samples/token_service.py /run/secrets/token https://login.example https://api.example/orders --client-id my-client
    python samples/token_service.py kubernetes https://login.example https://api.example/orders --as grant

The first argument is a file that the token service keeps fresh, or the name of a service that is known: kubernetes,
github_actions, gitlab, azure_workload_identity. No key is kept here. `--client-id` is sent where it is given.
"""

import argparse
import sys

import requests

from sa_auth import SaAuthError, ServiceAccountCredentials
from sa_auth.assertions import ASSERTIONS, FromFile
from sa_auth.client_auth import ClientAssertion
from sa_auth.grants import JWTBearer


def main() -> int:
    """Makes one call."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("assertion", help="a file, or the name of a token service")
    parser.add_argument("server", help="the authorization server's issuer identifier")
    parser.add_argument("url")
    parser.add_argument("--as", dest="use", choices=["client", "grant"], default="client")
    parser.add_argument("--client-id")
    parser.add_argument("--scope", default="orders.read")
    options = parser.parse_args()
    assertion = options.assertion if options.assertion in ASSERTIONS else FromFile(options.assertion)
    if options.use == "client":
        how = {"grant": "client_credentials", "client_auth": ClientAssertion(assertion)}
    else:
        how = {"grant": JWTBearer(assertion)}
    creds = ServiceAccountCredentials(issuer=options.client_id, server=options.server, scope=options.scope, **how)
    with creds, requests.Session() as session:
        session.auth = creds
        answer = session.get(options.url, timeout=30)
        print(answer.status_code)
    return 0 if answer.ok else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
