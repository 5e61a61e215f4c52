"""Signs in with a key that never leaves its HSM, smart card, Vault or key service; the PIN is asked for.

    python samples/key_in_hsm.py "pkcs11:token=prod;object=robot?module-path=/usr/lib/softhsm/libsofthsm2.so" robot \
        https://login.example/token https://api.example/orders
    VAULT_ADDR=https://vault.example:8200 python samples/key_in_hsm.py vault:robot robot ...

The PIN comes from the variable HSM_PIN, as in a service, or from the terminal. docs/signers.md has the URIs.
"""

import argparse
import getpass
import os
import sys

import requests

from sa_auth import SaAuthError, ServiceAccountCredentials


def pin() -> str:
    """Gives the PIN; asked for when the token wants it, once in a process, and kept nowhere."""
    return os.environ.get("HSM_PIN") or getpass.getpass("PIN: ")


def main() -> int:
    """Makes one call."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("key", help="the key's URI")
    parser.add_argument("issuer", help="client id, or whatever name the key is registered under")
    parser.add_argument("token_endpoint")
    parser.add_argument("url", help="of the API")
    parser.add_argument("--certificate", help="where the server wants the certificate's thumbprint")
    options = parser.parse_args()
    creds = ServiceAccountCredentials(
        options.key,
        issuer=options.issuer,
        token_endpoint=options.token_endpoint,
        password=pin if options.key.startswith("pkcs11:") else None,
        certificate=options.certificate,
    )
    with creds, requests.Session() as session:
        session.auth = creds
        answer = session.get(options.url, timeout=30)
        print(options.url, answer.status_code)
    return 0 if answer.ok else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
