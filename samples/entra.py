"""Calls Microsoft Graph, or another API behind Entra ID, as an application: by a certificate, or in a pod without any key.

    PFX_PASSWORD=... python samples/entra.py contoso.onmicrosoft.com CLIENT-ID https://graph.microsoft.com/v1.0/users robot.pfx
    python samples/entra.py contoso.onmicrosoft.com CLIENT-ID https://graph.microsoft.com/v1.0/users

Without a file the token of Azure Workload Identity proves the application: the file that AZURE_FEDERATED_TOKEN_FILE names.
"""

import argparse
import os
import sys

import requests

from sa_auth import SaAuthError, ServiceAccountCredentials
from sa_auth.client_auth import ClientAssertion


def main() -> int:
    """Makes one call."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tenant")
    parser.add_argument("client_id")
    parser.add_argument("url")
    parser.add_argument("pfx", nargs="?", help="key and certificate; the password is in PFX_PASSWORD")
    parser.add_argument("--scope", default="https://graph.microsoft.com/.default")
    options = parser.parse_args()
    host = os.environ.get("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com/").rstrip("/")
    app = {
        "provider": "entra",
        "issuer": options.client_id,
        "server": f"{host}/{options.tenant}/v2.0",
        "scope": options.scope,
    }
    if options.pfx is None:
        creds = ServiceAccountCredentials(client_auth=ClientAssertion("azure_workload_identity"), **app)
    else:
        creds = ServiceAccountCredentials.from_file(options.pfx, password=lambda: os.environ["PFX_PASSWORD"], **app)
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
