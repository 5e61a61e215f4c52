"""A batch job that signs in with a key and certificate from a PFX file, at any server that follows RFC 7523.

    PFX_PASSWORD=... python samples/batch_pfx.py robot.pfx my-client-id https://login.example/token https://api.example/orders

The certificate's thumbprint goes into the assertion's header, so that the server knows which key to check with.
"""

import argparse
import os
import sys

import requests

from sa_auth import SaAuthError, ServiceAccountCredentials


def main() -> int:
    """Sends a few orders, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pfx")
    parser.add_argument("issuer")
    parser.add_argument("token_endpoint")
    parser.add_argument("url")
    options = parser.parse_args()
    creds = ServiceAccountCredentials.from_file(
        options.pfx,
        password=lambda: os.environ["PFX_PASSWORD"],
        issuer=options.issuer,
        token_endpoint=options.token_endpoint,
        scope="orders.write",
        headers={"x5t#S256": True},
    )
    with creds, requests.Session() as session:
        session.auth = creds
        for number in range(10):
            answer = session.post(options.url, json={"order": number}, timeout=30)
            print(number, answer.status_code)
            answer.raise_for_status()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
