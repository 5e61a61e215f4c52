"""Reads a FHIR server as a SMART backend service: a client in its own name, with a private JWK.

    python samples/smart_backend.py key.json my-client-id https://fhir.example/r4
    python samples/smart_backend.py key.json my-client-id https://fhir.example/r4 --token-endpoint https://auth.example/token

Without the token endpoint it shows what the server's configuration names, and signs nothing: the assertion is made for
that address, so see once that it is the server that the client was registered at.
"""

import argparse
import sys

import requests

from sa_auth import SaAuthError, ServiceAccountCredentials


def main() -> int:
    """Reads one page of a resource."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("key_file")
    parser.add_argument("client_id")
    parser.add_argument("fhir", help="the FHIR server's base address")
    parser.add_argument("--token-endpoint")
    parser.add_argument("--key-id", help="kid, where the key file holds none")
    parser.add_argument("--resource", default="Patient")
    options = parser.parse_args()
    if options.token_endpoint is None:
        configuration = requests.get(f"{options.fhir}/.well-known/smart-configuration", timeout=30).json()
        print(f"If you registered there: --token-endpoint {configuration['token_endpoint']}")
        return 2
    creds = ServiceAccountCredentials.from_file(
        options.key_file,
        provider="smart",
        issuer=options.client_id,
        key_id=options.key_id,
        token_endpoint=options.token_endpoint,
        scope=f"system/{options.resource}.rs",
    )
    with creds, requests.Session() as session:
        session.auth = creds
        answer = session.get(f"{options.fhir}/{options.resource}?_count=10", timeout=30)
        print(options.resource, answer.status_code)
    return 0 if answer.ok else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
