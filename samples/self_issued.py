"""The client signs its own assertion (RFC 7521 section 3, the figure "Self-Issued Assertion"), in either of its uses.

    python samples/self_issued.py robot.pem my-client-id https://login.example https://api.example/orders
    python samples/self_issued.py robot.pem my-client-id https://login.example https://api.example/orders --as grant

As client authentication (the default) it proves the client that asks in its own name; as authorization grant it is
itself what access is asked by. The server's metadata say where the token endpoint is.
"""

import argparse
import sys

import requests

from sa_auth import SaAuthError, ServiceAccountCredentials


def main() -> int:
    """Makes one call, and tells the server at the end that the token is not needed any more."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("key_file")
    parser.add_argument("client_id")
    parser.add_argument("server", help="the authorization server's issuer identifier")
    parser.add_argument("url")
    parser.add_argument("--as", dest="use", choices=["client", "grant"], default="client")
    parser.add_argument("--scope", default="orders.read")
    options = parser.parse_args()
    creds = ServiceAccountCredentials.from_file(
        options.key_file,
        issuer=options.client_id,
        server=options.server,
        scope=options.scope,
        grant="client_credentials" if options.use == "client" else "jwt_bearer",
    )
    with creds, requests.Session() as session:
        session.auth = creds
        answer = session.get(options.url, timeout=30)
        print(answer.status_code)
        creds.revoke()
    return 0 if answer.ok else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
